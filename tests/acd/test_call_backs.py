"""Promised call-backs: never lost, never made twice at a time, only when they may be made."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from acd.calendars import Calendar, Span
from acd.callbacks.book import REST_SECONDS, CallBackBook
from acd.callbacks.model import (
    BeginCall,
    BookEffect,
    BookEvent,
    CallBack,
    CallerArrived,
    Cancel,
    ContactOver,
    DropCall,
    LineUp,
    Moved,
    Promised,
    Refused,
    Reserved,
    RulesChanged,
    State,
    StepOut,
    Store,
    TalkBegan,
)
from acd.errors import IllegalSetting, NoCallBack, UnknownCallBack
from acd.model import CallBackRules
from ccplatform.contracts.facts import CallBackBegun, CallBackEnded
from ccplatform.contracts.routing import AgentOffered
from ccplatform.contracts.words import AgentId, ContactId, QueueId, SeatId
from ccplatform.kernel.core import DEADLINE, DeadlineReached
from tests.acd.floor import queue

QUEUE, NUMBER = QueueId("sales"), "13800000001"
MONDAY = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)  # nine o'clock in Shanghai
OFFICE = Calendar(id="office", week={day: (Span(start=time(9), end=time(18)),) for day in range(5)})
RULES = CallBackRules(trunk="lab", attempts=2, pause_seconds=300.0, expire_seconds=7 * 86_400.0)


class Desk:
    """A book, its time, and the rows that its promises have in the database."""

    def __init__(self, rules: CallBackRules = RULES) -> None:
        self._ids = itertools.count(1)
        self.now = MONDAY
        self.rules = rules
        self.rows: dict[str, CallBack] = {}
        self.ended: list[CallBackEnded] = []
        self.line: dict[ContactId, str] = {}
        self.calls: dict[ContactId, str] = {}
        self.talks: set[ContactId] = set()
        self.book = self._new()

    def _new(self) -> CallBackBook:
        book = CallBackBook(new_id=lambda: f"attempt-{next(self._ids)}")
        book.use({"office": OFFICE}, self.now)
        book.handle(RulesChanged(queue=QUEUE, rules=self.rules), self.now)
        return book

    def promise(self, name: str = "cb", number: str = NUMBER, *, age: float = 0.0, **more: object) -> CallBack:
        row = CallBack(
            id=name,
            contact=ContactId(f"asked-{name}"),
            queue=QUEUE,
            number=number,
            priority=5,
            created_at=self.now,
            queued_at=self.now - timedelta(seconds=age),
            not_before=self.now,
            expires_at=self.now + timedelta(seconds=self.rules.expire_seconds),
        )
        self.rows[name] = row
        self.do(Promised(call_back=row, **more))  # type: ignore[arg-type]
        return row

    def do(self, event: BookEvent | DeadlineReached) -> list[BookEffect]:
        effects = list(self.book.handle(event, self.now))
        for effect in effects:
            self._take(effect)
        return effects

    def _take(self, effect: BookEffect) -> None:
        match effect:
            case LineUp():
                row = effect.call_back
                assert row.id not in (*self.line.values(), *self.calls.values()), "in two places"
                assert row.state is State.OPEN
                assert row.not_before <= self.now < row.expires_at
                assert effect.waited_seconds == (self.now - row.queued_at).total_seconds()
                self.line[effect.contact] = row.id
            case StepOut():
                del self.line[effect.contact]
            case BeginCall():
                self.calls[effect.offer.contact] = self.line.pop(effect.offer.contact)
            case DropCall():
                self.calls.pop(effect.contact, None)
            case Store():
                self.rows[effect.call_back.id] = effect.call_back
            case CallBackEnded():
                promised = self.rows[effect.call_back].created_at
                assert effect.age_seconds == (self.now - promised).total_seconds()
                self.ended.append(effect)
            case CallBackBegun():
                pass

    def passes(self, seconds: float) -> None:
        target = self.now + timedelta(seconds=seconds)
        while (due := self.book.next_deadline()) is not None and due <= target:
            self.now = max(self.now, due)
            self.do(DEADLINE)
        self.now = target

    def reserve(self) -> ContactId:
        contact = next(iter(self.line))
        offer = AgentOffered(contact=contact, queue=QUEUE, agent=AgentId("1"), seat=SeatId("s1"))
        self.do(Reserved(offer=offer))
        return contact

    def over(self, contact: ContactId, *, tried: bool = True) -> None:
        self.calls.pop(contact, None)
        self.do(ContactOver(contact=contact, tried=tried))

    def restart(self, surviving: frozenset[ContactId] = frozenset()) -> None:
        """Another process begins from the rows, and from the calls that media workers kept."""
        kept = {name: contact for contact, name in self.calls.items() if contact in surviving}
        self.calls = {contact: name for name, contact in kept.items()}
        self.line = {}
        self.book = self._new()
        for name, row in sorted(self.rows.items()):
            self.do(Promised(call_back=row, calling=kept.get(name)))


def test_a_promise_waits_in_line_with_its_age_and_is_kept_when_the_two_talk() -> None:
    desk = Desk()
    desk.promise(age=120.0)
    (contact,) = desk.line
    assert desk.book.waits(contact)
    assert desk.reserve() == contact
    assert not desk.book.waits(contact)
    desk.do(TalkBegan(contact=contact))
    assert (desk.rows["cb"].state, desk.rows["cb"].attempt) == (State.KEPT, contact)
    desk.over(contact)
    assert [(end.state, end.attempts) for end in desk.ended] == [(State.KEPT, 1)]


def test_the_customer_is_not_called_while_he_is_on_the_line_himself() -> None:
    desk = Desk()
    row = desk.promise(on_the_line=True)
    assert not desk.line
    desk.over(row.contact, tried=False)
    assert len(desk.line) == 1
    desk.do(CallerArrived(contact=ContactId("again"), number=NUMBER))
    assert not desk.line
    desk.over(ContactId("again"), tried=False)
    assert len(desk.line) == 1


def test_who_calls_again_and_talks_with_an_agent_is_not_called_back() -> None:
    desk = Desk()
    desk.promise()
    desk.do(CallerArrived(contact=ContactId("again"), number=NUMBER))
    desk.do(TalkBegan(contact=ContactId("again")))
    assert [(end.state, end.reason) for end in desk.ended] == [(State.CANCELLED, "called_again")]
    assert not desk.line


def test_attempts_in_vain_have_pauses_and_an_end() -> None:
    desk = Desk()
    desk.promise()
    desk.over(desk.reserve())
    assert not desk.line
    desk.passes(299.0)
    assert not desk.line
    desk.passes(1.0)
    desk.over(desk.reserve())
    assert [(end.state, end.attempts) for end in desk.ended] == [(State.GIVEN_UP, 2)]


def test_a_call_that_failed_for_no_fault_of_the_customers_is_no_attempt() -> None:
    desk = Desk()
    desk.promise()
    desk.over(desk.reserve(), tried=False)
    desk.passes(REST_SECONDS)
    assert len(desk.line) == 1
    assert desk.rows["cb"].attempts == 0


def test_out_of_hours_nobody_is_called_and_the_place_is_kept() -> None:
    desk = Desk(replace(RULES, calendar="office"))
    desk.promise()
    desk.passes(9 * 3600.0)
    assert not desk.line
    desk.passes(15 * 3600.0)
    assert len(desk.line) == 1


def test_a_promise_expires_and_a_cancelled_one_is_not_made() -> None:
    desk = Desk(replace(RULES, expire_seconds=60.0))
    desk.promise()
    desk.passes(60.0)
    assert not desk.line
    desk.promise("other")
    desk.do(Cancel(id="other", reason="by sup1"))
    assert not desk.line
    assert [end.state for end in desk.ended] == [State.EXPIRED, State.CANCELLED]
    with pytest.raises(UnknownCallBack):
        desk.do(Cancel(id="other", reason=""))


def test_another_hour_keeps_the_place_and_leaves_as_much_time() -> None:
    desk = Desk(replace(RULES, expire_seconds=600.0))
    desk.promise()
    assert len(desk.line) == 1
    later = desk.now + timedelta(hours=2)
    desk.do(Moved(id="cb", not_before=later))
    assert not desk.line
    desk.passes(2 * 3600.0 - 1)
    assert not desk.line
    desk.passes(1.0)
    assert len(desk.line) == 1
    desk.passes(600.0)
    assert [end.state for end in desk.ended] == [State.EXPIRED]
    with pytest.raises(UnknownCallBack):
        desk.do(Moved(id="cb", not_before=later))


def test_an_hour_too_far_away_is_refused_and_changes_nothing() -> None:
    desk = Desk(RULES)
    desk.promise()
    with pytest.raises(NoCallBack, match="at most 366 days away"):
        desk.do(Moved(id="cb", not_before=desk.now + timedelta(days=400)))
    assert len(desk.line) == 1


def test_a_cancelled_call_is_dropped() -> None:
    desk = Desk()
    desk.promise()
    contact = desk.reserve()
    (drop,) = [e for e in desk.do(Cancel(id="cb", reason="")) if isinstance(e, DropCall)]
    assert drop.contact == contact


def test_what_the_engine_refuses_is_tried_again_later() -> None:
    desk = Desk()
    desk.promise()
    (contact,) = desk.line
    del desk.line[contact]
    desk.do(Refused(contact=contact))
    assert not desk.line
    desk.passes(REST_SECONDS)
    assert len(desk.line) == 1


def test_a_queue_that_makes_none_any_more_keeps_its_promises_for_later() -> None:
    desk = Desk()
    desk.promise()
    desk.do(RulesChanged(queue=QUEUE, rules=None))
    assert not desk.line
    assert desk.book.promised(QUEUE, NUMBER) is not None
    desk.do(RulesChanged(queue=QUEUE, rules=RULES))
    assert len(desk.line) == 1


def test_illegal_rules_are_refused_by_name() -> None:
    for field, value in (
        ("trunk", "no trunk"),
        ("attempts", 0),
        ("pause_seconds", 1.0),
        ("ring_seconds", float("nan")),
        ("caller", "sip:x"),
        ("calendar", "a b"),
        ("prefixes", ("x",)),
    ):
        with pytest.raises(IllegalSetting, match=f"queue sales: call_back.{field} is"):
            queue(call_back=CallBackRules(**{"trunk": "lab", field: value}))  # type: ignore[arg-type]


class Promises(RuleBasedStateMachine):
    """Whatever happens in whatever order, with restarts at any step."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(replace(RULES, calendar="office", expire_seconds=86_400.0))
        self.made = 0
        self.callers: dict[ContactId, str] = {}

    @rule(number=st.sampled_from(["10", "11"]), age=st.integers(0, 600))
    def promise(self, number: str, age: int) -> None:
        self.made += 1
        self.desk.promise(f"cb-{self.made}", number, age=age)

    @precondition(lambda self: self.desk.line)
    @rule()
    def reserve(self) -> None:
        self.desk.reserve()

    @precondition(lambda self: self.desk.calls)
    @rule()
    def talk(self) -> None:
        contact = next(iter(self.desk.calls))
        self.desk.do(TalkBegan(contact=contact))
        self.desk.over(contact)

    @precondition(lambda self: self.desk.calls)
    @rule(tried=st.booleans())
    def in_vain(self, tried: bool) -> None:
        self.desk.over(next(iter(self.desk.calls)), tried=tried)

    @precondition(lambda self: self.desk.line)
    @rule()
    def refused(self) -> None:
        contact = next(iter(self.desk.line))
        del self.desk.line[contact]
        self.desk.do(Refused(contact=contact))

    @rule(number=st.sampled_from(["10", "11"]))
    def calls_again(self, number: str) -> None:
        contact = ContactId(f"caller-{len(self.callers)}-{self.made}-{self.desk.now}")
        self.callers[contact] = number
        self.desk.do(CallerArrived(contact=contact, number=number))

    @precondition(lambda self: self.callers)
    @rule(talks=st.booleans())
    def caller_leaves(self, talks: bool) -> None:
        contact, _ = self.callers.popitem()
        if talks:
            self.desk.do(TalkBegan(contact=contact))
        self.desk.over(contact, tried=False)

    @rule(which=st.integers(1, 5))
    def cancel(self, which: int) -> None:
        name = f"cb-{which}"
        if self.desk.book.get(name) is not None:
            self.desk.do(Cancel(id=name, reason="by sup1"))
        else:
            with pytest.raises(UnknownCallBack):
                self.desk.do(Cancel(id=name, reason=""))

    @rule(seconds=st.sampled_from([1.0, 60.0, 400.0, 4000.0, 40_000.0]))
    def passes(self, seconds: float) -> None:
        self.desk.passes(seconds)

    @rule(survive=st.booleans())
    def restart(self, survive: bool) -> None:
        self.desk.restart(frozenset(self.desk.calls) if survive else frozenset())
        self.callers = {}

    @rule(there=st.booleans())
    def rules_change(self, there: bool) -> None:
        rules = self.desk.rules if there else None
        self.desk.do(RulesChanged(queue=QUEUE, rules=rules))

    @invariant()
    def nothing_is_lost_and_nothing_is_made_twice(self) -> None:
        desk = self.desk
        is_open = {name for name, row in desk.rows.items() if row.state is State.OPEN}
        assert len(desk.book) == len(is_open)
        assert all(desk.book.get(name) is not None for name in is_open)
        placed = [*desk.line.values(), *desk.calls.values()]
        assert len(placed) == len(set(placed))
        assert set(placed) <= is_open
        over = [end.call_back for end in desk.ended]
        assert len(over) == len(set(over))
        assert set(over) == desk.rows.keys() - is_open
        for contact, name in desk.line.items():
            row = desk.rows[name]
            assert desk.book.waits(contact)
            assert OFFICE.is_open(desk.now)
            assert row.number not in self.callers.values() or not self._known(row.number)
        for row in desk.rows.values():
            assert row.attempts <= desk.rules.attempts
            assert row.state is not State.OPEN or desk.now < row.expires_at or row.id in desk.calls.values()

    def _known(self, number: str) -> bool:
        """Whether the book noted the caller: it notes those whom it promised something."""
        return any(caller in self.desk.book._callers for caller, n in self.callers.items() if n == number)


TestPromises = Promises.TestCase
TestPromises.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
