"""Reports of a period: which there are, how they may be grouped, and their tables as CSV (R10.1.g)."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from metrics.errors import BadReportQuery, NoSuchReport

#: The longest period of one report by hour or by day: what fits on a page and in a second.
LONGEST_PERIOD: Final = timedelta(days=366)


class Grouping(StrEnum):
    """What a row of a report stands for."""

    QUEUE = "queue"
    AGENT = "agent"
    SEAT = "seat"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDefinition:
    """A report: its groupings (the first is the default) and the columns after the group."""

    name: str
    groupings: tuple[Grouping, ...]
    columns: tuple[str, ...]


QUEUE_REPORT: Final = ReportDefinition(
    name="queues",
    groupings=(Grouping.QUEUE, Grouping.HOUR, Grouping.DAY),
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
    groupings=(Grouping.AGENT, Grouping.SEAT, Grouping.QUEUE, Grouping.HOUR, Grouping.DAY),
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
)

_REPORTS: Final = {report.name: report for report in (QUEUE_REPORT, AGENT_REPORT, SURVEY_REPORT)}


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
        report = _REPORTS.get(name)
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
        if end - begin > LONGEST_PERIOD:
            raise BadReportQuery(f"the period may be {LONGEST_PERIOD.days} days at most")
        return cls(report=report, begin=begin, end=end, grouping=grouping)


#: A row: the group, then the columns.
ReportRow = dict[str, Any]


def as_csv(query: ReportQuery, rows: list[ReportRow]) -> str:
    """The table as CSV (RFC 4180). Cells that a spreadsheet would run as a formula begin with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    columns = (query.grouping.value, *query.report.columns)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])
    return out.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
