-- recording: the catalogue, made of the facts RecordingStarted and RecordingEnded. Where a file lies follows
-- from its id (recording/files.py); started_at is the time in the id.
CREATE TABLE recordings (
    tenant        text NOT NULL DEFAULT 'default',
    id            uuid NOT NULL,
    contact       uuid NOT NULL,
    mode          text NOT NULL,
    queue         text,
    agent         text,
    seat          text,
    started_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    seconds       double precision,
    size_bytes    bigint,
    complete      boolean,
    reason        text NOT NULL DEFAULT '',
    held          boolean NOT NULL DEFAULT false,
    deleted_at    timestamptz,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX recordings_by_time ON recordings (tenant, started_at DESC, id DESC);
CREATE INDEX recordings_by_agent ON recordings (tenant, agent, started_at DESC);
CREATE INDEX recordings_by_seat ON recordings (tenant, seat, started_at DESC);
CREATE INDEX recordings_by_queue ON recordings (tenant, queue, started_at DESC);
CREATE INDEX recordings_by_contact ON recordings (tenant, contact);
CREATE INDEX recordings_open ON recordings (tenant, id) WHERE ended_at IS NULL;
CREATE INDEX recordings_to_delete ON recordings (tenant, started_at) WHERE deleted_at IS NULL AND NOT held;
