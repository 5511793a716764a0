-- What queues learned about how fast they move, written behind; without a row a queue learns anew.
CREATE TABLE queue_paces (
    tenant text NOT NULL DEFAULT 'default',
    queue text NOT NULL,
    at timestamptz NOT NULL,
    pace jsonb NOT NULL,
    PRIMARY KEY (tenant, queue),
    FOREIGN KEY (tenant, queue) REFERENCES queues (tenant, id) ON DELETE CASCADE
);
