-- What rests in another form than it was recorded in: how it is coded, and the root of that file. Its description
-- names the root that RecordingEnded told.
ALTER TABLE recordings
    ADD COLUMN coding      text NOT NULL DEFAULT 'pcm' CHECK (coding IN ('pcm', 'flac', 'opus')),
    ADD COLUMN stored_root bytea;

CREATE INDEX recordings_to_convert ON recordings (tenant, ended_at)
    WHERE coding = 'pcm' AND deleted_at IS NULL AND mode <> 'message' AND root IS NOT NULL;
