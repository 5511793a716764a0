from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.commands import AcknowledgeAlarm, ClearAlarm, RaiseAlarm, Refused
from ccplatform.contracts.facts import AlarmAcknowledged, AlarmCleared, AlarmRaised, Fact
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.core import DEADLINE
from ccplatform.kernel.errors import NotFound
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from ccplatform.operations import alarms as alarms_module
from ccplatform.operations.alarms import OVERFLOW_KIND, UNTIL_SEEN, AlarmBook, AlarmFact
from ccplatform.operations.board import AlarmBoard
from ccplatform.operations.service import AlarmService


def _book() -> AlarmBook:
    numbers = itertools.count(1)
    return AlarmBook(new_id=lambda: f"alarm-{next(numbers)}")


def _up(kind: str, subject: str = "", severity: Severity = Severity.URGENT) -> RaiseAlarm:
    return RaiseAlarm(kind=kind, subject=subject, severity=severity, text=f"{kind} of {subject}")


def _down(kind: str, subject: str = "") -> ClearAlarm:
    return ClearAlarm(kind=kind, subject=subject)


def test_an_alarm_is_raised_once_and_cleared_once() -> None:
    book = _book()
    (raised,) = book.handle(_up("database_unavailable"), 10.0)
    assert raised == AlarmRaised(
        alarm="alarm-1",
        kind="database_unavailable",
        subject="",
        severity=Severity.URGENT,
        text="database_unavailable of ",
    )
    assert book.handle(_up("database_unavailable"), 11.0) == []
    cleared = AlarmCleared(alarm="alarm-1", kind="database_unavailable", subject="", lasted_seconds=5.0)
    assert book.handle(_down("database_unavailable"), 15.0) == [cleared]
    assert book.handle(_down("database_unavailable"), 16.0) == []
    assert book.handle(DEADLINE, 17.0) == []


def test_alarms_of_one_kind_about_two_subjects_are_two() -> None:
    book = _book()
    book.handle(_up("trunk_down", "lab"), 0.0)
    book.handle(_up("trunk_down", "pstn"), 0.0)
    book.handle(_down("trunk_down", "lab"), 1.0)
    assert [(alarm.subject, alarm.age) for alarm in book.active(3.0)] == [("pstn", 3.0)]


def test_acknowledging_is_told_once_and_changes_nothing_for_an_unknown_alarm() -> None:
    book = _book()
    book.handle(_up("disk_full"), 0.0)
    seen = AcknowledgeAlarm(alarm="alarm-1", by="sup1")
    assert book.handle(seen, 1.0) == [AlarmAcknowledged(alarm="alarm-1", by="sup1")]
    assert book.handle(seen, 2.0) == []
    with pytest.raises(NotFound, match="alarm-9"):
        book.handle(AcknowledgeAlarm(alarm="alarm-9", by="sup1"), 3.0)
    assert book.active(3.0)[0].acknowledged_by == "sup1"


@pytest.mark.parametrize("kind", sorted(UNTIL_SEEN))
def test_an_alarm_about_what_happened_ends_when_somebody_saw_it(kind: str) -> None:
    book = _book()
    book.handle(_up(kind), 0.0)
    told = book.handle(AcknowledgeAlarm(alarm="alarm-1", by="tech1"), 4.0)
    assert told == [
        AlarmAcknowledged(alarm="alarm-1", by="tech1"),
        AlarmCleared(alarm="alarm-1", kind=kind, subject="", lasted_seconds=4.0),
    ]
    assert book.active(5.0) == []


def test_a_flood_of_alarms_becomes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms_module, "MAX_ACTIVE", 3)
    book = _book()
    facts = [fact for n in range(10) for fact in book.handle(_up("seat_lost", f"seat-{n}"), 0.0)]
    assert [fact.kind for fact in facts if isinstance(fact, AlarmRaised)] == ["seat_lost"] * 3 + [OVERFLOW_KIND]
    assert len(book.handle(_down("seat_lost", "seat-0"), 1.0)) == 1
    (_, overflow) = book.handle(_down("seat_lost", "seat-1"), 1.0)
    assert isinstance(overflow, AlarmCleared)
    assert overflow.kind == OVERFLOW_KIND


