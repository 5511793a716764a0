"""Quarters of an hour of queues, agents and seats, summed up from the journal: what reports are made of (R10.1.g).

The same statement sums up for the table ``report_quarters`` and, for what is not in it yet, while a report is
made: there is no second way to count; `tallies.py` has those of trunks and flows. A contact is counted in the
group and quarter in which it left the queue, a talk where it ended. A talk's seat is the one at which its contact
was offered to the agent.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

import structlog

from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.storage.database import Connection, Database
from ccplatform.storage.errors import DatabaseUnavailable
from metrics.left_out import REAL
from metrics.queues import LONGEST_WAIT
from metrics.resolution import FORGET, SUM_UP
from metrics.tallies import SUMMED, summing_up

QUARTER: Final = timedelta(minutes=15)
#: A quarter is summed up so long after its end, when late facts have come. A process that starts sums up the last
#: day once more, for facts that waited for the database.
SETTLED: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
#: How far something is summed up: quarters of queues and agents, those of trunks and flows, first-call resolution
#: with contacts that are still open, and without.
Progress: TypeAlias = Literal["until", "tallied", "opened", "resolved"]

#: Columns of sums, in their order in the table.
COLUMNS: Final = (
    *("offered", "answered", "wait_seconds", "waits", "abandoned", "abandoned_short"),
    *("offers", "offers_answered", "offers_missed"),
    *("talks", "talk_seconds", "hold_seconds", "wrap_ups", "wrap_up_seconds"),
)

#: Sums of the journal's facts from ``{begin}`` to before ``{end}``; $1 tenant, $2 seconds of a short abandon.
PIECES: Final = f"""
    SELECT date_bin('15 min', j.at, timestamptz '2000-01-01Z') AS begins, coalesce(j.data->>'queue', '') AS queue,
      CASE j.type WHEN 'QueueLeft' THEN '' ELSE coalesce(j.data->>'agent', '') END AS agent,
      coalesce(offer.seat, '') AS seat,
      count(*) FILTER (WHERE j.type = 'QueueLeft') AS offered,
      count(*) FILTER (WHERE j.data->>'reason' = 'answered') AS answered,
      coalesce(sum((j.data->>'waited_seconds')::float8)
        FILTER (WHERE j.data->>'reason' = 'answered'), 0) AS wait_seconds,
      coalesce(array_agg(least(ceil((j.data->>'waited_seconds')::float8), {LONGEST_WAIT})::smallint)
        FILTER (WHERE j.data->>'reason' = 'answered'), ARRAY[]::smallint[]) AS waits,
      count(*) FILTER (WHERE j.data->>'reason' = 'abandoned') AS abandoned,
      count(*) FILTER (WHERE j.data->>'reason' = 'abandoned'
        AND (j.data->>'waited_seconds')::float8 < $2) AS abandoned_short,
      count(*) FILTER (WHERE j.type = 'OfferEnded') AS offers,
      count(*) FILTER (WHERE j.data->>'end' = 'answered') AS offers_answered,
      count(*) FILTER (WHERE j.data->>'end' = ANY(ARRAY['no_answer', 'rejected', 'unreachable'])) AS offers_missed,
      count(*) FILTER (WHERE j.type = 'TalkEnded') AS talks,
      coalesce(sum((j.data->>'talk_seconds')::float8), 0) AS talk_seconds,
      coalesce(sum((j.data->>'hold_seconds')::float8), 0) AS hold_seconds,
      count(*) FILTER (WHERE j.type = 'WrapUpEnded') AS wrap_ups,
      coalesce(sum((j.data->>'wrap_up_seconds')::float8), 0) AS wrap_up_seconds
    FROM journal j
    LEFT JOIN LATERAL (
      SELECT o.data->>'seat' AS seat FROM journal o
      WHERE o.tenant = j.tenant AND o.contact = j.contact AND o.type = 'Offered' AND o.at <= j.at
        AND o.at >= {{begin}}::timestamptz - interval '1 day' AND o.data->>'agent' = j.data->>'agent'
      ORDER BY o.at DESC LIMIT 1) offer ON j.type <> 'QueueLeft'
    WHERE j.tenant = $1 AND j.at >= {{begin}} AND j.at < {{end}} AND {REAL}
      AND j.type IN ('QueueLeft', 'OfferEnded', 'TalkEnded', 'WrapUpEnded')
    GROUP BY 1, 2, 3, 4
"""

_SUM_UP: Final = f"""
    INSERT INTO report_quarters (tenant, begins, queue, agent, seat, {", ".join(COLUMNS)})
    SELECT $1, pieces.* FROM ({PIECES.format(begin="$3", end="$4")}) pieces
