"""The SQL of the reports: quarters of an hour that are summed up, and the rest of the period from the journal.

Definitions as in `definitions.py`; see `sums.py` for what is counted where.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from ccplatform.contracts.words import DEFAULT_TENANT, AgentId, TenantId
from ccplatform.kernel.clock import Clock
from ccplatform.storage.database import Connection, Database
from metrics.listing import LISTED, listed
from metrics.reports import (
    AGENT_REPORT,
    CONTACT_REPORT,
    QUEUE_REPORT,
    RESOLUTION_REPORT,
    TIMES,
    Grouping,
    ReportQuery,
    ReportRow,
)
from metrics.resolution import resolution_row, resolution_sums
from metrics.settings import MetricsSettings
from metrics.sums import COLUMNS, PIECES, QUARTER, Progress, quarter_of, summed_up
from metrics.surveys import survey_row, survey_sums
from metrics.tallies import SUMMED, tally_row, tally_sums

#: How each grouping is read off a row ``p`` of sums, in the time zone ``zone.name``.
_KEYS: Final = {
    Grouping.QUEUE: "p.queue",
    Grouping.AGENT: "p.agent",
    Grouping.SEAT: "p.seat",
    **{grouping: f"to_char(p.begins AT TIME ZONE zone.name, '{form}')" for grouping, form in TIMES.items()},
}

#: $1 and $2 are those of the pieces, $3 and $4 the period, $5 and $6 the part of it that is summed up already.
_FROM: Final = f"""
    FROM (
      SELECT begins, queue, agent, seat, {", ".join(COLUMNS)} FROM report_quarters
      WHERE tenant = $1 AND begins >= $5 AND begins < $6
      UNION ALL {PIECES.format(begin="$3", end="$5")}
      UNION ALL {PIECES.format(begin="$6", end="$4")}
    ) p CROSS JOIN (SELECT $7::text AS name) zone
"""


def _sums(*columns: str) -> str:
    return ", ".join(
        f"sum(p.{column}){'' if column.endswith('_seconds') else '::bigint'} AS {column}" for column in columns
    )


_WAITED: Final = ("offered", "answered", "wait_seconds", "abandoned", "abandoned_short")
_HANDLED: Final = ("talks", "talk_seconds", "hold_seconds", "wrap_up_seconds")
_QUEUE_SUMS: Final = f"""
    SELECT {{key}} AS key, {_sums(*_WAITED, *_HANDLED)},
      sum((SELECT count(*) FROM unnest(p.waits) wait
        WHERE wait <= floor(coalesce(($8::jsonb->>p.queue)::float8, $9))))::bigint AS answered_in_time
    {_FROM}
    WHERE p.offered + p.talks + p.wrap_ups > 0
    GROUP BY 1 ORDER BY 1
"""
_AGENT_SUMS: Final = f"""
    SELECT {{key}} AS key, {_sums("offers", "offers_answered", "offers_missed", "wrap_ups", *_HANDLED)}
    {_FROM}
    WHERE p.offers + p.talks + p.wrap_ups > 0 AND ($8::text[] IS NULL OR p.agent = ANY($8))
    GROUP BY 1 ORDER BY 1
