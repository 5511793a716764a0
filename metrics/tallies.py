"""Reports of trunks and of flows (R10.1.g): quarters of an hour, summed up like those of queues (`sums.py`).

A contact is counted in the quarter in which it ended, a call that was not let in when it was refused, a session
of a flow where and when it ended, a node when it was entered.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from metrics.left_out import REAL
from metrics.reports import FLOW_REPORT, TIMES, TRUNK_REPORT, Grouping, ReportRow

_QUARTER: Final = "date_bin('15 min', j.at, timestamptz '2000-01-01Z')"
_ABANDONED: Final = "'abandoned_ivr', 'abandoned_queue', 'abandoned_before_answer'"
_CALLS: Final = "CASE j.type WHEN 'CallRefused' THEN 1 WHEN 'CallsRefused' THEN (j.data->>'calls')::int ELSE 0 END"


def _ended(*outcomes: str) -> str:
    return f"count(*) FILTER (WHERE j.type = 'ContactEnded' AND j.data->>'outcome' IN ({', '.join(outcomes)}))"


def _seconds(name: str) -> str:
    return f"coalesce(sum((j.data->>'{name}')::float8) FILTER (WHERE j.type = 'ContactEnded'), 0)"


_OUTCOMES: Final = {
    "handled": _ended("'handled'"),
    "self_service": _ended("'self_service'"),
    "transferred": _ended("'transferred'"),
    "call_backs": _ended("'call_back'"),
    "voice_mails": _ended("'voice_mail'"),
    "abandoned": _ended(_ABANDONED),
}
#: Columns of trunks, and how each is counted; ``ended_otherwise`` is what is left of the contacts.
_OF_TRUNKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "contacts": "count(*) FILTER (WHERE j.type = 'ContactEnded')",
        **_OUTCOMES,
        "refused": f"coalesce(sum({_CALLS}) FILTER (WHERE j.data->>'cause' <> 'busy'), 0)",
        "blocked": f"coalesce(sum({_CALLS}) FILTER (WHERE j.data->>'cause' = 'busy'), 0)",
        "line_seconds": _seconds("total_seconds"),
        "talk_seconds": _seconds("talk_seconds"),
    }
)
_OF_FLOWS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sessions": "count(*) FILTER (WHERE j.type = 'FlowLeft')",
        "completed": "count(*) FILTER (WHERE j.data->>'outcome' = 'completed')",
        "hung_up": "count(*) FILTER (WHERE j.data->>'outcome' = 'abandoned')",
        "failed": "count(*) FILTER (WHERE j.data->>'outcome' = 'failed')",
        "nodes_entered": "count(*) FILTER (WHERE j.type = 'FlowNodeEntered')",
        "inputs": "count(*) FILTER (WHERE j.type = 'KeysEntered')",
    }
)
#: The sums of each report, in the order in which they are kept.
SUMMED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {TRUNK_REPORT.name: tuple(_OF_TRUNKS), FLOW_REPORT.name: tuple(_OF_FLOWS)}
)

#: Where a contact came in or went out: its first fact, which a long call told on another day.
_TRUNK_TALLIES: Final = f"""
    SELECT {_QUARTER} AS begins, '{TRUNK_REPORT.name}' AS report, coalesce(j.data->>'trunk', '') AS name,
      CASE j.type WHEN 'ContactEnded' THEN coalesce(came.direction, '')
        ELSE CASE WHEN j.data->>'trunk' IS NULL THEN 'internal' ELSE 'inbound' END END AS part,
      ARRAY[{", ".join(_OF_TRUNKS.values())}]::float8[] AS sums
    FROM journal j
    LEFT JOIN LATERAL (
      SELECT a.data->>'direction' AS direction FROM journal a
      WHERE a.tenant = j.tenant AND a.contact = j.contact AND a.type = 'ContactArrived' AND a.at <= j.at
        AND a.at >= {{begin}}::timestamptz - interval '1 day'
      ORDER BY a.at LIMIT 1) came ON j.type = 'ContactEnded'
    WHERE j.tenant = $1 AND j.at >= {{begin}} AND j.at < {{end}} AND {REAL}
      AND j.type IN ('ContactEnded', 'CallRefused', 'CallsRefused')
    GROUP BY 1, 2, 3, 4
