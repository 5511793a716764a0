-- What proves a recording: its root, the pauses that were declared, and what is missing; legal hold with its reason;
-- how long the rule that wanted it keeps it (NULL: as long as the installation does). What is at rest in another form
-- (converted) has a root of its own.
ALTER TABLE recordings
    ADD COLUMN root            bytea,
    ADD COLUMN paused_seconds  double precision NOT NULL DEFAULT 0,
    ADD COLUMN missing_seconds double precision NOT NULL DEFAULT 0,
    ADD COLUMN gap_seconds     double precision NOT NULL DEFAULT 0,
    ADD COLUMN keep_days       integer,
    ADD COLUMN hold_reason     text NOT NULL DEFAULT '',
    ADD COLUMN held_by         text NOT NULL DEFAULT '';

CREATE INDEX recordings_by_end ON recordings (tenant, ended_at, id);
