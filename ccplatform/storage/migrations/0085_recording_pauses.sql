-- Pauses that people declared: made of RecordingPaused and RecordingResumed. One that nobody ended ended with its
-- recording. What a recording's file says of its pauses, to the sample, is summed up in recordings.paused_seconds.
CREATE TABLE recording_pauses (
    tenant      text NOT NULL DEFAULT 'default',
    recording   uuid NOT NULL,
    at          timestamptz NOT NULL,
    by          text NOT NULL,
    reason      text NOT NULL,
    resumed_at  timestamptz,
    resumed_by  text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, recording, at)
);
