"""Schedules of reports: of which period each one is, and when it is due. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from metrics.reports import ReportQuery

#: A schedule whose platform was away so long makes up this many periods; older ones are in the page's reach.
MOST_MADE_UP: Final = 31
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


class Every(StrEnum):
    """The whole period that a report is of: the last one that is over when it is made."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    def beginning(self, day: date) -> date:
        """The first day of the period in which ``day`` lies (weeks begin on Monday: ISO 8601)."""
        match self:
            case Every.DAY:
                return day
            case Every.WEEK:
                return day - timedelta(days=day.weekday())
            case _:
                months = _MONTHS[self]
                return date(day.year, (day.month - 1) // months * months + 1, 1)

    def following(self, day: date) -> date:
        """The first day of the period after that in which ``day`` lies."""
        begin = self.beginning(day)
        days = {Every.DAY: 1, Every.WEEK: 7}.get(self, 31 * _MONTHS.get(self, 0) + 1)
        return self.beginning(begin + timedelta(days=days))

    def name_of(self, begin: date) -> str:
        """What people call the period, as in reports."""
        match self:
            case Every.DAY:
                return begin.isoformat()
            case Every.WEEK:
                return begin.strftime("%G-W%V")
            case Every.MONTH:
                return begin.strftime("%Y-%m")
            case Every.QUARTER:
                return f"{begin.year}-Q{(begin.month + 2) // 3}"
            case Every.YEAR:
                return str(begin.year)


class FileFormat(StrEnum):
    """What the report is written as."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A report that is made by itself.

    ``minute`` of the day after the period, by the centre's clock; ``mail_to``: addresses, none: into the folder;
    ``next_at``: when the next one is due; ``tried_at``, ``last_period``, ``last_result``, ``last_ok`` tell of the
    last attempt (None: none yet).
    """

    id: str
    name: str
    report: str
    group_by: str
    period: Every
    format: FileFormat
    minute: int
    mail_to: tuple[str, ...]
    paused: bool
    next_at: datetime
    tried_at: datetime | None = None
    last_period: str = ""
    last_result: str = ""
    last_ok: bool | None = None

    def after(self, at: datetime, zone: ZoneInfo) -> datetime:
        """The first time after ``at`` at which a report is due."""
        begin = self.period.beginning(at.astimezone(zone).date())
        while (due := self._due(begin, zone)) <= at:
            begin = self.period.following(begin)
        return due

    def query(self, zone: ZoneInfo) -> ReportQuery:
        """What is asked for when the next one is due; raises NoSuchReport or BadReportQuery."""
        end = self.next_at.astimezone(zone).date()
        begin = self.period.beginning(end - timedelta(days=1))
        first, last = (datetime.combine(day, time(), zone) for day in (begin, end))
        return ReportQuery.of(self.report, first, last, self.group_by)

    def period_name(self, zone: ZoneInfo) -> str:
        """What the period of the next one is called."""
        return self.period.name_of(self.query(zone).begin.astimezone(zone).date())

    def made_up_from(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The oldest due time that is still made up at ``now``."""
        due = [self.next_at]
        while (later := self.after(due[-1], zone)) <= now:
            due.append(later)
        return due[-MOST_MADE_UP:][0]

    def _due(self, begin: date, zone: ZoneInfo) -> datetime:
        return datetime.combine(begin, time(self.minute // 60, self.minute % 60), zone)
