"""Promised call-backs on a real database: committed before they are given, and still there in the next process."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from acd.callbacks.model import CallBack, State
from acd.callbacks.service import CallBackService
from acd.callbacks.store import CallBackFilter, CallBackStore
from acd.errors import NoCallBack
from acd.model import CallBackRules, First
from ccplatform.contracts.commands import CancelCallBack, Done, MoveCallBack, PromiseCallBack, Refused
from ccplatform.contracts.facts import (
    CallBackBegun,
    CallBackEnded,
    CallBackRequested,
    ContactArrived,
    ContactEnded,
    Established,
    Fact,
)
from ccplatform.contracts.routing import (
    AgentOffered,
    CallBackDropped,
    CallBackOffered,
    CallBackWish,
    OfferWithdrawn,
    QueueContact,
    QueueRefused,
    RouterCommand,
    RouterEvent,
    WithdrawContact,
)
from ccplatform.contracts.words import (
    AgentId,
    CallId,
    Channel,
    ContactId,
    Direction,
    LegId,
    LegRole,
    OfferEnd,
    Outcome,
    QueueId,
    ReleaseCause,
    SeatId,
)
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Event
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Database
from ccplatform.storage.errors import DatabaseUnavailable
from tests.acd.floor import only, queue
from tests.support.database import database, postgres_dsn  # noqa: F401

SALES, NUMBER = QueueId("sales"), "13800000001"
ASKED = ContactId("01900000-0000-7000-8000-000000000001")
RULES = CallBackRules(trunk="lab", caller="95001", attempts=2, pause_seconds=60.0, prefixes=("1", "0"))


def _digest(number: str) -> bytes:
    return hashlib.sha256(number.encode()).digest()


class Store(CallBackStore):
    """The real store; ``away`` lets the database fail."""

    def __init__(self, *, database: Database) -> None:  # noqa: F811
        super().__init__(database=database, vault=Vault(b"k" * 32), digest=_digest)
        self.database = database
        self.away = False
        self.saved, self.failed = asyncio.Event(), asyncio.Event()

    async def add(self, row: CallBack) -> str:
        self._there()
        return await super().add(row)

    async def save(self, row: CallBack) -> None:
        self._there()
        await super().save(row)
        self.saved.set()

    def _there(self) -> None:
        if self.away:
            self.failed.set()
            raise DatabaseUnavailable("the database is not available: test")


@dataclass
class Process:
    """One run of the control process, with the engine and `calls` as lists of what they were told."""

    clock: VirtualClock
    store: Store
    tasks: TaskSupervisor
    rules: CallBackRules = RULES
    most: int = 10
    talked: set[ContactId] = field(default_factory=set)
    facts: list[Fact] = field(default_factory=list)
    ordered: list[RouterCommand] = field(default_factory=list)
    told: list[RouterEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.service = CallBackService(
            store=self.store,
            facts=self,
            clock=self.clock,
            ids=Ids(self.clock),
            tasks=self.tasks,
            tell=self.told.append,
            handled=self._handled,
            most=self.most,
            retry_seconds=2.0,
        )
        self.service.connect(self.ordered.append)
        self.service.queue_saved(queue(call_back=self.rules))

    async def _handled(self, contacts: list[ContactId]) -> set[ContactId]:
        return self.talked & set(contacts)

    def record(self, fact: Fact) -> None:
        self.facts.append(fact)
        self.happens(fact)

    def happens(self, fact: Fact) -> None:
        at, mono = self.clock.wall(), self.clock.now()
        self.service.observe(Event(epoch="e", seq=1, id="i", tenant="default", at=at, mono=mono, fact=fact))

    async def promise(self, **more: object) -> str:
        fields = {"contact": ASKED, "queue": SALES, "number": NUMBER, "on_the_line": False} | more
        return await self.service.promise(CallBackWish(**fields))  # type: ignore[arg-type]

    def in_line(self) -> QueueContact:
        return next(order for order in reversed(self.ordered) if isinstance(order, QueueContact))

    def reserve(self) -> ContactId:
        contact = self.in_line().contact
        offer = AgentOffered(contact=contact, queue=SALES, agent=AgentId("1"), seat=SeatId("s1"))
        self.service.router_event(offer)
        return contact

    def ends(self, contact: ContactId, outcome: Outcome) -> None:
        cause = ReleaseCause.NORMAL
        self.happens(
            ContactEnded(contact=contact, outcome=outcome, cause=cause, dialled="", trunk=None, total_seconds=1.0)
        )

    def talks(self, contact: ContactId) -> None:
        leg = LegId("leg")
        self.happens(Established(contact=contact, leg=leg, role=LegRole.AGENT, device="s1", agent=AgentId("1")))

    async def row(self) -> CallBack:
        (row,) = await self.store.find(CallBackFilter(), 10)
        return row

    async def written(self) -> CallBack:
        await self.store.saved.wait()
        self.store.saved.clear()
        return await self.row()


@pytest.fixture
async def process(database: Database) -> AsyncIterator[Process]:  # noqa: F811
    clock = VirtualClock()
    tasks = TaskSupervisor(clock)
    process = Process(clock=clock, store=Store(database=database), tasks=tasks)
    await process.service.load({})
    yield process
    await tasks.close()
    assert tasks.crashes == 0


async def restarted(process: Process, **more: object) -> Process:
    return Process(clock=process.clock, store=process.store, tasks=process.tasks, **more)  # type: ignore[arg-type]


async def test_a_promise_is_a_sealed_row_and_holds_its_place(process: Process, database: Database) -> None:  # noqa: F811
    name = await process.promise(waited_seconds=90.0, priority=7)
    order = process.in_line()
    assert (order.queue, order.priority, order.waited_seconds, order.patient) == (SALES, 7, 90.0, True)
    row = await process.row()
    assert (row.id, row.number, row.state, row.contact) == (name, NUMBER, State.OPEN, ASKED)
    assert row.queued_at == row.created_at - timedelta(seconds=90)
    async with database.connection() as connection:
        assert NUMBER not in str([tuple(each) for each in await connection.fetch("SELECT * FROM call_backs")])
    assert NUMBER not in repr(row)


async def test_the_call_is_made_and_the_promise_kept_when_the_two_talk(process: Process) -> None:
    await process.promise()
    contact = process.reserve()
    offered = only(CallBackOffered, process.told)
    assert (offered.trunk, offered.number, offered.caller, offered.customer_first) == (
        "lab",
        NUMBER,
        "95001",
        False,
    )
    assert only(CallBackBegun, process.facts).attempt == 1
    withdrawn = OfferWithdrawn(contact=contact, agent=AgentId("1"), end=OfferEnd.NO_ANSWER)
    process.service.router_event(withdrawn)
    assert process.told[-1] is withdrawn
    await process.written()
    process.talks(contact)
    row = await process.written()
    assert (row.state, row.attempt) == (State.KEPT, contact)
    assert only(CallBackEnded, process.facts).state == "kept"


async def test_nothing_is_promised_that_is_not_committed(process: Process) -> None:
    process.store.away = True
    with pytest.raises(DatabaseUnavailable):
        await process.promise()
    assert not process.ordered
    process.store.away = False
    assert await process.store.open() == []


async def test_asking_twice_is_one_promise(process: Process) -> None:
    first = await process.promise()
    other = ContactId("01900000-0000-7000-8000-000000000002")
    assert await process.promise(contact=other) == first
    assert await process.promise(number="0571") == first  # the same contact
    assert len(await process.store.open()) == 1


async def test_the_open_promises_to_a_number_are_found(process: Process) -> None:
    mine = await process.promise(number="13800000001")
    other = ContactId("01900000-0000-7000-8000-000000000002")
    await process.promise(contact=other, number="13800000002")
    assert [row.id for row in await process.store.open_of("13800000001", 5)] == [mine]
    async with process.store.database.connection() as connection:  # as before its digest was kept
        await connection.execute("UPDATE call_backs SET number_digest = NULL")
    assert [row.id for row in await process.store.open_of("13800000001", 5)] == [mine]
    assert await process.store.open_of("138", 5) == []


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"queue": QueueId("nowhere")}, "makes no call-backs"),
        ({"number": ""}, "needs a telephone number"),
        ({"number": "sip:x@y"}, "needs a telephone number"),
        ({"number": "900123"}, "does not call numbers that begin like this one"),
        ({"priority": 11}, "priority 11"),
    ],
)
async def test_what_cannot_be_promised_is_refused(process: Process, wish: dict[str, object], why: str) -> None:
    with pytest.raises(NoCallBack, match=why):
        await process.promise(**wish)
    assert await process.store.open() == []


async def test_a_full_book_promises_no_more(process: Process) -> None:
    for number in range(10):
        await process.promise(
            contact=ContactId(f"01900000-0000-7000-8000-00000000001{number}"), number=f"1{number}"
        )
    with pytest.raises(NoCallBack, match="10 call-backs"):
        await process.promise()


async def test_the_next_process_goes_on_with_the_promise_at_its_place(process: Process) -> None:
    await process.promise(waited_seconds=30.0)
    process.clock.advance(100.0)
    later = await restarted(process)
    await later.service.load({})
    assert later.in_line().waited_seconds == pytest.approx(130.0)


async def test_a_call_that_survived_the_restart_is_not_made_twice(process: Process) -> None:
    name = await process.promise()
    contact = process.reserve()
    await process.written()
    later = await restarted(process)
    await later.service.load({name: (contact, False)})
    assert not later.ordered
    later.ends(contact, Outcome.NOT_REACHED)
    assert (await later.written()).attempts == 1
    later.clock.advance(60.0)
    assert later.in_line().contact != contact


@pytest.mark.parametrize("survives", [True, False])
async def test_a_talk_that_began_before_the_process_died_kept_the_promise(
    process: Process, survives: bool
) -> None:
    name = await process.promise()
    contact = process.reserve()
    await process.written()
    later = await restarted(process, talked=set() if survives else {contact})
    await later.service.load({name: (contact, True)} if survives else {})
    assert not later.ordered
    assert (await later.written()).state is State.KEPT


async def test_what_became_of_it_is_written_when_the_database_is_back(process: Process) -> None:
    await process.promise()
    contact = process.reserve()
    await process.written()
    process.store.away = True
    process.talks(contact)
    await process.store.failed.wait()
    process.store.away = False
    process.clock.advance(2.0)
    assert (await process.written()).state is State.KEPT


async def test_a_customer_first_promise_gives_the_agent_time(process: Process) -> None:
    rules = CallBackRules(trunk="lab", first=First.CUSTOMER, ring_seconds=25.0)
    process.service.queue_saved(queue(call_back=rules))
    await process.promise()
    assert process.in_line().lead_seconds == 25.0
    process.reserve()
    assert only(CallBackOffered, process.told).customer_first


async def test_a_refused_place_is_asked_for_again(process: Process) -> None:
    await process.promise()
    contact = process.in_line().contact
    refused = QueueRefused(contact=contact, queue=SALES, reason="queue_full")
    process.service.router_event(refused)
    assert not process.told
    process.clock.advance(60.0)
    assert process.in_line().contact != contact


async def test_who_calls_again_is_not_called_meanwhile(process: Process) -> None:
    await process.promise()
    again = ContactId("again")
    process.happens(
        ContactArrived(
            contact=again,
            call=CallId("c"),
            leg=LegId("l"),
            channel=Channel.VOICE,
            direction=Direction.INBOUND,
            dialled="95001",
            trunk=None,
            seat=None,
            transport="udp",
            sip_call_id="x",
            caller=NUMBER,
        )
    )
    assert isinstance(process.ordered[-1], WithdrawContact)
    process.talks(again)
    row = await process.written()
    assert (row.state, row.reason) == (State.CANCELLED, "called_again")


async def test_people_promise_and_cancel(process: Process) -> None:
    done = await process.service.command(PromiseCallBack(queue=SALES, number=NUMBER, by="sup1"))
    assert isinstance(done, Done)
    assert only(CallBackRequested, process.facts).number == NUMBER
    name = done.result["id"]
    contact = process.reserve()
    await process.written()
    cancelled = await process.service.command(CancelCallBack(call_back=name, by="sup1"))
    assert cancelled == Done(result={"id": name})
    assert CallBackDropped(contact=contact) in process.told
    row = await process.row()
    assert (row.state, row.reason) == (State.CANCELLED, "by sup1")
    again = await process.service.command(CancelCallBack(call_back=name, by="sup1"))
    assert isinstance(again, Refused)
    assert again.code == "not_found"


async def test_people_move_a_promise_to_another_hour(process: Process) -> None:
    done = await process.service.command(PromiseCallBack(queue=SALES, number=NUMBER, by="sup1"))
    assert isinstance(done, Done)
    name, later = done.result["id"], process.clock.wall() + timedelta(hours=3)
    moved = await process.service.command(MoveCallBack(call_back=name, not_before=later, by="sup1"))
    assert moved == Done(result={"id": name})
    row = await process.row()
    assert (row.state, row.not_before) == (State.OPEN, later)
    assert row.expires_at > later
    gone = await process.service.command(MoveCallBack(call_back="nothing", not_before=later, by="sup1"))
    assert isinstance(gone, Refused)
    assert gone.code == "not_found"


async def test_without_the_database_nothing_is_cancelled(process: Process) -> None:
    name = await process.promise()
    process.store.away = True
    answer = await process.service.command(CancelCallBack(call_back=name, by="sup1"))
    assert isinstance(answer, Refused)
    assert answer.code == "unavailable"
    assert not any(isinstance(order, WithdrawContact) for order in process.ordered)


async def test_the_list_has_pages(process: Process) -> None:
    for number in range(3):
        await process.promise(
            contact=ContactId(f"01900000-0000-7000-8000-00000000001{number}"), number=f"1{number}"
        )
        process.clock.advance(1.0)
    first = await process.store.find(CallBackFilter(queue="sales", state=State.OPEN), 2)
    last = first[-1]
    rest = await process.store.find(CallBackFilter(after=(last.created_at, last.id)), 2)
    assert [row.number for row in (*first, *rest)] == ["12", "11", "10"]
    assert await process.store.find(CallBackFilter(state=State.KEPT), 2) == []
