-- What each queue, agent and seat did in each quarter of an hour, summed up from the journal once it is settled
-- (R10.1.g): reports of months and years need not read the journal. It can be made anew while the journal is there.
CREATE TABLE report_quarters (
    tenant text NOT NULL DEFAULT 'default',
    begins timestamptz NOT NULL,
    queue text NOT NULL,
    agent text NOT NULL,
    seat text NOT NULL,
    offered integer NOT NULL,
    answered integer NOT NULL,
    wait_seconds double precision NOT NULL,
    waits smallint[] NOT NULL,
    abandoned integer NOT NULL,
    abandoned_short integer NOT NULL,
    offers integer NOT NULL,
    offers_answered integer NOT NULL,
    offers_missed integer NOT NULL,
    talks integer NOT NULL,
    talk_seconds double precision NOT NULL,
    hold_seconds double precision NOT NULL,
    wrap_ups integer NOT NULL,
    wrap_up_seconds double precision NOT NULL,
    PRIMARY KEY (tenant, begins, queue, agent, seat)
);

COMMENT ON COLUMN report_quarters.agent IS 'empty, like the seat, for what is of the queue alone: who left it';
COMMENT ON COLUMN report_quarters.waits IS 'of the answered, in begun seconds, 3601 at most: a changed limit of the service level holds for the past, too';

-- The instant before which the table above is complete.
CREATE TABLE report_progress (
    tenant text PRIMARY KEY,
    until timestamptz NOT NULL
);
