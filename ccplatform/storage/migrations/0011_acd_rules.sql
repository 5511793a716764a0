-- What queues can do besides, the order of agents in lists, what an agent was when the process ended, calendars.
ALTER TABLE queues ADD COLUMN rules jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN queues.rules IS
    'requires, rings, rung_at_most, ring_more_seconds, capacity, gives_way, max_wait_seconds, overflows, calendar';

ALTER TABLE agents ADD COLUMN position integer NOT NULL DEFAULT 1000 CHECK (position BETWEEN 1 AND 10000);
COMMENT ON COLUMN agents.position IS 'place in lists that are gone through from the top';

-- Written behind; ages in seconds count from ``at``. Missing or old rows cost an interval, never an agent.
CREATE TABLE agent_standings (
    tenant text NOT NULL DEFAULT 'default',
    agent text NOT NULL,
    at timestamptz NOT NULL,
    standing jsonb NOT NULL,
    PRIMARY KEY (tenant, agent),
    FOREIGN KEY (tenant, agent) REFERENCES agents (tenant, id) ON DELETE CASCADE
);

-- Opening hours: weekly times, holidays, make-up working days.
CREATE TABLE calendars (
    tenant text NOT NULL DEFAULT 'default',
    id text NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (tenant, id)
);
