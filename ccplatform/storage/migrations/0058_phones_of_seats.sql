-- Two flows of one phone may have one Contact URI (RFC 5626), and a phone may name itself without flows (RFC 5627).
ALTER TABLE registrations
    DROP CONSTRAINT registrations_pkey,
    ADD PRIMARY KEY (tenant, seat, contact, instance, reg_id);
COMMENT ON COLUMN registrations.reg_id IS 'number of the phone''s flow; 0: the phone does not manage its flows';
