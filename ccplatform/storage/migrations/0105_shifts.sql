-- What is planned for agents (R6.3): a shift each, a document with its instants beside it for what asks by time.
CREATE TABLE shifts (
    tenant text NOT NULL DEFAULT 'default',
    id text NOT NULL,
    agent text NOT NULL,
    begins timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX shifts_of_agents ON shifts (tenant, agent, begins);
CREATE INDEX shifts_by_end ON shifts (tenant, ends);
