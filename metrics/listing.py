"""The list of contacts as a report (R10.1.g): one row a contact that ended in the period.

Whom we called is somebody's number and not in it; who called us is nowhere in the clear.
"""

from __future__ import annotations

from typing import Any, Final

from metrics.errors import BadReportQuery
from metrics.left_out import OF_PERIOD
from metrics.reports import ReportRow

#: More are read by nobody: the period is to be shorter.
MOST_CONTACTS: Final = 20_000

#: $1 tenant, $2 and $3 the period, $4 the time zone, $5 agents or NULL for all. Who talked with nobody is of all.
LISTED: Final = f"""
    SELECT c.id::text AS contact,
      to_char(c.started_at AT TIME ZONE $4, 'YYYY-MM-DD"T"HH24:MI:SS') AS began,
      to_char(c.ended_at AT TIME ZONE $4, 'YYYY-MM-DD"T"HH24:MI:SS') AS ended,
      c.direction, coalesce(c.trunk, '') AS trunk,
      CASE c.direction WHEN 'inbound' THEN c.dialled ELSE '' END AS dialled,
      coalesce(c.queue, '') AS queue, coalesce(c.agent, '') AS agent, coalesce(c.seat, '') AS seat,
      c.outcome, c.cause, c.queue_seconds, c.talk_seconds, c.hold_seconds, c.total_seconds AS line_seconds
    FROM contacts c
    WHERE c.tenant = $1 AND c.ended_at >= $2 AND c.ended_at < $3
      AND c.started_at >= $2::timestamptz - interval '1 day' AND c.started_at < $3
      AND ($5::text[] IS NULL OR c.agent IS NULL OR c.agent = ANY($5))
      AND c.id NOT IN ({OF_PERIOD})
    ORDER BY c.ended_at, c.id LIMIT {MOST_CONTACTS + 1}
"""


def listed(found: list[dict[str, Any]]) -> list[ReportRow]:
    """The rows; raises BadReportQuery where there are more than anybody reads."""
    if len(found) > MOST_CONTACTS:
        raise BadReportQuery(f"more than {MOST_CONTACTS} contacts ended in the period: choose a shorter one")
    return found
