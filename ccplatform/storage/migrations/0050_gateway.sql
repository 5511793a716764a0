-- The access layer: trunks, seats with their sealed SIP secrets, and registrations that outlive a restart.
CREATE TABLE trunks (
    tenant text NOT NULL DEFAULT 'default',
    id text NOT NULL,
    peers text[] NOT NULL DEFAULT '{}',
    host text,
    port integer NOT NULL DEFAULT 5060 CHECK (port BETWEEN 1 AND 65535),
    transport text NOT NULL DEFAULT 'UDP',
    capacity integer NOT NULL CHECK (capacity > 0),
    direction text NOT NULL DEFAULT 'both' CHECK (direction IN ('in', 'out', 'both')),
    PRIMARY KEY (tenant, id)
);
COMMENT ON COLUMN trunks.peers IS 'networks (CIDR) that calls of this trunk come from';
COMMENT ON COLUMN trunks.capacity IS 'channels, both ways together';

CREATE TABLE seats (
    tenant text NOT NULL DEFAULT 'default',
    id text NOT NULL,
    sip_user text NOT NULL,
    realm text NOT NULL,
    ha1_md5 bytea NOT NULL,
    ha1_sha256 bytea NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, sip_user)
);
COMMENT ON COLUMN seats.id IS '座席号';
COMMENT ON COLUMN seats.ha1_md5 IS 'digest secret (RFC 7616 HA1), AES-256-GCM under the master key';

CREATE TABLE registrations (
    tenant text NOT NULL DEFAULT 'default',
    seat text NOT NULL,
    contact text NOT NULL,
    transport text NOT NULL,
    host text NOT NULL,
    port integer NOT NULL,
    call_id text NOT NULL,
    cseq bigint NOT NULL,
    user_agent text NOT NULL,
    refreshed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, seat, contact)
);
COMMENT ON COLUMN registrations.host IS 'where the REGISTER came from: calls to the phone go there';
