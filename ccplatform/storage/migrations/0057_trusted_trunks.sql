-- Trunks whose callers' numbers are believed: who calls from a VIP number is let in under overload.
ALTER TABLE trunks ADD COLUMN trusted boolean NOT NULL DEFAULT false;
