"""Reports of a period: which there are, and how they may be grouped (R10.1.g)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from metrics.errors import BadReportQuery, NoSuchReport


class Grouping(StrEnum):
    """What a row of a report stands for."""

    QUEUE = "queue"
    AGENT = "agent"
    SEAT = "seat"
    TRUNK = "trunk"
    DIRECTION = "direction"
    FLOW = "flow"
    NODE = "node"
    CONTACT = "contact"
    QUARTER_HOUR = "quarter_hour"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


#: Groupings by time, and how PostgreSQL writes such a time of the centre's zone (weeks are those of ISO 8601).
TIMES: Final[Mapping[Grouping, str]] = MappingProxyType(
    {
        Grouping.QUARTER_HOUR: 'YYYY-MM-DD"T"HH24:MI',
        Grouping.HOUR: 'YYYY-MM-DD"T"HH24":00"',
        Grouping.DAY: "YYYY-MM-DD",
        Grouping.WEEK: 'IYYY-"W"IW',
        Grouping.MONTH: "YYYY-MM",
        Grouping.QUARTER: 'YYYY-"Q"Q',
        Grouping.YEAR: "YYYY",
    }
)
#: The longest period of one report: what has some thousand rows, and ten years of what has fewer.
_LONGEST_DAYS: Final[Mapping[Grouping, int]] = MappingProxyType(
    {Grouping.QUARTER_HOUR: 31, Grouping.HOUR: 366, Grouping.DAY: 1098}
)
_TEN_YEARS: Final = 3660


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDefinition:
    """A report: its groupings (the first is the default) and the columns after the group.

    ``longest_days`` bounds the periods of those that read single contacts.
    """

    name: str
    groupings: tuple[Grouping, ...]
    columns: tuple[str, ...]
    longest_days: int = _TEN_YEARS


QUEUE_REPORT: Final = ReportDefinition(
    name="queues",
    groupings=(Grouping.QUEUE, *TIMES),
    columns=(
        "offered",
        "answered",
        "answered_in_time",
        "service_level",
        "asa_seconds",
        "abandoned",
        "abandoned_short",
        "left_otherwise",
        "talks",
        "talk_seconds",
        "hold_seconds",
        "wrap_up_seconds",
    ),
)
AGENT_REPORT: Final = ReportDefinition(
    name="agents",
    groupings=(Grouping.AGENT, Grouping.SEAT, Grouping.QUEUE, *TIMES),
    columns=(
        "offers",
        "offers_answered",
        "offers_missed",
        "talks",
        "talk_seconds",
        "hold_seconds",
        "wrap_ups",
        "wrap_up_seconds",
    ),
)
#: What callers said in surveys after their talks (R9.6), each question of a survey a row of its own.
SURVEY_REPORT: Final = ReportDefinition(
    name="surveys",
    groupings=(Grouping.QUEUE, Grouping.AGENT, Grouping.HOUR, Grouping.DAY),
    columns=("survey", "question", "scale", "asked", "answered", "share_answered", "mean", "lowest", "highest"),
    longest_days=366,
)
#: First-call resolution, strict and broad (D-FCR).
RESOLUTION_REPORT: Final = ReportDefinition(
    name="resolution",
    groupings=(Grouping.QUEUE, Grouping.AGENT, Grouping.DAY, Grouping.WEEK, Grouping.MONTH),
    columns=(
        "handled",
        "repeats",
        "open",
        "judged",
        "resolved_strict",
        "fcr_strict",
        "resolved_broad",
        "fcr_broad",
    ),
    longest_days=92,
)

#: Traffic of trunks; what had no trunk is of the centre itself.
TRUNK_REPORT: Final = ReportDefinition(
    name="trunks",
    groupings=(Grouping.TRUNK, Grouping.DIRECTION, *TIMES),
    columns=(
        "contacts",
        "handled",
        "self_service",
        "transferred",
        "call_backs",
        "voice_mails",
        "abandoned",
        "ended_otherwise",
        "refused",
        "blocked",
        "line_seconds",
        "talk_seconds",
    ),
)
#: What became of callers in flows; by node: where they were when their session ended.
FLOW_REPORT: Final = ReportDefinition(
    name="flows",
    groupings=(Grouping.FLOW, Grouping.NODE, *TIMES),
    columns=("nodes_entered", "inputs", "sessions", "completed", "hung_up", "failed", "success"),
)
#: The list of contacts, one row each.
CONTACT_REPORT: Final = ReportDefinition(
    name="contacts",
    groupings=(Grouping.CONTACT,),
    columns=(
        "began",
        "ended",
        "direction",
        "trunk",
        "dialled",
        "queue",
        "agent",
        "seat",
        "outcome",
        "cause",
        "queue_seconds",
        "talk_seconds",
        "hold_seconds",
        "line_seconds",
    ),
    longest_days=31,
)

#: All, by name.
REPORTS: Final = {
    report.name: report
    for report in (
        QUEUE_REPORT,
        AGENT_REPORT,
        TRUNK_REPORT,
        FLOW_REPORT,
        CONTACT_REPORT,
        SURVEY_REPORT,
        RESOLUTION_REPORT,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportQuery:
    """What is asked for: a report, a half-open period, a grouping."""

    report: ReportDefinition
    begin: datetime
    end: datetime
    grouping: Grouping

    @classmethod
    def of(cls, name: str, begin: datetime, end: datetime, group_by: str | None) -> ReportQuery:
        """Check what somebody asked for; raises NoSuchReport or BadReportQuery."""
        report = REPORTS.get(name)
        if report is None:
            raise NoSuchReport(name)
        allowed = ", ".join(report.groupings)
        if group_by is None:
            grouping = report.groupings[0]
        elif group_by in report.groupings:
            grouping = Grouping(group_by)
        else:
            raise BadReportQuery(f"report {name!r} has no grouping {group_by!r}; it has {allowed}")
        if begin.tzinfo is None or end.tzinfo is None:
            raise BadReportQuery("from and to need a time zone (RFC 3339)")
        if not begin < end:
            raise BadReportQuery("from must be before to")
        longest = min(report.longest_days, _LONGEST_DAYS.get(grouping, _TEN_YEARS))
        if end - begin > timedelta(days=longest):
            raise BadReportQuery(f"by {grouping}, the period may be {longest} days at most")
        return cls(report=report, begin=begin, end=end, grouping=grouping)


#: A row: the group, then the columns.
ReportRow = dict[str, Any]
