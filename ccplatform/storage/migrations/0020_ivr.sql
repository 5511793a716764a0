-- Published flows, the numbers that lead to them, and promises made to callers.
CREATE TABLE flows (
    tenant text NOT NULL DEFAULT 'default',
    id text NOT NULL,
    revision text NOT NULL,
    document jsonb NOT NULL,
    published_at timestamptz NOT NULL,
    superseded_at timestamptz,
    PRIMARY KEY (tenant, id, revision)
);
CREATE UNIQUE INDEX flows_current ON flows (tenant, id) WHERE superseded_at IS NULL;
COMMENT ON COLUMN flows.revision IS 'hash of the document';
COMMENT ON COLUMN flows.superseded_at IS 'null: new sessions run this revision; running ones finish on theirs';

-- Feature codes (from_seat) count only for calls of the centre's own seats.
CREATE TABLE entry_points (
    tenant text NOT NULL DEFAULT 'default',
    number text NOT NULL,
    from_seat boolean NOT NULL DEFAULT false,
    flow text NOT NULL,
    PRIMARY KEY (tenant, number, from_seat)
);

-- One promise a contact and queue: a caller who asks twice is called once.
CREATE TABLE call_backs (
    tenant text NOT NULL DEFAULT 'default',
    id uuid NOT NULL,
    contact uuid NOT NULL,
    queue text NOT NULL,
    number_sealed bytea NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'given_up')),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, contact, queue)
);
CREATE INDEX call_backs_open ON call_backs (tenant, queue, created_at) WHERE state = 'open';
COMMENT ON COLUMN call_backs.number_sealed IS 'AES-256-GCM, context call-back:<id>';