"""

_log = structlog.get_logger("metrics")


def quarter_of(at: datetime) -> datetime:
    """The beginning of the quarter of an hour in which ``at`` lies."""
    return datetime.fromtimestamp(at.timestamp() // 900 * 900, at.tzinfo)


async def summed_up(connection: Connection, tenant: TenantId, what: Progress = "until") -> datetime | None:
    """The instant before which every quarter is summed up; None: none is."""
    row = await connection.fetchrow(
        "SELECT until, tallied, opened, resolved FROM report_progress WHERE tenant = $1", tenant
    )
    until: datetime | None = None if row is None else row[what]
    return until


class ReportSums:
    """Sums up what is settled; run :meth:`run` under ``TaskSupervisor.keep_running``."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        short_abandon_seconds: float,
        every_seconds: float,
        repeat_days: int,
        tenant: TenantId = DEFAULT_TENANT,
    ) -> None:
        self._database = database
        self._clock = clock
        self._short = short_abandon_seconds
        self._every = every_seconds
        self._repeat = timedelta(days=repeat_days)
        self._tenant = tenant
        self._again = True

    async def run(self) -> None:
        """Sum up again and again; without a database later."""
        while True:
            try:
                await self.sum_up()
            except DatabaseUnavailable:
                _log.info("reports read the journal until the database sums it up again")
            await sleep(self._clock, self._every)

    async def sum_up(self) -> None:
        """Sum up the quarters that are settled, a day at a time; raises DatabaseUnavailable."""
        end = quarter_of(self._clock.wall() - SETTLED)
        begin = await self._begin()
        while begin is not None and begin < end:
            until = min(begin + _DAY, end)
            await self._day(begin, until)
            begin = until
        self._again = False
        settled = self._clock.wall() - SETTLED
        await self._resolve("resolved", quarter_of(settled - self._repeat))
        await self._resolve("opened", quarter_of(settled))

    async def _resolve(self, what: Literal["opened", "resolved"], end: datetime) -> None:
        """Sum up first-call resolution, a day at a time."""
        async with self._database.connection() as connection:
            known = [await summed_up(connection, self._tenant, kind) for kind in {what, "resolved"}]
            first: datetime | None = await connection.fetchval(
                "SELECT min(started_at) FROM contacts WHERE tenant = $1", self._tenant
            )
        if first is None:
            return
        begin = max((at for at in known if at is not None), default=quarter_of(first))
        while begin < end:
            until = min(begin + _DAY, end)
            await self._resolved(what, begin, until)
            begin = until

    async def _resolved(self, what: str, begin: datetime, end: datetime) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(FORGET, self._tenant, begin, end)
            await connection.execute(SUM_UP, self._tenant, begin, end, self._repeat.days, self._clock.wall())
            await connection.execute(
                f"""
                INSERT INTO report_progress (tenant, until, {what}) VALUES ($1, $2, $2)
                ON CONFLICT (tenant) DO UPDATE SET {what} = $2
                """,
                self._tenant,
                end,
            )

    async def _begin(self) -> datetime | None:
        async with self._database.connection() as connection:
            until = await summed_up(connection, self._tenant)
            tallied = await summed_up(connection, self._tenant, "tallied")
            first: datetime | None = await connection.fetchval(
                "SELECT min(at) FROM journal WHERE tenant = $1", self._tenant
            )
        oldest = quarter_of(first) if first is not None else None
        if until is None or tallied is None or oldest is None:
            return oldest
        until = min(until, tallied)  # which differ where a version had one table only
        return max(oldest, until - _DAY) if self._again else until

    async def _day(self, begin: datetime, end: datetime) -> None:
        async with self._database.transaction() as connection:
            period = (self._tenant, begin, end)
            await connection.execute(
                "DELETE FROM report_quarters WHERE tenant = $1 AND begins >= $2 AND begins < $3", *period
            )
            await connection.execute(
                "DELETE FROM report_tallies WHERE tenant = $1 AND begins >= $2 AND begins < $3"
                " AND report = ANY($4)",
                *period,
                list(SUMMED),
            )
            await connection.execute(_SUM_UP, self._tenant, self._short, begin, end)
            await connection.execute(summing_up("$2", "$3"), self._tenant, begin, end)
            await connection.execute(
                """
                INSERT INTO report_progress (tenant, until, tallied) VALUES ($1, $2, $2)
                ON CONFLICT (tenant) DO UPDATE SET until = greatest(report_progress.until, excluded.until),
                  tallied = greatest(report_progress.tallied, excluded.tallied)
                """,
                self._tenant,
                end,
            )
