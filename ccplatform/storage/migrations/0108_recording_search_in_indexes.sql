-- Filters together are decided within an index: what follows the order of the list in it are the other filters, so
-- that only rows that fit all of them are fetched (of an agent's five thousand, those of one queue, or the long ones).
DROP INDEX recordings_by_agent;
DROP INDEX recordings_by_seat;
DROP INDEX recordings_by_queue;
DROP INDEX recordings_by_queue_disposition;
DROP INDEX recordings_by_length;
DROP INDEX recordings_by_score;
CREATE INDEX recordings_by_agent ON recordings (tenant, agent, started_at DESC, id DESC, queue, seconds, disposition, score)
    WHERE deleted_at IS NULL;
CREATE INDEX recordings_by_seat ON recordings (tenant, seat, started_at DESC, id DESC, queue, seconds, disposition, score)
    WHERE deleted_at IS NULL;
CREATE INDEX recordings_by_queue ON recordings (tenant, queue, started_at DESC, id DESC, seconds, disposition, score, agent)
    WHERE deleted_at IS NULL;
CREATE INDEX recordings_by_queue_disposition ON recordings (
    tenant, queue, disposition, started_at DESC, id DESC, seconds, score
) WHERE deleted_at IS NULL AND disposition IS NOT NULL;
CREATE INDEX recordings_by_length ON recordings (
    tenant, width_bucket(seconds, ARRAY[1, 3, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600]::double precision[]),
    started_at DESC, id DESC, queue, seconds, disposition, score
) WHERE deleted_at IS NULL;
CREATE INDEX recordings_by_score ON recordings (
    tenant, width_bucket(score, ARRAY[10, 20, 30, 40, 50, 60, 70, 80, 90]::double precision[]),
    started_at DESC, id DESC, queue, disposition, seconds, score
) WHERE deleted_at IS NULL AND score IS NOT NULL;
