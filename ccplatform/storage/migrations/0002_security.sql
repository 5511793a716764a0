CREATE TABLE users (
    tenant text NOT NULL DEFAULT 'default',
    name text NOT NULL,
    password_hash text NOT NULL,
    roles text[] NOT NULL,
    agent text,
    pin_hash text,
    locked boolean NOT NULL DEFAULT false,
    must_change boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    password_changed_at timestamptz NOT NULL,
    last_login_at timestamptz,
    PRIMARY KEY (tenant, name)
);
CREATE UNIQUE INDEX users_agent ON users (tenant, agent) WHERE agent IS NOT NULL;
COMMENT ON COLUMN users.agent IS 'the agent (工号) that this person is; NULL for others';

CREATE TABLE tokens (
    tenant text NOT NULL DEFAULT 'default',
    sha256 bytea NOT NULL,
    user_name text NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, sha256),
    FOREIGN KEY (tenant, user_name) REFERENCES users (tenant, name) ON DELETE CASCADE
);
CREATE INDEX tokens_expiry ON tokens (expires_at);

-- Who did what. Rows are chained by their hashes and can only be added.
CREATE TABLE audit (
    tenant text NOT NULL DEFAULT 'default',
    seq bigint NOT NULL,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    subject text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    result text NOT NULL,
    detail json NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (tenant, seq)
);
CREATE INDEX audit_at ON audit (tenant, at);
COMMENT ON COLUMN audit.detail IS 'json and not jsonb: the hash covers its exact text';

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