"""
#: Where a session was: the node entered last before. A flow that called another one is where it did.
_FLOW_TALLIES: Final = f"""
    SELECT {_QUARTER} AS begins, '{FLOW_REPORT.name}' AS report,
      coalesce(j.data->>'flow', last.flow, '') AS name, coalesce(j.data->>'node', last.node, '') AS part,
      ARRAY[{", ".join(_OF_FLOWS.values())}]::float8[] AS sums
    FROM journal j
    LEFT JOIN LATERAL (
      SELECT n.data->>'node' AS node, n.data->>'flow' AS flow FROM journal n
      WHERE n.tenant = j.tenant AND n.contact = j.contact AND n.type = 'FlowNodeEntered' AND n.at <= j.at
        AND n.at >= {{begin}}::timestamptz - interval '1 day'
        AND (j.type <> 'FlowLeft' OR n.data->>'flow' = j.data->>'flow')
        AND (j.type <> 'KeysEntered' OR n.data->>'node' = j.data->>'node')
      ORDER BY n.at DESC, n.seq DESC LIMIT 1) last ON j.type IN ('FlowLeft', 'KeysEntered')
    WHERE j.tenant = $1 AND j.at >= {{begin}} AND j.at < {{end}} AND {REAL}
      AND j.type IN ('FlowLeft', 'FlowNodeEntered', 'KeysEntered')
    GROUP BY 1, 2, 3, 4
"""
_TALLIES: Final = {TRUNK_REPORT.name: _TRUNK_TALLIES, FLOW_REPORT.name: _FLOW_TALLIES}

_KEYS: Final = {
    Grouping.TRUNK: "p.name",
    Grouping.FLOW: "p.name",
    Grouping.DIRECTION: "p.part",
    Grouping.NODE: "p.name || '/' || p.part",
    **{grouping: f"to_char(p.begins AT TIME ZONE zone.name, '{form}')" for grouping, form in TIMES.items()},
}


def summing_up(begin: str, end: str) -> str:
    """The statement that keeps the quarters from ``begin`` to before ``end`` (parameters); $1 is the tenant."""
    both = " UNION ALL ".join(f"({one.format(begin=begin, end=end)})" for one in _TALLIES.values())
    return f"""
        INSERT INTO report_tallies (tenant, begins, report, name, part, sums)
        SELECT $1, p.* FROM ({both}) p
    """


def tally_sums(report: str, grouping: Grouping) -> str:
    """The statement of a report: $1 tenant, $2 and $3 the period, $4 and $5 the part of it that is summed up
    already, $6 the time zone."""
    sums = ", ".join(
        f"sum(p.sums[{place}]){'' if name.endswith('_seconds') else '::bigint'} AS {name}"
        for place, name in enumerate(SUMMED[report], 1)
    )
    pieces = _TALLIES[report]
    return f"""
        SELECT {_KEYS[grouping]} AS key, {sums}
        FROM (
          SELECT begins, report, name, part, sums FROM report_tallies
          WHERE tenant = $1 AND report = '{report}' AND begins >= $4 AND begins < $5
          UNION ALL ({pieces.format(begin="$2", end="$4")})
          UNION ALL ({pieces.format(begin="$5", end="$3")})
        ) p CROSS JOIN (SELECT $6::text AS name) zone
        GROUP BY 1 ORDER BY 1
    """


def tally_row(report: str, grouping: Grouping, sums: ReportRow) -> ReportRow:
    """A row of the report, with what follows from its sums."""
    row: ReportRow = {grouping.value: sums.pop("key"), **sums}
    if report == TRUNK_REPORT.name:
        row["ended_otherwise"] = row["contacts"] - sum(row[name] for name in _OUTCOMES)
    else:
        judged = row["completed"] + row["failed"]
        row["success"] = row["completed"] / judged if judged else None
    return row
