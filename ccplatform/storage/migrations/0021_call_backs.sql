-- Promised call-backs are kept: their place in line, when they may be made, what became of them.
ALTER TABLE call_backs DROP CONSTRAINT call_backs_state_check;
UPDATE call_backs SET state = 'kept' WHERE state = 'done';
ALTER TABLE call_backs
    ADD CONSTRAINT call_backs_state_check
        CHECK (state IN ('open', 'kept', 'given_up', 'expired', 'cancelled')),
    ADD COLUMN priority smallint NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10),
    ADD COLUMN queued_at timestamptz,
    ADD COLUMN not_before timestamptz,
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN reason text NOT NULL DEFAULT '',
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN attempt uuid,
    ADD COLUMN ended_at timestamptz;
UPDATE call_backs SET queued_at = created_at, not_before = created_at, expires_at = created_at + interval '7 days';
ALTER TABLE call_backs
    ALTER COLUMN queued_at SET NOT NULL,
    ALTER COLUMN not_before SET NOT NULL,
    ALTER COLUMN expires_at SET NOT NULL;
CREATE INDEX call_backs_created ON call_backs (tenant, created_at DESC, id DESC);
COMMENT ON COLUMN call_backs.queued_at IS 'its place in line counts from here';
COMMENT ON COLUMN call_backs.attempt IS 'the contact of the latest call that was made for it';
