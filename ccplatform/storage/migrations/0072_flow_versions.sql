-- Numbered versions of flows, drafts beside them, recorded prompts, and hours and dates of numbers.
ALTER TABLE flows
    ALTER COLUMN document TYPE text USING document::text,
    ADD COLUMN number integer,
    ADD COLUMN published_by text NOT NULL DEFAULT 'platform',
    ADD COLUMN note text NOT NULL DEFAULT '',
    ADD COLUMN chosen_at timestamptz,
    ADD COLUMN chosen_by text NOT NULL DEFAULT 'platform';
UPDATE flows SET number = numbered.number, chosen_at = published_at
    FROM (SELECT tenant, id, revision,
                 row_number() OVER (PARTITION BY tenant, id ORDER BY published_at, revision) AS number
          FROM flows) AS numbered
    WHERE (flows.tenant, flows.id, flows.revision) = (numbered.tenant, numbered.id, numbered.revision);
ALTER TABLE flows
    ALTER COLUMN number SET NOT NULL,
    ALTER COLUMN chosen_at SET NOT NULL,
    ALTER COLUMN published_by DROP DEFAULT,
    ALTER COLUMN chosen_by DROP DEFAULT;
CREATE UNIQUE INDEX flows_number ON flows (tenant, id, number);
COMMENT ON COLUMN flows.document IS 'JSON text: the nodes stay in the order of their author';
COMMENT ON COLUMN flows.chosen_by IS 'who made it the current one last: its publisher, or whoever rolled back to it';

CREATE TABLE flow_drafts (
    tenant text NOT NULL DEFAULT 'default',
    id text NOT NULL,
    document text NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    PRIMARY KEY (tenant, id)
);
COMMENT ON COLUMN flow_drafts.document IS 'JSON text, which need not be legal yet; no row: nothing is changed since the last version';

-- What a version plays is named by content, so that it sounds the same for ever.
CREATE TABLE flow_sounds (
    tenant text NOT NULL DEFAULT 'default',
    sha256 text NOT NULL,
    wav bytea NOT NULL,
    PRIMARY KEY (tenant, sha256)
);
ALTER TABLE flow_sounds ALTER COLUMN wav SET STORAGE EXTERNAL;
CREATE TABLE flow_recordings (
    tenant text NOT NULL DEFAULT 'default',
    flow text NOT NULL,
    name text NOT NULL,
    language text NOT NULL,
    sha256 text NOT NULL,
    seconds double precision NOT NULL,
    gain_db double precision NOT NULL,
    uploaded_at timestamptz NOT NULL,
    uploaded_by text NOT NULL,
    PRIMARY KEY (tenant, flow, name, language),
    FOREIGN KEY (tenant, sha256) REFERENCES flow_sounds
);
COMMENT ON TABLE flow_recordings IS 'what drafts mean by a name; versions keep the contents they were published with';

ALTER TABLE entry_points ADD COLUMN rules jsonb NOT NULL DEFAULT '[]';
COMMENT ON COLUMN entry_points.rules IS 'other flows at some hours and dates; the first that applies answers';
