-- Voice mail: one row a message, made of the facts MessageLeft, MessageMarked and MessageHandedOut. Its sound is the
-- recording of the same id. What identifies the caller, and what was noted about him, is sealed.
CREATE TABLE voice_messages (
    tenant        text NOT NULL DEFAULT 'default',
    id            uuid NOT NULL,
    contact       uuid NOT NULL,
    mailbox       text NOT NULL,
    state         text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'heard', 'handled', 'deleted')),
    left_at       timestamptz NOT NULL,
    seconds       double precision NOT NULL,
    caller_sealed bytea NOT NULL,
    handled_by    text NOT NULL DEFAULT '',
    handled_at    timestamptz,
    note_sealed   bytea,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX voice_messages_by_box ON voice_messages (tenant, mailbox, id DESC);
CREATE INDEX voice_messages_waiting ON voice_messages (tenant, id) WHERE state IN ('new', 'heard');
COMMENT ON COLUMN voice_messages.mailbox IS 'queue:<id> or agent:<id>';
