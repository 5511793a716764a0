-- cti: the customers' directory behind the screen pop (R10.1.b). Phones are stored in the normal form of
-- cti/numbers.py; one number may belong to several customers.
CREATE TABLE customers (
    tenant      text NOT NULL DEFAULT 'default',
    account     text NOT NULL,
    phone       text NOT NULL,
    name        text NOT NULL,
    name_latin  text NOT NULL DEFAULT '',
    level       text NOT NULL DEFAULT '',
    city        text NOT NULL DEFAULT '',
    note        text NOT NULL DEFAULT '',
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, account)
);

CREATE INDEX customers_by_phone ON customers (tenant, phone);