@given(st.lists(st.tuples(st.sampled_from("rca"), st.integers(0, 3), st.floats(0, 10)), max_size=60), st.data())
def test_snapshot_and_later_events_are_the_live_state(
    steps: list[tuple[str, int, float]], data: st.DataObject
) -> None:
    live, now, cut = _book(), 100.0, data.draw(st.integers(0, len(steps)))
    restored, offset = AlarmBook(new_id=lambda: "unused"), 5000.0  # another machine, another monotonic clock
    told: list[AlarmFact] = []
    for number, (step, subject, pause) in enumerate(steps):
        if number == cut:
            restored.restore(json.loads(json.dumps(live.snapshot(now))), now + offset)
        now += pause
        event = _event(step, str(subject), live)
        if event is None:
            continue
        facts = live.handle(event, now)
        told += facts
        if number >= cut:
            restored._new_id = lambda facts=facts: next(f.alarm for f in facts)  # type: ignore[misc]
            assert list(map(type, restored.handle(event, now + offset))) == list(map(type, facts))
    up: set[tuple[str, str]] = set()
    for fact in told:
        if isinstance(fact, AlarmRaised):
            assert (fact.kind, fact.subject) not in up
            up.add((fact.kind, fact.subject))
        elif isinstance(fact, AlarmCleared):
            up.remove((fact.kind, fact.subject))
    assert up == {(alarm.kind, alarm.subject) for alarm in live.active(now)}
    if cut < len(steps):
        again = [(a.id, a.subject, round(a.age, 6), a.acknowledged_by) for a in restored.active(now + offset)]
        assert again == [(a.id, a.subject, round(a.age, 6), a.acknowledged_by) for a in live.active(now)]


def _event(step: str, subject: str, book: AlarmBook) -> RaiseAlarm | ClearAlarm | AcknowledgeAlarm | None:
    if step == "r":
        return _up("trunk_down", subject)
    if step == "c":
        return _down("trunk_down", subject)
    ident = next((alarm.id for alarm in book.active(0) if alarm.subject == subject), None)
    return None if ident is None else AcknowledgeAlarm(alarm=ident, by="sup1")


class Told:
    """The stream as the alarm service's fact port, with a board that folds it."""

    def __init__(self, clock: VirtualClock) -> None:
        self.stream: Stream[Fact] = Stream(clock, Ids(clock), "default")
        self.board = AlarmBoard()
        self.stream.subscribe(self.board.apply)

    def record(self, fact: Fact) -> None:
        self.stream.publish(fact)


def test_the_board_shows_what_the_service_has_up() -> None:
    clock = VirtualClock()
    told = Told(clock)
    service = AlarmService(facts=told, clock=clock, ids=Ids(clock))
    service.raise_alarm("trunk_down", "lab", Severity.NON_URGENT, "no answer to OPTIONS")
    clock.advance(2)
    service.raise_alarm("disk_full", "", Severity.URGENT, "97 %")
    assert [row.kind for row in told.board.active()] == ["disk_full", "trunk_down"]
    assert told.board.counts() == {Severity.URGENT: 1, Severity.NON_URGENT: 1}
    (trunk, disk) = service.active()
    service.perform(AcknowledgeAlarm(alarm=disk.id, by="sup1"))
    service.clear_alarm("trunk_down", "lab")
    assert [(row.id, row.acknowledged_by, row.acknowledged_at) for row in told.board.active()] == [
        (disk.id, "sup1", clock.wall())
    ]
    unknown = service.perform(AcknowledgeAlarm(alarm=trunk.id, by="sup1"))
    assert isinstance(unknown, Refused)
    assert unknown.code == "not_found"


def test_alarms_that_were_up_before_a_restart_can_be_cleared_after_it() -> None:
    clock = VirtualClock()
    before = Told(clock)
    AlarmService(facts=before, clock=clock, ids=Ids(clock)).raise_alarm("disk_full", "", Severity.URGENT, "97 %")
    rows = before.board.active()
    clock.advance(60)
    after = Told(clock)
    after.board.load(rows)
    service = AlarmService(facts=after, clock=clock, ids=Ids(clock))
    service.restore(rows)
    service.raise_alarm("disk_full", "", Severity.URGENT, "98 %")
    assert after.stream.seq == 0
    assert service.active()[0].age == 60
    service.clear_alarm("disk_full", "")
    assert after.board.active() == []
