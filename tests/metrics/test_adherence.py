"""Adherence: what was planned against what was done, over midnights, changes of clocks and repetitions."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from itertools import combinations, pairwise
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.facts import AgentStateChanged
from ccplatform.contracts.words import AgentId, AgentState
from ccplatform.kernel.clock import VirtualClock
from metrics.adherence.attendance import MAX_MARKS, Attendance, Doing
from metrics.adherence.kind import Shifts
from metrics.adherence.model import Activity, Shift, adherence, instants, parts
from metrics.adherence.store import ShiftStore
from metrics.model import MICROSECONDS, Stamp

HOUR = 3600 * MICROSECONDS
SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
READY, PAUSED, AWAY = AgentState.READY, AgentState.NOT_READY, AgentState.SIGNED_OUT


def did(*changes: tuple[float, AgentState, str]) -> Attendance:
    """Of agent 1004; times in hours, the first at hour 0 or later, before which he was signed out for an hour."""
    attendance = Attendance()
    before, since = AWAY, -1.0
    for hour, state, reason in changes:
        fact = AgentStateChanged(
            agent=AgentId("1004"),
            seat=None,
            previous=before,
            state=state,
            reason=reason,
            previous_seconds=(hour - since) * 3600,
        )
        at_us = round(hour * HOUR)
        attendance.changed(fact, Stamp("e", at_us, at_us, at_us // MICROSECONDS), [])
        before, since = state, hour
    return attendance


def planned(start: float, end: float, *pauses: tuple[float, float, str]) -> Shift:
    return Shift(
        agent="1004",
        start_us=round(start * HOUR),
        end_us=round(end * HOUR),
        activities=tuple(
            Activity(start_us=round(begins * HOUR), end_us=round(ends * HOUR), reason=reason)
            for begins, ends, reason in pauses
        ),
    )


def ratio(attendance: Attendance, *shifts: Shift, now: float, since: float = 0) -> float | None:
    return adherence(shifts, attendance, round(since * HOUR), round(now * HOUR)).ratio


def test_who_does_what_is_planned_keeps_to_it() -> None:
    day = did((9, READY, ""), (12, PAUSED, "lunch"), (13, AgentState.TALKING, ""), (17, AWAY, ""))
    assert ratio(day, planned(9, 17, (12, 13, "lunch")), now=20) == 1.0


@pytest.mark.parametrize(
    ("reason", "kept"),
    [("lunch", 7 / 8), ("training", 6 / 8), ("", 7 / 8)],
    ids=["for the planned reason", "for another", "for any"],
)
def test_a_pause_that_is_too_long_and_a_late_beginning_count(reason: str, kept: float) -> None:
    day = did((9.5, READY, ""), (12, PAUSED, "lunch"), (13.5, READY, ""))
    assert ratio(day, planned(9, 17, (12, 13, reason)), now=17) == pytest.approx(kept)


def test_only_what_is_planned_so_far_counts() -> None:
    day = did((8, READY, ""), (10, PAUSED, "lunch"))
    shift = planned(9, 17, (12, 13, "lunch"))
    assert ratio(day, shift, now=9) is None
    assert ratio(day, shift, now=11) == 0.5
    assert ratio(day, now=11) is None


def test_who_never_came_kept_nothing_but_a_free_pause() -> None:
    assert ratio(Attendance(), planned(9, 17, (12, 13, "")), now=17) == pytest.approx(1 / 8)


def test_the_night_before_midnight_is_of_the_day_before() -> None:
    night = did((22, READY, ""), (26, PAUSED, ""))
    assert ratio(night, planned(22, 30), now=28, since=24) == 0.5


def test_what_is_planned_now_is_known() -> None:
    shift = planned(9, 17, (12, 13, "lunch"))
    assert adherence([shift], Attendance(), 0, 8 * HOUR).now is None
    assert adherence([shift], Attendance(), 0, 9 * HOUR).now == next(parts(shift))
    at_lunch = adherence([shift], Attendance(), 0, 12 * HOUR).now
    assert at_lunch is not None
    assert (at_lunch.reason, at_lunch.end_us) == ("lunch", 13 * HOUR)


@pytest.mark.parametrize(
    ("zone", "day", "start", "end", "hours"),
    [
        (SHANGHAI, date(2026, 1, 5), time(9), time(18), 9),
        (SHANGHAI, date(2026, 1, 5), time(22), time(6), 8),
        (SHANGHAI, date(2026, 1, 5), time(8), time(8), 24),
        (BERLIN, date(2026, 3, 28), time(22), time(6), 7),
        (BERLIN, date(2026, 10, 24), time(22), time(6), 9),
    ],
    ids=["a day", "over midnight", "round the clock", "clocks go forward", "clocks go back"],
)
def test_local_times_become_instants(zone: ZoneInfo, day: date, start: time, end: time, hours: int) -> None:
    begins, ends = instants(day, start, end, zone)
    assert begins == round(datetime.combine(day, start, zone).astimezone(UTC).timestamp()) * MICROSECONDS
    assert ends - begins == hours * HOUR


def test_a_pause_before_the_start_of_the_shift_is_on_the_next_day() -> None:
    begins, _ = instants(date(2026, 1, 5), time(22), time(6), SHANGHAI)
    assert instants(date(2026, 1, 5), time(1), time(2), SHANGHAI, time(22))[0] == begins + 3 * HOUR
    assert instants(date(2026, 1, 5), time(23), time(0), SHANGHAI, time(22)) == (begins + HOUR, begins + 2 * HOUR)


STATES = st.sampled_from([READY, PAUSED, AWAY, AgentState.TALKING, AgentState.WRAP_UP])
CHANGES = st.lists(st.tuples(st.integers(0, 2000), STATES, st.sampled_from(["", "lunch"])), max_size=30)


@given(CHANGES, st.integers(0, 2000), st.integers(0, 2000))
def test_spells_have_no_gaps_and_a_restored_attendance_tells_the_same(
    changes: list[tuple[int, AgentState, str]], start: int, length: int
) -> None:
    attendance = did(*((minute / 60, state, reason) for minute, state, reason in sorted(changes)))
    first, last = start * 60 * MICROSECONDS, (start + length) * 60 * MICROSECONDS
    spells = list(attendance.spells("1004", first, last))
    assert sum(spell.end_us - spell.start_us for spell in spells) == last - first
    assert all(one.end_us == other.start_us for one, other in pairwise(spells))
    again = Attendance()
    again.restore(json.loads(json.dumps(attendance.snapshot())))
    assert list(again.spells("1004", first, last)) == spells


@given(CHANGES, st.lists(st.integers(0, 1440), min_size=4, max_size=4, unique=True), st.integers(0, 2000))
def test_a_ratio_is_between_nothing_and_all(
    changes: list[tuple[int, AgentState, str]], times: list[int], now: int
) -> None:
    start, begins, ends, end = (minute / 60 for minute in sorted(times))
    day = did(*((minute / 60, state, reason) for minute, state, reason in sorted(changes)))
    found = adherence([planned(start, end, (begins, ends, "lunch"))], day, 0, now * 60 * MICROSECONDS)
    assert 0 <= found.kept_us <= found.planned_us
    assert (found.ratio is None) is (found.planned_us == 0)


def test_a_clock_that_is_set_back_makes_no_time_twice() -> None:
    attendance = did((9, READY, ""), (10, PAUSED, ""))
    fact = AgentStateChanged(
        agent=AgentId("1004"), seat=None, previous=PAUSED, state=READY, reason="", previous_seconds=60
    )
    attendance.changed(fact, Stamp("e", 8 * HOUR, 0, 0), [])
    assert [spell.doing for spell in attendance.spells("1004", 9 * HOUR, 11 * HOUR)] == [
        Doing.WORKING,
        Doing.WORKING,
    ]


def test_what_is_kept_is_bounded() -> None:
    attendance = did(*((n / 10_000, READY if n % 2 else PAUSED, "") for n in range(3 * MAX_MARKS)))
    assert len(attendance.snapshot()["1004"]) <= MAX_MARKS
    days = did(*((24.0 * n, READY if n % 2 else PAUSED, "") for n in range(10)))
    assert len(days.snapshot()["1004"]) <= 4


@given(st.lists(st.tuples(st.sampled_from(["1003", "1004"]), st.integers(0, 20), st.integers(1, 4)), max_size=8))
def test_of_a_sheet_no_two_shifts_that_are_left_overlap(spans: list[tuple[str, int, int]]) -> None:
    kind = Shifts(
        cast(ShiftStore, None), clock=VirtualClock(), zone=SHANGHAI, knows_agent=_knows, knows_reason=_knows
    )
    sheet: dict[str, dict[str, Any]] = {
        str(number): {
            "agent": agent,
            "day": date(2030, 1, 1),
            "start": time(start),
            "end": time((start + hours) % 24),
        }
        for number, (agent, start, hours) in enumerate(spans)
    }
    clashes = kind.clashes(sheet)
    left = [span for number, span in enumerate(spans) if str(number) not in clashes]
    for one, other in combinations(left, 2):
        assert one[0] != other[0] or one[1] + one[2] <= other[1] or other[1] + other[2] <= one[1]
    every = combinations(spans, 2)
    overlap = any(a[0] == b[0] and a[1] < b[1] + b[2] and b[1] < a[1] + a[2] for a, b in every)
    assert bool(clashes) == overlap


async def _knows(_: str) -> bool:
    return True
