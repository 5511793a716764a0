-- Whom a supervisor oversees: the agents of these teams; of all, where there are none.
ALTER TABLE users ADD COLUMN teams text[] NOT NULL DEFAULT '{}';
