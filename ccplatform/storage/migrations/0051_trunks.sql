-- Trunks with names, backups, accounts, number rules and administrative states; routes of calls out.
ALTER TABLE trunks
    ALTER COLUMN port DROP NOT NULL,
    ALTER COLUMN port DROP DEFAULT,
    ALTER COLUMN transport DROP NOT NULL,
    ADD COLUMN backups text[] NOT NULL DEFAULT '{}',
    ADD COLUMN capacity_in integer,
    ADD COLUMN capacity_out integer,
    ADD COLUMN proof text NOT NULL DEFAULT 'ip' CHECK (proof IN ('ip', 'digest', 'both')),
    ADD COLUMN account text,
    ADD COLUMN password bytea,
    ADD COLUMN domain text NOT NULL DEFAULT '',
    ADD COLUMN registration_seconds integer,
    ADD COLUMN numbers_in jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN numbers_out jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN caller_number text NOT NULL DEFAULT '',
    ADD COLUMN caller_only_own boolean NOT NULL DEFAULT false,
    ADD COLUMN caller_asserted text NOT NULL DEFAULT 'none',
    ADD COLUMN probe_seconds integer NOT NULL DEFAULT 0,
    ADD COLUMN state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'blocked', 'isolated'));
COMMENT ON COLUMN trunks.host IS 'IP address, or a name that is looked up as RFC 3263 says';
COMMENT ON COLUMN trunks.backups IS 'SIP URIs of servers for when the host does not serve';
COMMENT ON COLUMN trunks.password IS 'of the account, AES-256-GCM under the master key';
COMMENT ON COLUMN trunks.state IS 'what the operator wants (R10.4.a)';

CREATE TABLE outbound_routes (
    tenant text NOT NULL DEFAULT 'default',
    prefix text NOT NULL,
    exact boolean NOT NULL DEFAULT false,
    emergency boolean NOT NULL DEFAULT false,
    choices jsonb NOT NULL,
    PRIMARY KEY (tenant, prefix, exact)
);
COMMENT ON COLUMN outbound_routes.choices IS 'trunks with priority (lower first) and weight';
