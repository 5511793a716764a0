-- What people say at a moment of a recording, sealed; the shape of its sound, worked out once; its exports. The first
-- two go with the recording, exports stay: a marked copy may be anywhere.
CREATE TABLE recording_comments (
    tenant      text             NOT NULL,
    id          uuid             NOT NULL,
    recording   uuid             NOT NULL,
    at_seconds  double precision NOT NULL,
    text_sealed bytea            NOT NULL,
    by          text             NOT NULL,
    made_at     timestamptz      NOT NULL,
    key         text             NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX recording_comments_of ON recording_comments (tenant, recording, at_seconds, id);
CREATE UNIQUE INDEX recording_comments_once ON recording_comments (tenant, by, key) WHERE key <> '';

CREATE TABLE recording_waveforms (
    tenant    text  NOT NULL,
    recording uuid  NOT NULL,
    peaks     bytea NOT NULL,
    PRIMARY KEY (tenant, recording)
);

CREATE TABLE recording_exports (
    tenant        text        NOT NULL,
    number        integer     NOT NULL GENERATED ALWAYS AS IDENTITY,
    recording     uuid        NOT NULL,
    by            text        NOT NULL,
    made_at       timestamptz NOT NULL,
    reason_sealed bytea       NOT NULL,
    key           text        NOT NULL,
    PRIMARY KEY (tenant, number)
);
CREATE UNIQUE INDEX recording_exports_once ON recording_exports (tenant, by, key) WHERE key <> '';
