"""Shifts as they are planned, in instants; and adherence, the share of a plan that was kept. Pure.

Adherence (D-ADH, ours: the standard names none) is the planned time so far in which the agent did what was
planned, divided by the planned time so far, from midnight on. Planned for contacts: he was ready, rang, talked or
wrapped up. Planned for something else: he was not ready for that reason, or, where no reason is planned, not
ready or signed out. What is done outside the plan counts neither way; without a plan there is no figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from metrics.adherence.attendance import Attendance, Doing, Spell
from metrics.model import MICROSECONDS, wall_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Planned for something else than contacts; ``reason`` is that of the pause, '' any."""

    reason: str
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """What is planned for an agent, wall-clock microseconds; activities lie inside and do not overlap."""

    agent: str
    start_us: int
    end_us: int
    activities: tuple[Activity, ...] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """A part of a shift: for contacts (None), or for a pause of this reason ('': any)."""

    start_us: int
    end_us: int
    reason: str | None

    def kept_by(self, spell: Spell) -> bool:
        """Whether who did this kept to the plan."""
        if self.reason is None:
            return spell.doing is Doing.WORKING
        if self.reason == "":
            return spell.doing is not Doing.WORKING
        return spell.doing is Doing.PAUSED and spell.reason == self.reason


@dataclass(frozen=True, slots=True)
class Adherence:
    """How far a plan was kept so far, microseconds; ``now`` is what is planned for this moment."""

    planned_us: int
    kept_us: int
    now: Planned | None

    @property
    def ratio(self) -> float | None:
        """D-ADH; None: nothing was planned so far."""
        return self.kept_us / self.planned_us if self.planned_us else None


def instants(day: date, start: time, end: time, zone: ZoneInfo, begin: time | None = None) -> tuple[int, int]:
    """When local times are, microseconds: an ``end`` that is not after the ``start`` is on the next day, as is all
    that is earlier than ``begin``, the start of the shift that it belongs to."""
    first = day + timedelta(days=1) if begin is not None and start < begin else day
    last = first + timedelta(days=1) if end <= start else first
    return _us(first, start, zone), _us(last, end, zone)


def parts(shift: Shift) -> Iterator[Planned]:
    """The shift from its beginning to its end, without gaps."""
    at = shift.start_us
    for activity in sorted(shift.activities, key=lambda one: one.start_us):
        if activity.start_us > at:
            yield Planned(at, activity.start_us, None)
        yield Planned(activity.start_us, activity.end_us, activity.reason)
        at = activity.end_us
    if shift.end_us > at:
        yield Planned(at, shift.end_us, None)


def adherence(shifts: Iterable[Shift], attendance: Attendance, since_us: int, now_us: int) -> Adherence:
    """Of the shifts of one agent, which do not overlap, from ``since_us`` until now."""
    planned = kept = 0
    present: Planned | None = None
    for shift in shifts:
        for part in parts(shift):
            if part.start_us <= now_us < part.end_us:
                present = part
            start, end = max(part.start_us, since_us), min(part.end_us, now_us)
            if end <= start:
                continue
            planned += end - start
            spells = attendance.spells(shift.agent, start, end)
            kept += sum(spell.end_us - spell.start_us for spell in spells if part.kept_by(spell))
    return Adherence(planned, kept, present)


def _us(day: date, at: time, zone: ZoneInfo) -> int:
    """A local time that clocks skip is that of the clock before the change, one that comes twice the first."""
    return wall_us(datetime.combine(day, at, zone)) // MICROSECONDS * MICROSECONDS
