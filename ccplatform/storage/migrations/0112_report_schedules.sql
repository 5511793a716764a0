-- Reports that are made by themselves (R10.1.g): which, how often, where they go, and what came of the last one.
CREATE TABLE report_schedules (
    tenant text NOT NULL DEFAULT 'default',
    id uuid NOT NULL,
    name text NOT NULL,
    report text NOT NULL,
    group_by text NOT NULL,
    period text NOT NULL,
    format text NOT NULL,
    minute integer NOT NULL,
    mail_to text[] NOT NULL,
    paused boolean NOT NULL,
    next_at timestamptz NOT NULL,
    tried_at timestamptz,
    last_period text NOT NULL DEFAULT '',
    last_result text NOT NULL DEFAULT '',
    last_ok boolean,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX report_schedules_name ON report_schedules (tenant, lower(name));

COMMENT ON COLUMN report_schedules.minute IS 'of the day after the period, by the centre''s clock';
COMMENT ON COLUMN report_schedules.mail_to IS 'addresses; none: into the folder';
COMMENT ON COLUMN report_schedules.next_at IS 'when the next one is due: it moves on only when that is made';
