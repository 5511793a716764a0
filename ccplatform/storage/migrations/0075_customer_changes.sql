-- What agents correct in the customers' directory (R10.1.d): who, when, from what to what. Apart from the audit chain,
-- which is for ever: what identifies a customer can be removed with him.
ALTER TABLE customers ADD COLUMN version integer NOT NULL DEFAULT 1;

CREATE TABLE customer_changes (
    tenant text NOT NULL DEFAULT 'default',
    account text NOT NULL,
    version integer NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL,
    before jsonb,
    after jsonb NOT NULL,
    PRIMARY KEY (tenant, account, version),
    FOREIGN KEY (tenant, account) REFERENCES customers (tenant, account) ON DELETE CASCADE
);
COMMENT ON COLUMN customer_changes.before IS 'null: the customer was entered';
