-- Agents with their skills, queues, and who sits where.
CREATE TABLE skills (
    tenant text NOT NULL DEFAULT 'default',
    id text NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE agents (
    tenant text NOT NULL DEFAULT 'default',
    id text NOT NULL,
    name text NOT NULL,
    team text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, id)
);
COMMENT ON COLUMN agents.id IS '工号';

CREATE TABLE agent_skills (
    tenant text NOT NULL DEFAULT 'default',
    agent text NOT NULL,
    skill text NOT NULL,
    level smallint NOT NULL CHECK (level BETWEEN 1 AND 10),
    PRIMARY KEY (tenant, agent, skill),
    FOREIGN KEY (tenant, agent) REFERENCES agents (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, skill) REFERENCES skills (tenant, id)
);
CREATE INDEX agent_skills_skill ON agent_skills (tenant, skill);

CREATE TABLE queues (
    tenant text NOT NULL DEFAULT 'default',
    id text NOT NULL,
    name text NOT NULL,
    skill text NOT NULL,
    min_level smallint NOT NULL CHECK (min_level BETWEEN 1 AND 10),
    strategy text NOT NULL,
    ring_seconds double precision NOT NULL,
    wrap_up_seconds double precision NOT NULL,
    weight integer NOT NULL,
    service_level_seconds double precision NOT NULL,
    service_level_ratio double precision NOT NULL,
    max_waiting integer NOT NULL,
    music text NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, skill) REFERENCES skills (tenant, id)
);
CREATE INDEX queues_skill ON queues (tenant, skill);

-- One agent per seat, one seat per agent; no row: signed out.
CREATE TABLE agent_presence (
    tenant text NOT NULL DEFAULT 'default',
    agent text NOT NULL,
    seat text NOT NULL,
    asked text NOT NULL CHECK (asked IN ('ready', 'not_ready')),
    reason text NOT NULL DEFAULT '',
    since timestamptz NOT NULL,
    set_by text NOT NULL,
    PRIMARY KEY (tenant, agent),
    CONSTRAINT agent_presence_seat UNIQUE (tenant, seat),
    FOREIGN KEY (tenant, agent) REFERENCES agents (tenant, id) ON DELETE CASCADE
);
COMMENT ON COLUMN agent_presence.asked IS 'the state the agent last asked for, or was put into (no_answer)';
COMMENT ON COLUMN agent_presence.set_by IS 'a user, a seat, or acd for what the engine did by itself';
