"""The report of first-call resolution (D-FCR), out of the list of contacts and the journal.

A caller is known by the keyed digest of his number; contacts of callers who showed none, or whose number was
forgotten, are left out. Whether a caller comes back is known once so many days are over: until then a contact is
open, and in no share. Quarters of an hour are summed up like those of other reports (`sums.py`), and again when
all is known of them, with the days that hold then; what lies between is looked at contact by contact.
"""

from __future__ import annotations

from typing import Final

from metrics.left_out import TEST_CONTACTS
from metrics.reports import RESOLUTION_REPORT, TIMES, Grouping, ReportRow

#: The sums, in the order in which they are kept.
_SUMMED: Final = {
    "handled": "count(*)",
    "repeats": "count(*) FILTER (WHERE again)",
    "open": "count(*) FILTER (WHERE NOT again AND NOT over)",
    "judged": "count(*) FILTER (WHERE NOT again AND over)",
    "resolved_strict": "count(*) FILTER (WHERE resolved AND agents <= 1)",
    "resolved_broad": "count(*) FILTER (WHERE resolved)",
}
_KEYS: Final = {
    Grouping.QUEUE: "p.name",
    Grouping.AGENT: "p.part",
    **{grouping: f"to_char(p.begins AT TIME ZONE zone.name, '{form}')" for grouping, form in TIMES.items()},
}

#: Contacts that ended from ``{begin}`` to before ``{end}``; ``{days}`` and ``{now}`` say which are judged. What is
#: looked for the longest, the agents, is looked for last, and where it matters.
_PIECES: Final = f"""
    SELECT begins, '{RESOLUTION_REPORT.name}' AS report, name, part,
      ARRAY[{", ".join(_SUMMED.values())}]::float8[] AS sums
    FROM (
      SELECT begins, name, part, over, again, resolved,
        CASE WHEN resolved THEN (
          SELECT count(DISTINCT j.data->>'agent') FROM journal j
          WHERE j.tenant = $1 AND j.contact = judged.id AND j.type = 'TalkEnded'
            AND j.at >= judged.started_at - interval '1 minute'
            AND j.at <= judged.ended_at + interval '1 hour') END AS agents
      FROM (
        SELECT *, CASE WHEN over AND NOT again THEN NOT EXISTS (
          SELECT 1 FROM contacts e
          WHERE e.tenant = $1 AND e.caller_digest = told.who AND e.direction = 'inbound'
            AND e.queue IS NOT NULL AND e.started_at > told.started_at
            AND e.started_at < told.ended_at + make_interval(days => {{days}})) ELSE false END AS resolved
        FROM (
          SELECT h.id, h.started_at, h.ended_at, h.caller_digest AS who, coalesce(h.queue, '') AS name,
            coalesce(h.agent, '') AS part, date_bin('15 min', h.ended_at, timestamptz '2000-01-01Z') AS begins,
            h.ended_at + make_interval(days => {{days}}) <= {{now}} AS over,
            EXISTS (SELECT 1 FROM contacts e
              WHERE e.tenant = $1 AND e.caller_digest = h.caller_digest AND e.direction = 'inbound'
                AND e.queue IS NOT NULL AND e.started_at < h.started_at
                AND e.started_at >= h.started_at - make_interval(days => {{days}})) AS again
          FROM contacts h
          WHERE h.tenant = $1 AND h.ended_at >= {{begin}} AND h.ended_at < {{end}} AND h.direction = 'inbound'
            AND h.outcome = 'handled' AND h.caller_digest IS NOT NULL
            AND h.started_at >= {{begin}}::timestamptz - interval '1 day' AND h.started_at < {{end}}
            AND h.id NOT IN ({TEST_CONTACTS})
          OFFSET 0) told
        OFFSET 0) judged
      OFFSET 0) known
    GROUP BY 1, 2, 3, 4
"""
#: What is summed up of whole quarters: $1 tenant, $2 and $3 from when to when.
FORGET: Final = f"""
    DELETE FROM report_tallies
    WHERE tenant = $1 AND report = '{RESOLUTION_REPORT.name}' AND begins >= $2 AND begins < $3
"""
#: $1 tenant, $2 and $3 whole quarters, $4 days, $5 now.
SUM_UP: Final = f"""
    INSERT INTO report_tallies (begins, report, name, part, sums, tenant)
    SELECT p.*, $1 FROM ({_PIECES.format(begin="$2", end="$3", days="$4", now="$5")}) p
"""


def resolution_sums(grouping: Grouping) -> str:
    """The statement: $1 tenant; $2 to $3, $4 to $5 are summed up, $6 to $2, $3 to $4, $5 to $7 looked at now;
    $8 the time zone, $9 agents or NULL for all, $10 days, $11 now."""
    sums = ", ".join(f"sum(p.sums[{place}])::bigint AS {name}" for place, name in enumerate(_SUMMED, 1))
    looked_at = " UNION ALL ".join(
        f"({_PIECES.format(begin=begin, end=end, days='$10', now='$11')})"
        for begin, end in (("$6", "$2"), ("$3", "$4"), ("$5", "$7"))
    )
    return f"""
        SELECT {_KEYS[grouping]} AS key, {sums}
        FROM (
          SELECT begins, report, name, part, sums FROM report_tallies
          WHERE tenant = $1 AND report = '{RESOLUTION_REPORT.name}'
            AND (begins >= $2 AND begins < $3 OR begins >= $4 AND begins < $5)
          UNION ALL {looked_at}
        ) p CROSS JOIN (SELECT $8::text AS name) zone
        WHERE $9::text[] IS NULL OR p.part = ANY($9)
        GROUP BY 1 ORDER BY 1
    """


def resolution_row(grouping: Grouping, sums: ReportRow) -> ReportRow:
    """A row of the report; shares are None while nothing is judged."""
    key, judged = sums.pop("key"), sums["judged"]
    return {
        grouping.value: key,
        **sums,
        "fcr_strict": sums["resolved_strict"] / judged if judged else None,
        "fcr_broad": sums["resolved_broad"] / judged if judged else None,
    }
