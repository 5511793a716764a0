-- What recordings are searched by besides who, where and when: the caller (a keyed digest, as contacts have it; gone
-- with the sound), what the agent noted, what the caller answered in surveys (0 … 100: the mean of his answers, each
-- as a share of its scale). Of recordings from before, only the caller is filled in.
ALTER TABLE recordings
    ADD COLUMN caller_digest bytea,
    ADD COLUMN disposition   text,
    ADD COLUMN score         double precision;

UPDATE recordings r SET caller_digest = c.caller_digest
  FROM contacts c
 WHERE c.tenant = r.tenant AND c.id = r.contact AND r.deleted_at IS NULL;

-- The answers that the score is the mean of.
CREATE TABLE recording_scores (
    tenant   text             NOT NULL,
    contact  uuid             NOT NULL,
    survey   text             NOT NULL,
    question text             NOT NULL,
    percent  double precision NOT NULL,
    PRIMARY KEY (tenant, contact, survey, question)
);

-- Lengths and scores are looked for as ranges, newest first: an index for each class of them (recording/search.py)
-- keeps that order.
CREATE INDEX recordings_by_caller ON recordings (tenant, caller_digest, started_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX recordings_by_disposition ON recordings (tenant, disposition, started_at DESC, id DESC)
    WHERE deleted_at IS NULL AND disposition IS NOT NULL;
CREATE INDEX recordings_by_length ON recordings (
    tenant, width_bucket(seconds, ARRAY[10, 30, 60, 120, 300, 600, 1200, 1800, 3600]::double precision[]),
    started_at DESC, id DESC
) WHERE deleted_at IS NULL;
CREATE INDEX recordings_by_score ON recordings (
    tenant, width_bucket(score, ARRAY[10, 20, 30, 40, 50, 60, 70, 80, 90]::double precision[]),
    started_at DESC, id DESC
) WHERE deleted_at IS NULL AND score IS NOT NULL;
CREATE INDEX recordings_held ON recordings (tenant, started_at DESC, id DESC) WHERE held AND deleted_at IS NULL;
