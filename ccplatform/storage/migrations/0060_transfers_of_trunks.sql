-- Who connects a trunk's callers with numbers outside: we (bridge), or its carrier when it takes our REFER.
ALTER TABLE trunks ADD COLUMN transfer text NOT NULL DEFAULT 'bridge' CHECK (transfer IN ('bridge', 'refer'));
