"""The report of first-call resolution (D-FCR), out of the list of contacts and the journal.

A caller is known by the keyed digest of his number; contacts of callers who showed none, or whose number was
forgotten, are left out. Whether a caller comes back is known once so many days are over: until then a contact is
open, and in no share.
"""

from __future__ import annotations

from typing import Final

from metrics.left_out import OF_PERIOD
from metrics.reports import TIMES, Grouping, ReportRow

_KEYS: Final = {
    Grouping.QUEUE: "coalesce(h.queue, '')",
    Grouping.AGENT: "coalesce(h.agent, '')",
    **{grouping: f"to_char(h.ended_at AT TIME ZONE zone.name, '{form}')" for grouping, form in TIMES.items()},
}

#: $1 tenant, $2 and $3 the period, $4 the time zone, $5 agents or NULL for all, $6 days, $7 now.
_SUMS: Final = f"""
    WITH handled AS (
      SELECT {{key}} AS key, h.ended_at + make_interval(days => $6) <= $7 AS over,
        (SELECT count(DISTINCT j.data->>'agent') FROM journal j
          WHERE j.tenant = $1 AND j.contact = h.id AND j.type = 'TalkEnded'
            AND j.at >= h.started_at - interval '1 minute' AND j.at <= h.ended_at + interval '1 hour') AS agents,
        EXISTS (SELECT 1 FROM contacts e
          WHERE e.tenant = $1 AND e.caller_digest = h.caller_digest AND e.direction = 'inbound'
            AND e.queue IS NOT NULL AND e.started_at < h.started_at
            AND e.started_at >= h.started_at - make_interval(days => $6)) AS again,
        EXISTS (SELECT 1 FROM contacts e
          WHERE e.tenant = $1 AND e.caller_digest = h.caller_digest AND e.direction = 'inbound'
            AND e.queue IS NOT NULL AND e.started_at > h.started_at
            AND e.started_at < h.ended_at + make_interval(days => $6)) AS came_back
      FROM contacts h CROSS JOIN (SELECT $4::text AS name) zone
      WHERE h.tenant = $1 AND h.ended_at >= $2 AND h.ended_at < $3 AND h.direction = 'inbound'
        AND h.outcome = 'handled' AND h.caller_digest IS NOT NULL
        AND h.id NOT IN ({OF_PERIOD})
        AND h.started_at >= $2::timestamptz - interval '1 day' AND ($5::text[] IS NULL OR h.agent = ANY($5))
    )
    SELECT key, count(*) AS handled, count(*) FILTER (WHERE again) AS repeats,
      count(*) FILTER (WHERE NOT again AND NOT over) AS open,
      count(*) FILTER (WHERE NOT again AND over) AS judged,
      count(*) FILTER (WHERE NOT again AND over AND NOT came_back AND agents <= 1) AS resolved_strict,
      count(*) FILTER (WHERE NOT again AND over AND NOT came_back) AS resolved_broad
    FROM handled GROUP BY 1 ORDER BY 1
"""


def resolution_sums(grouping: Grouping) -> str:
    """The statement."""
    return _SUMS.format(key=_KEYS[grouping])


def resolution_row(grouping: Grouping, sums: ReportRow) -> ReportRow:
    """A row of the report; shares are None while nothing is judged."""
    key, judged = sums.pop("key"), sums["judged"]
    return {
        grouping.value: key,
        **sums,
        "fcr_strict": sums["resolved_strict"] / judged if judged else None,
        "fcr_broad": sums["resolved_broad"] / judged if judged else None,
    }
