-- Phones of seats that may pick up each other's calls.
ALTER TABLE seats ADD COLUMN pick_up_group text NOT NULL DEFAULT '';
COMMENT ON COLUMN seats.pick_up_group IS 'empty: of no group';
