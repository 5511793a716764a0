-- What each trunk and each flow did in each quarter of an hour, summed up from the journal once it is settled
-- (R10.1.g), beside report_quarters and like it. It can be made anew while the journal is there.
CREATE TABLE report_tallies (
    tenant text NOT NULL DEFAULT 'default',
    begins timestamptz NOT NULL,
    report text NOT NULL,
    name text NOT NULL,
    part text NOT NULL,
    sums double precision[] NOT NULL,
    PRIMARY KEY (tenant, begins, report, name, part)
);

COMMENT ON COLUMN report_tallies.name IS 'the trunk or the flow, empty for contacts without a trunk';
COMMENT ON COLUMN report_tallies.part IS 'of a trunk the direction, of a flow the node';
COMMENT ON COLUMN report_tallies.sums IS 'in the order of the columns of metrics/tallies.py';

-- The instant before which this table is complete; the journal is summed up once more where it is still there.
ALTER TABLE report_progress ADD COLUMN tallied timestamptz;
