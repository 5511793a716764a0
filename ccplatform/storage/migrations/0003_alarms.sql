-- The history of alarms (R10.4.c), written from the facts about them.
CREATE TABLE alarms (
    tenant text NOT NULL DEFAULT 'default',
    id uuid NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    severity text NOT NULL,
    text text NOT NULL,
    raised_at timestamptz NOT NULL,
    cleared_at timestamptz,
    lasted_seconds double precision,
    acknowledged_at timestamptz,
    acknowledged_by text,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX alarms_raised ON alarms (tenant, raised_at, id);
CREATE INDEX alarms_active ON alarms (tenant, kind, subject) WHERE cleared_at IS NULL;
