-- First-call resolution (D-FCR) is summed up in report_tallies as well, once it is known of every contact of a quarter
-- of an hour whether its caller came back: by queue (name) and agent (part). The instant before which it is complete.
ALTER TABLE report_progress ADD COLUMN resolved timestamptz;
