-- Rules of the recording policy that people keep on the pages; those of the settings file come after them.
CREATE TABLE recording_rules (
    tenant    text NOT NULL DEFAULT 'default',
    name      text NOT NULL,
    document  jsonb NOT NULL,
    PRIMARY KEY (tenant, name)
);