"""


class ReportStore:
    """Computes reports; every method raises DatabaseUnavailable when the database is away.

    ``service_levels`` gives Y in seconds of queues that have their own, as for the live figures.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        settings: MetricsSettings,
        zone: ZoneInfo,
        service_levels: Callable[[], Mapping[str, float]] | None = None,
        tenant: TenantId = DEFAULT_TENANT,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._zone = zone
        self._service_levels = service_levels
        self._tenant = tenant

    async def rows(self, query: ReportQuery, agents: Collection[AgentId] | None = None) -> list[ReportRow]:
        """The table of a report, ordered by group; hours and days are those of the centre's time zone.

        ``agents`` leaves all others out of a report of agents and of the list of contacts, and of the others where
        they are grouped by agent.
        """
        only = None if agents is None else sorted(agents)
        if query.report is QUEUE_REPORT:
            return await self._queues(query)
        if query.report is AGENT_REPORT:
            return await self._agents(query, only)
        if query.report.name in SUMMED:
            return await self._tallies(query)
        if query.report is CONTACT_REPORT:
            return await self._contacts(query, only)
        return await self._others(query, only if query.grouping is Grouping.AGENT else None)

    async def _others(self, query: ReportQuery, agents: list[AgentId] | None) -> list[ReportRow]:
        async with self._database.connection() as connection:
            if query.report is RESOLUTION_REPORT:
                days, now = self._settings.repeat_days, self._clock.wall()
                found = await connection.fetch(
                    resolution_sums(query.grouping),
                    self._tenant,
                    *await self._resolved_parts(connection, query, now - timedelta(days=days)),
                    *(query.begin, query.end, self._zone.key, agents, days, now),
                )
                return [resolution_row(query.grouping, dict(row)) for row in found]
            told = (self._tenant, query.begin, query.end, self._zone.key, agents)
            found = await connection.fetch(survey_sums(query.grouping), *told)
        return [survey_row(query.grouping, dict(row)) for row in found]

    async def _queues(self, query: ReportQuery) -> list[ReportRow]:
        limits = dict(self._service_levels()) if self._service_levels is not None else {}
        async with self._database.connection() as connection:
            found = await connection.fetch(
                _QUEUE_SUMS.format(key=_KEYS[query.grouping]),
                *await self._told(connection, query),
                limits,
                self._settings.service_level_seconds,
            )
        return [_queue_row(query.grouping, dict(row)) for row in found]

    async def _agents(self, query: ReportQuery, agents: list[AgentId] | None) -> list[ReportRow]:
        async with self._database.connection() as connection:
            told = await self._told(connection, query)
            found = await connection.fetch(_AGENT_SUMS.format(key=_KEYS[query.grouping]), *told, agents)
        return [{query.grouping.value: row["key"], **_without_key(dict(row))} for row in found]

    async def _tallies(self, query: ReportQuery) -> list[ReportRow]:
        name = query.report.name
        async with self._database.connection() as connection:
            told = (
                self._tenant,
                query.begin,
                query.end,
                *await self._whole_part(connection, query, "tallied"),
            )
            found = await connection.fetch(tally_sums(name, query.grouping), *told, self._zone.key)
        return [tally_row(name, query.grouping, dict(row)) for row in found]

    async def _resolved_parts(
        self, connection: Connection, query: ReportQuery, judged: datetime
    ) -> tuple[datetime, datetime, datetime, datetime]:
        """From when to when quarters are summed up of which all is known, and those of which nothing is: contacts
        that ended before ``judged`` are not open any more."""
        first = last = query.begin
        resolved = await summed_up(connection, self._tenant, "resolved")
        if resolved is not None and quarter_of(min(query.end, resolved)) > _whole(first):
            first, last = _whole(first), quarter_of(min(query.end, resolved))
        begin = end = max(last, min(_whole(max(judged, last)), query.end))
        opened = await summed_up(connection, self._tenant, "opened")
        if opened is not None:
            end = max(begin, quarter_of(min(query.end, opened)))
        return first, last, begin, end

    async def _contacts(self, query: ReportQuery, agents: list[AgentId] | None) -> list[ReportRow]:
        async with self._database.connection() as connection:
            told = (self._tenant, query.begin, query.end, self._zone.key, agents)
            return listed([dict(row) for row in await connection.fetch(LISTED, *told)])

    async def _told(self, connection: Connection, query: ReportQuery) -> tuple[Any, ...]:
        """The first parameters of a statement."""
        part = await self._whole_part(connection, query)
        short = self._settings.short_abandon_seconds
        return (self._tenant, short, query.begin, query.end, *part, self._zone.key)

    async def _whole_part(
        self, connection: Connection, query: ReportQuery, what: Progress = "until"
    ) -> tuple[datetime, datetime]:
        """From when to when whole quarters of the period are summed up, which need not be read again."""
        until = await summed_up(connection, self._tenant, what)
        first = _whole(query.begin)
        last = quarter_of(min(query.end, until)) if until is not None else first
        return (first, last) if last > first else (query.end, query.end)


def _whole(at: datetime) -> datetime:
    """The first quarter of an hour that begins at ``at`` or later."""
    begins = quarter_of(at)
    return begins if begins == at else begins + QUARTER


def _queue_row(grouping: Grouping, sums: ReportRow) -> ReportRow:
    offered, answered = sums["offered"], sums["answered"]
    wait = sums.pop("wait_seconds")
    return {grouping.value: sums["key"]} | {
        **_without_key(sums),
        "service_level": sums["answered_in_time"] / offered if offered else None,
        "asa_seconds": wait / answered if answered else None,
        "left_otherwise": offered - answered - sums["abandoned"],
    }


def _without_key(row: ReportRow) -> ReportRow:
    del row["key"]
    return row
