-- One row a contact, projected from its facts: what lists search. The caller's number itself stays sealed in the
-- journal; its keyed digest finds the contacts of a number.
CREATE TABLE contacts (
    tenant text NOT NULL DEFAULT 'default',
    id uuid NOT NULL,
    call uuid NOT NULL,
    channel text NOT NULL,
    direction text NOT NULL,
    dialled text NOT NULL,
    trunk text,
    from_seat text,
    caller_digest bytea,
    started_at timestamptz NOT NULL,
    answered_at timestamptz,
    ended_at timestamptz,
    outcome text,
    cause text,
    queue text,
    agent text,
    seat text,
    total_seconds double precision,
    queue_seconds double precision,
    talk_seconds double precision,
    hold_seconds double precision,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX contacts_started ON contacts (tenant, started_at DESC, id DESC);
CREATE INDEX contacts_caller ON contacts (tenant, caller_digest, started_at DESC);
CREATE INDEX contacts_agent ON contacts (tenant, agent, started_at DESC);
CREATE INDEX contacts_open ON contacts (tenant, id) WHERE ended_at IS NULL;
