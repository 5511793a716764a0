"""Quarters of an hour of queues in PostgreSQL, summed up from the journal, without test calls."""

from __future__ import annotations

from datetime import datetime

from acd.forecasting.model import QUARTER, Quarter
from ccplatform.contracts.words import DEFAULT_TENANT, QueueId, TenantId
from ccplatform.storage.database import Database

_SUM_UP = """
    INSERT INTO queue_quarters
      (tenant, begins, queue, arrived, abandoned, waited_seconds, talks, handling_seconds)
    SELECT $1, date_bin($4, j.at, timestamptz '2000-01-01Z'), j.data->>'queue',
      count(*) FILTER (WHERE j.type = 'QueueLeft'),
      count(*) FILTER (WHERE j.data->>'reason' = 'abandoned'),
      coalesce(sum((j.data->>'waited_seconds')::float8), 0),
      count(*) FILTER (WHERE j.type = 'TalkEnded'),
      coalesce(sum((j.data->>'talk_seconds')::float8), 0) + coalesce(sum((j.data->>'wrap_up_seconds')::float8), 0)
    FROM journal j
    WHERE j.tenant = $1 AND j.at >= $2 AND j.at < $3 AND j.type IN ('QueueLeft', 'TalkEnded', 'WrapUpEnded')
      AND j.data->>'queue' IS NOT NULL AND (j.contact IS NULL OR j.contact NOT IN (
        SELECT test.contact FROM journal test
        WHERE test.tenant = $1 AND test.type = 'ContactArrived' AND test.data->>'mystery' = 'true'
          AND test.at >= $2::timestamptz - interval '1 day' AND test.at < $3 AND test.contact IS NOT NULL))
    GROUP BY 2, 3
    ON CONFLICT (tenant, begins, queue) DO UPDATE SET
      arrived = excluded.arrived, abandoned = excluded.abandoned, waited_seconds = excluded.waited_seconds,
      talks = excluded.talks, handling_seconds = excluded.handling_seconds
"""


class QuarterStore:
    """One tenant's quarters. Every method raises DatabaseUnavailable while the database is away."""

    def __init__(self, database: Database, *, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def newest(self) -> datetime | None:
        """The newest quarter that is summed up."""
        async with self._database.connection() as connection:
            found: datetime | None = await connection.fetchval(
                "SELECT max(begins) FROM queue_quarters WHERE tenant = $1", self._tenant
            )
        return found

    async def sum_up(self, begin: datetime, end: datetime) -> None:
        """Sum up the journal from ``begin`` to before ``end``, both full quarters; again gives the same."""
        async with self._database.connection() as connection:
            await connection.execute(_SUM_UP, self._tenant, begin, end, QUARTER)

    async def quarters(self, begin: datetime, end: datetime) -> list[Quarter]:
        """What is summed up from ``begin`` to before ``end``."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT begins, queue, arrived, abandoned, waited_seconds, talks, handling_seconds
                FROM queue_quarters WHERE tenant = $1 AND begins >= $2 AND begins < $3 ORDER BY begins, queue
                """,
                self._tenant,
                begin,
                end,
            )
        return [Quarter(**{**row, "queue": QueueId(row["queue"])}) for row in rows]

    async def forget(self, before: datetime) -> None:
        """Delete what is too old to be learned from."""
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM queue_quarters WHERE tenant = $1 AND begins < $2", self._tenant, before
            )
