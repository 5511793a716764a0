-- Short lengths in classes of their own; what was noted in one queue in the order of the list.
DROP INDEX recordings_by_length;
CREATE INDEX recordings_by_length ON recordings (
    tenant, width_bucket(seconds, ARRAY[1, 3, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600]::double precision[]),
    started_at DESC, id DESC
) WHERE deleted_at IS NULL;
CREATE INDEX recordings_by_queue_disposition ON recordings (tenant, queue, disposition, started_at DESC, id DESC)
    WHERE deleted_at IS NULL AND disposition IS NOT NULL;
