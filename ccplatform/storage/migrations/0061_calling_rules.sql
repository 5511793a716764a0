-- Who may call which numbers. Both begin with what the settings file says, at the first start that finds them empty.
CREATE TABLE number_classes (
    tenant text NOT NULL,
    prefix text NOT NULL,
    class text NOT NULL,
    PRIMARY KEY (tenant, prefix)
);
CREATE TABLE call_permissions (
    tenant text NOT NULL,
    id text NOT NULL,
    may text[],
    caller text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, id)
);
