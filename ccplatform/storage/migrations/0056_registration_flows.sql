-- Proxies on the way to a phone (RFC 3327), and which of its flows a contact is (RFC 5626).
ALTER TABLE registrations
    ADD COLUMN path text[] NOT NULL DEFAULT '{}',
    ADD COLUMN instance text NOT NULL DEFAULT '',
    ADD COLUMN reg_id bigint NOT NULL DEFAULT 0;
