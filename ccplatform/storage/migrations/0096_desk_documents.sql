-- Settings of desks that are a document each: links into the operator's own CRM, scripts of calls (R10.1.b, R10.1.d).
CREATE TABLE desk_documents (
    tenant text NOT NULL DEFAULT 'default',
    kind text NOT NULL,
    id text NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);
COMMENT ON COLUMN desk_documents.kind IS 'crm_link, script';
