-- Copies of recordings in other stores. `copies_due`: a configured store may lack it as it is now; `local`: its file is
-- in the directory that it was recorded into.
ALTER TABLE recordings
    ADD COLUMN local      boolean NOT NULL DEFAULT true,
    ADD COLUMN copies_due boolean NOT NULL DEFAULT true;

-- The stores that were ever configured, and how much is in each.
CREATE TABLE recording_stores (
    tenant text   NOT NULL,
    name   text   NOT NULL,
    copies bigint NOT NULL DEFAULT 0,
    bytes  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, name)
);

-- A row for each copy; `removing`: the recording is deleted, and the copy is still to be.
CREATE TABLE recording_copies (
    tenant     text        NOT NULL,
    recording  uuid        NOT NULL,
    store      text        NOT NULL,
    root       bytea       NOT NULL,
    size_bytes bigint      NOT NULL,
    copied_at  timestamptz NOT NULL,
    removing   boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (tenant, recording, store)
);

CREATE INDEX recording_copies_to_remove ON recording_copies (tenant, store) WHERE removing;
CREATE INDEX recordings_to_copy ON recordings (tenant, ended_at, id)
    WHERE copies_due AND deleted_at IS NULL AND ended_at IS NOT NULL;
CREATE INDEX recordings_to_let_go ON recordings (tenant, started_at, id)
    WHERE local AND deleted_at IS NULL AND ended_at IS NOT NULL;
