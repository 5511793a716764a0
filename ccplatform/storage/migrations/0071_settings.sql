-- Settings that are a name and little else (teams, reasons, dispositions); hours of numbers; what seats are; and the
-- way to an item's history.
CREATE TABLE named_settings (
    tenant text NOT NULL DEFAULT 'default',
    kind text NOT NULL,
    id text NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);
INSERT INTO named_settings (tenant, kind, id, document)
    SELECT DISTINCT ON (tenant, left(regexp_replace(team, '[^[:alnum:]_.-]+', '_', 'g'), 64))
           tenant, 'team', left(regexp_replace(team, '[^[:alnum:]_.-]+', '_', 'g'), 64),
           jsonb_build_object('name', team)
    FROM agents WHERE team <> '' ORDER BY 1, 3, team;
UPDATE agents SET team = left(regexp_replace(team, '[^[:alnum:]_.-]+', '_', 'g'), 64) WHERE team <> '';

ALTER TABLE entry_points
    ADD COLUMN calendar text NOT NULL DEFAULT '',
    ADD COLUMN closed_flow text NOT NULL DEFAULT '';
COMMENT ON COLUMN entry_points.closed_flow IS 'answers while the calendar is closed';

ALTER TABLE seats
    ADD COLUMN name text NOT NULL DEFAULT '',
    ADD COLUMN phone text NOT NULL DEFAULT 'desk' CHECK (phone IN ('desk', 'web')),
    ADD COLUMN caller text NOT NULL DEFAULT '';
COMMENT ON COLUMN seats.caller IS 'number shown for calls out; empty: what the trunk shows';

CREATE INDEX audit_object ON audit (tenant, object, seq);
