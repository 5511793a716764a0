-- Open call-backs of a number are found without opening every number: by the keyed digest that contacts have, too.
-- Rows from before have none; the few of them that are open are opened to be compared.
ALTER TABLE call_backs ADD COLUMN number_digest bytea;
CREATE INDEX call_backs_open_number ON call_backs (tenant, number_digest) WHERE state = 'open';
