"""The shell on a real database: nothing is acknowledged that a restart would forget."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from acd.calendars import Calendar, Span
from acd.callbacks.service import CallBackService
from acd.callbacks.store import CallBackStore
from acd.engine import Presence
from acd.errors import IllegalSetting, NotSignedIn, SeatTaken, UnknownAgent, UnknownSeat
from acd.service import LONGEST_AWAY_SECONDS, AcdService
from acd.settings import AcdSettings
from acd.skills import SkillId
from acd.store import AcdStore
from ccplatform.contracts.commands import Done, Refused, SetAgentState
from ccplatform.contracts.facts import AgentStateChanged, Fact, QueueLeft, WrapUpEnded
from ccplatform.contracts.ports import AgentDesk
from ccplatform.contracts.routing import (
    AgentOffered,
    OfferAnswered,
    QueueContact,
    QueueRefused,
    Router,
    RouterEvent,
    TalkReleased,
    WithdrawContact,
)
from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Database
from ccplatform.storage.errors import DatabaseUnavailable
from tests.acd.floor import agent, only, queue
from tests.support.alarms import Alarms
from tests.support.database import database, postgres_dsn  # noqa: F401

ONE, TWO = AgentId("1"), AgentId("2")
S1, S2 = SeatId("s1"), SeatId("s2")
C1 = ContactId("c1")


class Seats:
    def known(self, seat: SeatId) -> bool:
        return seat in (S1, S2)

    def reachable(self, seat: SeatId) -> bool:
        return True


class Store(AcdStore):
    """The real store; ``away`` lets the database fail, ``gate`` holds a commit until it is opened."""

    def __init__(self, *, database: Database) -> None:  # noqa: F811
        super().__init__(database=database)
        self.database = database
        self.away = False
        self.gate: asyncio.Event | None = None
        self.reached: asyncio.Event | None = None
        self.failed = asyncio.Event()
        self.saved = asyncio.Event()

    async def save_presence(self, *args: object, **fields: object) -> None:
        await self._obstacles()
        await super().save_presence(*args, **fields)  # type: ignore[arg-type]
        self.saved.set()

    async def remove_presence(self, agent: AgentId) -> None:
        await self._obstacles()
        await super().remove_presence(agent)

    async def _obstacles(self) -> None:
        if self.gate is not None and self.reached is not None:
            self.reached.set()
            await self.gate.wait()
        if self.away:
            self.failed.set()
            raise DatabaseUnavailable("the database is not available: test")


@dataclass
class Process:
    """One run of the control process."""

    clock: VirtualClock
    store: Store
    tasks: TaskSupervisor
    facts: list[Fact] = field(default_factory=list)
    events: list[RouterEvent] = field(default_factory=list)
    prepared: list[str] = field(default_factory=list)  # whispers to be spoken
    alarms: Alarms = field(default_factory=Alarms)

    def __post_init__(self) -> None:
        self.call_backs = CallBackService(
            store=CallBackStore(database=self.store.database, vault=Vault(b"k" * 32), digest=str.encode),
            facts=self,
            clock=self.clock,
            ids=Ids(self.clock),
            tasks=self.tasks,
            tell=self.events.append,
            handled=self.handled,
            most=10,
            retry_seconds=2.0,
        )
        self.acd = AcdService(
            store=self.store,
            facts=self,
            seats=Seats(),
            clock=self.clock,
            tasks=self.tasks,
            pin_check=self.pin_check,
            settings=AcdSettings(),
            call_backs=self.call_backs,
            prepare=self.prepared.append,
            alarms=self.alarms,
        )
        self.call_backs.connect(self.acd.perform)

    def record(self, fact: Fact) -> None:
        self.facts.append(fact)

    async def handled(self, contacts: list[ContactId]) -> set[ContactId]:
        return set()

    async def pin_check(self, agent: AgentId, pin: str) -> bool:
        return pin == agent

    async def start(self) -> Process:
        await self.acd.load()
        self.acd.start_matching()
        return self

    def states(self) -> dict[str, str]:
        return {row.id: row.state for row in self.acd.describe_agents()}

    async def rows(self) -> dict[str, tuple[str, str, str]]:
        stored = (await self.store.load_all()).presence
        return {r.presence.agent: (r.presence.seat, r.presence.asked, r.presence.reason) for r in stored}

    def queue_contact(self, contact: ContactId = C1) -> None:
        router: Router = self.acd
        router.perform(QueueContact(contact=contact, queue=QueueId("sales")))


@pytest.fixture
async def store(database: Database) -> Store:  # noqa: F811
    store = Store(database=database)
    await store.save_skill(SkillId("sales"), "Sales")
    await store.save_skill(SkillId("support"), "Support")
    await store.save_queue(queue())
    await store.save_agent(agent("1", sales=5, support=2))
    await store.save_agent(agent("2"))
    return store


@pytest.fixture
async def process(store: Store) -> AsyncIterator[Process]:
    clock = VirtualClock()
    tasks = TaskSupervisor(clock)
    yield await Process(clock=clock, store=store, tasks=tasks).start()
    await tasks.close()
    assert tasks.crashes == 0


async def test_definitions_come_back_as_they_were_saved_and_saving_twice_changes_nothing(store: Store) -> None:
    full = queue(min_level=3, weight=-2, ring_seconds=15.5, wrap_up_seconds=0.0, max_waiting=9, music="m.wav")
    await store.save_queue(full)
    await store.save_queue(full)
    await store.save_agent(agent("1", sales=7))
    await store.save_agent(agent("1", sales=7))
    stored = await store.load_all()
    assert stored.queues == (full,)
    assert stored.agents == (agent("1", sales=7), agent("2"))


async def test_an_unknown_skill_is_named(store: Store) -> None:
    with pytest.raises(IllegalSetting, match=r"agent 1: skills.cooking is 'cooking', but there is no such skill"):
        await store.save_agent(agent("1", cooking=5))
    with pytest.raises(IllegalSetting, match="queue sales: skill is 'cooking'"):
        await store.save_queue(queue(skill="cooking"))
    assert (await store.load_all()).agents[0] == agent("1", sales=5, support=2)


async def test_two_agents_cannot_have_one_seat_in_the_table_either(store: Store, process: Process) -> None:
    row = Presence(agent=ONE, seat=S1, asked=AgentState.READY, reason="")
    await store.save_presence(row, since=process.clock.wall(), by="test")
    with pytest.raises(SeatTaken):
        await store.save_presence(
            Presence(agent=TWO, seat=S1, asked=AgentState.READY, reason=""), since=process.clock.wall(), by="test"
        )
    with pytest.raises(UnknownAgent):
        await store.save_presence(
            Presence(agent=AgentId("9"), seat=S2, asked=AgentState.READY, reason=""),
            since=process.clock.wall(),
            by="test",
        )


async def test_sign_in_ready_offer(process: Process) -> None:
    await process.acd.desk.sign_in(ONE, S1, by="s1")
    assert await process.rows() == {"1": ("s1", "not_ready", "")}
    await process.acd.desk.set_ready(ONE, True, by="s1")
    assert await process.rows() == {"1": ("s1", "ready", "")}
    assert process.acd.desk.agent_at(S1) == "1"
    process.queue_contact()
    assert only(AgentOffered, process.events).seat == "s1"
    await process.acd.desk.sign_out(ONE, by="s1")
    assert await process.rows() == {}
    assert process.states()["1"] == "reserved"


async def test_refusals_name_what_is_wrong_and_leave_no_row(process: Process) -> None:
    with pytest.raises(UnknownSeat, match="there is no seat s9"):
        await process.acd.desk.sign_in(ONE, SeatId("s9"), by="x")
    with pytest.raises(UnknownAgent, match="there is no agent 9"):
        await process.acd.desk.sign_in(AgentId("9"), S1, by="x")
    with pytest.raises(NotSignedIn):
        await process.acd.desk.set_ready(ONE, True, by="x")
    assert await process.rows() == {}


async def test_no_answer_is_written_behind(process: Process) -> None:
    await process.acd.desk.sign_in(ONE, S1, by="s1")
    await process.acd.desk.set_ready(ONE, True, by="s1")
    process.queue_contact()
    process.clock.advance(20)
    assert process.states()["1"] == "not_ready"
    await process.acd.close()
    assert await process.rows() == {"1": ("s1", "not_ready", "no_answer")}


async def test_while_the_database_is_away_wishes_are_refused_and_change_nothing(process: Process) -> None:
    await process.acd.desk.sign_in(ONE, S1, by="s1")
    process.store.away = True
    facts = len(process.facts)
    with pytest.raises(Unavailable, match="the database is not available"):
        await process.acd.desk.set_ready(ONE, True, by="s1")
    answer = await process.acd.desk.set_agent_state(SetAgentState(agent=ONE, state=AgentState.READY, by="sup1"))
    assert isinstance(answer, Refused)
    assert answer.code == "unavailable"
    assert "was not made" in answer.message
    assert len(process.facts) == facts
    process.store.away = False
    await process.acd.desk.set_ready(ONE, True, by="s1")
    assert process.states()["1"] == "ready"


async def test_what_the_engine_did_meanwhile_is_written_when_the_database_is_back(process: Process) -> None:
    await process.acd.desk.sign_in(ONE, S1, by="s1")
    await process.acd.desk.set_ready(ONE, True, by="s1")
    process.store.away = True
    process.queue_contact()
    process.clock.advance(20)
    await process.store.failed.wait()
    assert await process.rows() == {"1": ("s1", "ready", "")}
    process.store.away = False
    process.store.saved.clear()
    process.clock.advance(AcdSettings().presence_retry_seconds)
    await process.store.saved.wait()
    assert await process.rows() == {"1": ("s1", "not_ready", "no_answer")}


async def test_wishes_of_one_agent_take_effect_one_after_the_other(process: Process) -> None:
    await process.acd.desk.sign_in(ONE, S1, by="s1")
    process.store.gate, process.store.reached = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(process.acd.desk.set_ready(ONE, True, by="s1"))
        await process.store.reached.wait()
        group.create_task(process.acd.desk.set_ready(ONE, False, by="s1", reason="break"))
        assert process.states()["1"] == "not_ready"  # nothing is done before it is committed
        process.store.gate.set()
    assert process.states()["1"] == "not_ready"
    assert await process.rows() == {"1": ("s1", "not_ready", "break")}
    states = [fact.state for fact in process.facts if isinstance(fact, AgentStateChanged)]
    assert states == ["not_ready", "ready", "not_ready"]


async def test_two_agents_who_ask_for_one_seat_at_once_do_not_both_get_it(process: Process) -> None:
    results = await asyncio.gather(
        process.acd.desk.sign_in(ONE, S1, by="x"),
        process.acd.desk.sign_in(TWO, S1, by="x"),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "SeatTaken"]
    await process.acd.close()
    assert list(await process.rows()) == [process.acd.desk.agent_at(S1)]


async def test_a_wish_that_became_impossible_during_its_commit_is_refused_and_its_row_put_right(
    process: Process,
) -> None:
    await process.acd.desk.sign_in(ONE, S1, by="s1")
    process.store.gate, process.store.reached = asyncio.Event(), asyncio.Event()

    async def wish() -> None:
        with pytest.raises(SeatTaken):
            await process.acd.desk.sign_in(TWO, S2, by="x")

    async with asyncio.TaskGroup() as group:
        group.create_task(wish())
        await process.store.reached.wait()
        # meanwhile a surviving talk of another agent comes back at that seat
        await process.acd.save_agent(agent("3"))
        place = {"queue": "sales", "priority": 5, "age": 1.0, "phase": "talking", "agent": "3", "seat": "s2"}
        assert process.acd.restore(C1, {"at": process.clock.wall().isoformat(), "place": place})
        process.store.gate.set()
    await process.acd.close()
    assert await process.rows() == {"1": ("s1", "not_ready", "")}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (SetAgentState(agent=AgentId("9"), state=AgentState.READY, by="x"), "not_found"),
        (SetAgentState(agent=ONE, state=AgentState.TALKING, by="x"), "illegal_state"),
        (SetAgentState(agent=ONE, state=AgentState.READY, by="x"), "not_signed_in"),
        (SetAgentState(agent=ONE, state=AgentState.SIGNED_OUT, by="x"), "not_signed_in"),
        (SetAgentState(agent=ONE, state=AgentState.NOT_READY, seat=SeatId("s9"), by="x"), "not_found"),
        (SetAgentState(agent=ONE, state=AgentState.NOT_READY, seat=S2, by="x"), "seat_taken"),
    ],
)
async def test_the_command_is_refused_with_a_code(process: Process, command: SetAgentState, code: str) -> None:
    await process.acd.desk.sign_in(TWO, S2, by="x")
    answer = await process.acd.desk.set_agent_state(command)
    assert isinstance(answer, Refused)
    assert answer.code == code


async def test_the_command_answers_with_the_agents_row(process: Process) -> None:
    sign_in = SetAgentState(agent=ONE, state=AgentState.NOT_READY, seat=S1, by="1")
    answer = await process.acd.desk.set_agent_state(sign_in)
    assert isinstance(answer, Done)
    assert (answer.result["state"], answer.result["seat"], answer.result["reason"]) == ("not_ready", "s1", "")
    ready = SetAgentState(agent=ONE, state=AgentState.READY, seat=S1, by="1")
    answer = await process.acd.desk.set_agent_state(ready)
    assert isinstance(answer, Done)
    assert answer.result["state"] == "ready"
    lunch = SetAgentState(agent=ONE, state=AgentState.NOT_READY, reason="lunch", by="sup1")
    answer = await process.acd.desk.set_agent_state(lunch)
    assert isinstance(answer, Done)
    assert (answer.result["state"], answer.result["reason"]) == ("not_ready", "lunch")


async def test_restart_agents_and_contacts_are_back_where_they_were(process: Process, store: Store) -> None:
    await process.acd.desk.sign_in(ONE, S1, by="s1")
    await process.acd.desk.set_ready(ONE, True, by="s1")
    await process.acd.desk.sign_in(TWO, S2, by="s2")
    await process.acd.desk.set_ready(TWO, False, by="s2", reason="lunch")
    process.queue_contact(C1)
    process.acd.perform(OfferAnswered(contact=C1, agent=ONE))
    process.queue_contact(ContactId("c2"))
    process.clock.advance(30)
    kept = {name: process.acd.snapshot(name) for name in (C1, ContactId("c2"))}
    assert process.acd.snapshot(ContactId("c9")) is None

    clock = VirtualClock(start=5.0, wall=process.clock.wall())
    clock.advance(4)
    after = Process(clock=clock, store=store, tasks=process.tasks)
    await after.acd.load()
    for contact, data in kept.items():
        assert data is not None
        assert after.acd.restore(contact, data)
        assert not after.acd.restore(contact, data)
    after.acd.start_matching()
    assert after.states() == {"1": "talking", "2": "not_ready"}
    assert after.events == []
    await after.acd.desk.set_ready(TWO, True, by="s2")
    assert only(AgentOffered, after.events).contact == "c2"
    after.acd.perform(WithdrawContact(contact=ContactId("c2"), reason="abandoned"))
    assert only(QueueLeft, after.facts).waited_seconds == pytest.approx(34)


@pytest.mark.parametrize(
    "data", [{}, {"at": "now", "place": {}}, {"at": "2026-01-05T09:00:00+00:00", "place": []}]
)
async def test_data_that_are_no_place_are_not_taken(process: Process, data: dict[str, object]) -> None:
    assert not process.acd.restore(C1, data)


async def test_live_changes_are_committed_and_reach_running_queues(process: Process, store: Store) -> None:
    await process.acd.desk.sign_in(TWO, S2, by="s2")
    await process.acd.desk.set_ready(TWO, True, by="s2")
    await process.acd.save_queue(queue(min_level=9, whisper="Sales"))
    assert process.prepared == ["Sales"]
    process.queue_contact()
    assert process.events == []
    again = await Process(clock=process.clock, store=store, tasks=process.tasks).start()
    assert again.prepared == ["Sales"]
    await process.acd.save_agent(agent("2", sales=9))
    assert only(AgentOffered, process.events).agent == "2"
    await process.acd.remove_agent(TWO)
    await process.acd.remove_queue(QueueId("sales"))
    stored = await store.load_all()
    assert [found.id for found in stored.agents] == ["1"]
    assert stored.queues == ()
    with pytest.raises(UnknownAgent):
        await process.acd.remove_agent(TWO)


async def test_an_unreachable_seat_gets_no_offers(process: Process) -> None:
    await process.acd.desk.sign_in(ONE, S1, by="s1")
    await process.acd.desk.set_ready(ONE, True, by="s1")
    process.acd.seat_changed(S1, False)
    process.queue_contact()
    assert process.events == []
    process.acd.seat_changed(S1, True)
    assert only(AgentOffered, process.events).agent == "1"


async def test_pins_are_checked_by_whoever_was_given(process: Process) -> None:
    desk: AgentDesk = process.acd.desk
    assert await desk.pin_matches(ONE, "1")
    assert not await desk.pin_matches(ONE, "2")


async def test_a_wrap_up_goes_on_after_a_restart_and_the_interval_with_it(store: Store, process: Process) -> None:
    await process.acd.desk.sign_in(ONE, S1, "test")
    await process.acd.desk.set_ready(ONE, True, "test")
    process.queue_contact()
    process.acd.perform(OfferAnswered(contact=C1, agent=ONE))
    process.clock.advance(60)
    process.acd.perform(TalkReleased(contact=C1, agent=ONE))
    process.clock.advance(4)
    await process.acd.close()
    clock = VirtualClock(wall=process.clock.wall())
    clock.advance(3)
    again = Process(clock=clock, store=store, tasks=TaskSupervisor(clock))
    await again.start()
    assert (again.states()["1"], again.facts) == ("wrap_up", [])
    clock.advance(3)
    ended, changed = again.facts
    assert isinstance(ended, WrapUpEnded)
    assert (ended.contact, ended.wrap_up_seconds) == (C1, 10)
    assert isinstance(changed, AgentStateChanged)
    assert (changed.previous, changed.previous_seconds, changed.state) == ("wrap_up", 10, "ready")
    await again.acd.close()
    await again.tasks.close()


async def test_after_a_long_absence_the_interval_begins_anew(store: Store, process: Process) -> None:
    await process.acd.desk.sign_in(ONE, S1, "test")
    await process.acd.close()
    clock = VirtualClock(wall=process.clock.wall())
    clock.advance(LONGEST_AWAY_SECONDS + 1)
    again = Process(clock=clock, store=store, tasks=TaskSupervisor(clock))
    await again.start()
    fact = only(AgentStateChanged, again.facts)
    assert (fact.previous, fact.previous_seconds) == ("signed_out", 0)
    await again.acd.close()
    await again.tasks.close()


async def test_queues_open_and_close_by_their_calendar(store: Store, process: Process) -> None:
    local = process.clock.wall().astimezone(ZoneInfo("Asia/Shanghai"))
    begins, ends = (local + timedelta(seconds=s) for s in (100, 200))
    spans = (Span(start=begins.time(), end=ends.time()),)
    await process.acd.save_calendar(Calendar(id="office", week=dict.fromkeys(range(7), spans)))
    with pytest.raises(IllegalSetting, match="no such calendar"):
        await process.acd.save_queue(queue(calendar="none"))
    await process.acd.save_queue(queue(calendar="office"))
    reasons = []
    for number, seconds in enumerate((0.0, 100.0, 100.0)):
        process.clock.advance(seconds)
        process.events.clear()
        process.queue_contact(ContactId(f"n{number}"))
        reasons.append([event.reason for event in process.events if isinstance(event, QueueRefused)])
    assert reasons == [["queue_closed"], [], ["queue_closed"]]
    again = Process(clock=process.clock, store=store, tasks=process.tasks)
    await again.start()
    again.queue_contact()
    assert only(QueueRefused, again.events).reason == "queue_closed"
    await again.acd.close()


async def test_a_queue_still_knows_its_pace_after_a_restart_for_a_day(process: Process) -> None:
    await process.acd.desk.sign_in(ONE, S1, by="1")
    await process.acd.desk.set_ready(ONE, True, by="1")
    process.queue_contact()
    only(AgentOffered, process.events)
    process.acd.perform(OfferAnswered(contact=C1, agent=ONE))
    process.clock.advance(90.0)
    process.acd.perform(TalkReleased(contact=C1, agent=ONE))
    process.queue_contact(ContactId("c2"))
    known = process.acd.expected_wait(ContactId("c2"))
    assert known is not None
    await process.acd.desk.set_ready(ONE, False, by="1")
    await process.acd.close()
    for hours, knows in ((23, True), (2, False)):
        process.clock.advance(hours * 3600.0)
        later = await Process(
            clock=process.clock, store=process.store, tasks=TaskSupervisor(process.clock)
        ).start()
        later.queue_contact(ContactId("c3"))
        assert (later.acd.expected_wait(ContactId("c3")) is not None) is knows
        await later.acd.close()
        await later.tasks.close()
