-- First-call resolution (D-FCR) is summed up in report_tallies as well, by queue (name) and agent (part): each quarter of
-- an hour once it is settled, with its contacts still open, and anew once it is known of all of them whether their callers
-- came back. The instants before which the one and the other was done.
ALTER TABLE report_progress ADD COLUMN opened timestamptz, ADD COLUMN resolved timestamptz;
