-- What each queue did in each quarter of an hour, summed up from the journal once the quarter is over (R6.2).
-- It can be made anew at any time; it is what forecasts learn from, without reading weeks of the journal.
CREATE TABLE queue_quarters (
    tenant text NOT NULL DEFAULT 'default',
    begins timestamptz NOT NULL,
    queue text NOT NULL,
    arrived integer NOT NULL,
    abandoned integer NOT NULL,
    waited_seconds double precision NOT NULL,
    talks integer NOT NULL,
    handling_seconds double precision NOT NULL,
    PRIMARY KEY (tenant, begins, queue)
);

COMMENT ON COLUMN queue_quarters.arrived IS 'contacts that left the queue in this quarter, whatever the reason';
COMMENT ON COLUMN queue_quarters.waited_seconds IS 'of all of them';
COMMENT ON COLUMN queue_quarters.handling_seconds IS 'talk with hold, and wrap-up, that ended in this quarter';
