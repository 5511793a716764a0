-- Who is said to call certain numbers by a trunk: rules as number_rules, the first that fits.
ALTER TABLE trunks ADD COLUMN callers_out jsonb NOT NULL DEFAULT '[]';
