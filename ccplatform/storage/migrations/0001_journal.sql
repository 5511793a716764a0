-- The event journal: every fact, once. Partitions are made by the journal writer, one a day (UTC).
CREATE TABLE journal (
    tenant text NOT NULL DEFAULT 'default',
    at timestamptz NOT NULL,
    id uuid NOT NULL,
    epoch uuid NOT NULL,
    seq bigint NOT NULL,
    mono double precision NOT NULL,
    contact uuid,
    type text NOT NULL,
    version integer NOT NULL,
    data jsonb NOT NULL,
    sealed bytea,
    PRIMARY KEY (tenant, at, id)
) PARTITION BY RANGE (at);

CREATE INDEX journal_contact ON journal (contact, at);
CREATE INDEX journal_type ON journal (type, at);

COMMENT ON COLUMN journal.epoch IS 'run of the control process; seq counts within it';
COMMENT ON COLUMN journal.mono IS 'monotonic seconds of the node that wrote it';
COMMENT ON COLUMN journal.data IS 'fields of the fact that identify nobody';
COMMENT ON COLUMN journal.sealed IS 'the other fields: JSON, AES-256-GCM under the key of the contact';

-- Deleting a row here makes what identifies the person unreadable for ever.
CREATE TABLE contact_keys (
    tenant text NOT NULL DEFAULT 'default',
    contact uuid NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, contact)
);
CREATE INDEX contact_keys_created ON contact_keys (created_at);
