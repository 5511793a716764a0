"""The SQL of the reports: facts of the journal, summed for a period.

Definitions as in `definitions.py`; a contact is counted in the group and period in which it left the queue, a
talk where it ended. A talk's seat is the one at which its contact was offered to the agent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from ccplatform.contracts.words import DEFAULT_TENANT, AgentId, TenantId
from ccplatform.storage.database import Database
from metrics.reports import QUEUE_REPORT, SURVEY_REPORT, Grouping, ReportQuery, ReportRow
from metrics.settings import MetricsSettings
from metrics.surveys import survey_row, survey_sums

#: How each grouping is read off a row ``j`` of the journal, in the time zone ``zone.name``.
_KEYS: Final = {
    Grouping.QUEUE: "coalesce(j.data->>'queue', '')",
    Grouping.AGENT: "coalesce(j.data->>'agent', '')",
    Grouping.SEAT: "coalesce(offer.seat, '')",
    Grouping.HOUR: "to_char(date_trunc('hour', j.at AT TIME ZONE zone.name), 'YYYY-MM-DD\"T\"HH24:MI')",
    Grouping.DAY: "to_char(date_trunc('day', j.at AT TIME ZONE zone.name), 'YYYY-MM-DD')",
}

_QUEUE_SUMS: Final = """
    SELECT {key} AS key,
      count(*) FILTER (WHERE j.type = 'QueueLeft') AS offered,
      count(*) FILTER (WHERE j.type = 'QueueLeft' AND j.data->>'reason' = 'answered') AS answered,
      count(*) FILTER (WHERE j.type = 'QueueLeft' AND j.data->>'reason' = 'answered'
        AND ceil((j.data->>'waited_seconds')::float8)
          <= floor(coalesce(($5::jsonb->>(j.data->>'queue'))::float8, $6))) AS answered_in_time,
      coalesce(sum((j.data->>'waited_seconds')::float8)
        FILTER (WHERE j.data->>'reason' = 'answered'), 0) AS wait_seconds,
      count(*) FILTER (WHERE j.data->>'reason' = 'abandoned') AS abandoned,
      count(*) FILTER (WHERE j.data->>'reason' = 'abandoned'
        AND (j.data->>'waited_seconds')::float8 < $7) AS abandoned_short,
      count(*) FILTER (WHERE j.type = 'TalkEnded') AS talks,
      coalesce(sum((j.data->>'talk_seconds')::float8), 0) AS talk_seconds,
      coalesce(sum((j.data->>'hold_seconds')::float8), 0) AS hold_seconds,
      coalesce(sum((j.data->>'wrap_up_seconds')::float8), 0) AS wrap_up_seconds
    FROM journal j CROSS JOIN (SELECT $4::text AS name) zone
    WHERE j.tenant = $1 AND j.at >= $2 AND j.at < $3 AND j.type IN ('QueueLeft', 'TalkEnded', 'WrapUpEnded')
    GROUP BY 1 ORDER BY 1
"""

_AGENT_SUMS: Final = """
    SELECT {key} AS key,
      count(*) FILTER (WHERE j.type = 'OfferEnded') AS offers,
      count(*) FILTER (WHERE j.type = 'OfferEnded' AND j.data->>'end' = 'answered') AS offers_answered,
      count(*) FILTER (WHERE j.type = 'OfferEnded' AND j.data->>'end' = ANY(ARRAY['no_answer', 'rejected',
        'unreachable'])) AS offers_missed,
      count(*) FILTER (WHERE j.type = 'TalkEnded') AS talks,
      coalesce(sum((j.data->>'talk_seconds')::float8), 0) AS talk_seconds,
      coalesce(sum((j.data->>'hold_seconds')::float8), 0) AS hold_seconds,
      count(*) FILTER (WHERE j.type = 'WrapUpEnded') AS wrap_ups,
      coalesce(sum((j.data->>'wrap_up_seconds')::float8), 0) AS wrap_up_seconds
    FROM journal j CROSS JOIN (SELECT $4::text AS name) zone {offer}
    WHERE j.tenant = $1 AND j.at >= $2 AND j.at < $3 AND j.type IN ('OfferEnded', 'TalkEnded', 'WrapUpEnded')
      AND ($5::text[] IS NULL OR j.data->>'agent' = ANY($5))
    GROUP BY 1 ORDER BY 1
"""

_OFFER: Final = """
    LEFT JOIN LATERAL (
      SELECT o.data->>'seat' AS seat FROM journal o
      WHERE o.tenant = j.tenant AND o.contact = j.contact AND o.type = 'Offered' AND o.at <= j.at
        AND o.at >= $2::timestamptz - interval '1 day' AND o.data->>'agent' = j.data->>'agent'
      ORDER BY o.at DESC LIMIT 1) offer ON true
"""


class ReportStore:
    """Computes reports from the journal; every method raises DatabaseUnavailable when the database is away.

    ``service_levels`` gives Y in seconds of queues that have their own, as for the live figures.
    """

    def __init__(
        self,
        database: Database,
        *,
        settings: MetricsSettings,
        zone: ZoneInfo,
        service_levels: Callable[[], Mapping[str, float]] | None = None,
        tenant: TenantId = DEFAULT_TENANT,
    ) -> None:
        self._database = database
        self._settings = settings
        self._zone = zone
        self._service_levels = service_levels
        self._tenant = tenant

    async def rows(self, query: ReportQuery, agents: Collection[AgentId] | None = None) -> list[ReportRow]:
        """The table of a report, ordered by group; hours and days are those of the centre's time zone.

        ``agents`` leaves all others out of a report of agents, and of surveys by agent.
        """
        if query.report is SURVEY_REPORT:
            return await self._surveys(query, agents if query.grouping is Grouping.AGENT else None)
        return await (self._queues(query) if query.report is QUEUE_REPORT else self._agents(query, agents))

    async def _surveys(self, query: ReportQuery, agents: Collection[AgentId] | None) -> list[ReportRow]:
        async with self._database.connection() as connection:
            found = await connection.fetch(
                survey_sums(query.grouping),
                self._tenant,
                query.begin,
                query.end,
                self._zone.key,
                None if agents is None else sorted(agents),
            )
        return [survey_row(query.grouping, dict(row)) for row in found]

    async def _queues(self, query: ReportQuery) -> list[ReportRow]:
        limits = dict(self._service_levels()) if self._service_levels is not None else {}
        async with self._database.connection() as connection:
            found = await connection.fetch(
                _QUEUE_SUMS.format(key=_KEYS[query.grouping]),
                self._tenant,
                query.begin,
                query.end,
                self._zone.key,
                limits,
                self._settings.service_level_seconds,
                self._settings.short_abandon_seconds,
            )
        return [_queue_row(query.grouping, dict(row)) for row in found]

    async def _agents(self, query: ReportQuery, agents: Collection[AgentId] | None) -> list[ReportRow]:
        offer = _OFFER if query.grouping is Grouping.SEAT else ""
        async with self._database.connection() as connection:
            found = await connection.fetch(
                _AGENT_SUMS.format(key=_KEYS[query.grouping], offer=offer),
                self._tenant,
                query.begin,
                query.end,
                self._zone.key,
                None if agents is None else sorted(agents),
            )
        return [{query.grouping.value: row["key"], **_without_key(dict(row))} for row in found]


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
