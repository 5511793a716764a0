-- What times a span, where somebody chose otherwise than the settings say (R10.6.a). Who chose is in the audit.
CREATE TABLE span_timings (
    tenant text NOT NULL,
    span text NOT NULL,
    source text NOT NULL CHECK (source IN ('span', 'system')),
    PRIMARY KEY (tenant, span)
);
