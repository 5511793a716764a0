"""The shell of promised call-backs, between the ACD and `calls`: promises are committed before they are given.

In line a promise is a contact of the engine like any other. The engine's offer of an agent for it does not reach
`calls` as such, but as a :class:`CallBackOffered` with all that its call needs; from then on the call is as any
other. What becomes of a promise is written behind, and again until it is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Set
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, assert_never

import structlog

from acd.calendars import Calendar
from acd.callbacks.book import CallBackBook
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
from acd.callbacks.store import CallBackStore
from acd.errors import NoCallBack, UnknownCallBack
from acd.model import NUMBER, PRIORITIES, CallBackRules, First, Queue
from ccplatform.contracts import commands
from ccplatform.contracts.commands import Answer, CancelCallBack, Done, MoveCallBack, PromiseCallBack
from ccplatform.contracts.facts import (
    CallBackBegun,
    CallBackEnded,
    CallBackRequested,
    ContactArrived,
    ContactEnded,
    Established,
    FactEvent,
)
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.routing import (
    AgentOffered,
    CallBackDropped,
    CallBackOffered,
    CallBackWish,
    QueueContact,
    QueueRefused,
    RouterCommand,
    RouterEvent,
    WithdrawContact,
)
from ccplatform.contracts.words import ContactId, Direction, LegRole, Outcome, QueueId, TrunkId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.core import DeadlineReached, EffectRunner
from ccplatform.kernel.errors import Refusal, Unavailable
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.kernel.write_behind import WriteBehind

_log = structlog.get_logger("acd.call_backs")

#: The wall clock is looked at again after so long at most: somebody may have set it.
LOOK_AGAIN_SECONDS = 60.0
#: How a call ends that rang the customer's phone in vain, or that he left before an agent was there.
_TRIED = frozenset({Outcome.NOT_REACHED, Outcome.ABANDONED_QUEUE})


class _Timed:
    """The book as a core on the monotonic clock."""

    def __init__(self, book: CallBackBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def handle(self, event: BookEvent | DeadlineReached, now: float) -> Iterable[BookEffect]:
        return self._book.handle(event, self._clock.wall())

    def next_deadline(self) -> float | None:
        due = self._book.next_deadline()
        if due is None:
            return None
        ahead = (due - self._clock.wall()).total_seconds()
        return self._clock.now() + min(LOOK_AGAIN_SECONDS, max(0.0, ahead))


class CallBackService:
    """Implements :class:`ccplatform.contracts.routing.CallBacks`. ``tell`` is `calls`; ``connect`` gives the ACD.

    ``handled`` says which of some contacts ended in a talk: of the calls that a process made that died.
    """

    def __init__(
        self,
        *,
        store: CallBackStore,
        facts: Facts,
        clock: Clock,
        ids: Ids,
        tasks: TaskSupervisor,
        tell: Callable[[RouterEvent], None],
        handled: Callable[[list[ContactId]], Awaitable[set[ContactId]]],
        most: int,
        retry_seconds: float,
    ) -> None:
        self._store = store
        self._facts = facts
        self._clock = clock
        self._ids = ids
        self._tell = tell
        self._handled = handled
        self._most = most
        self._book = CallBackBook(new_id=ids.new)
        self._runner: EffectRunner[BookEvent, BookEffect] = EffectRunner(
            _Timed(self._book, clock),  # type: ignore[arg-type]
            self._perform,
            clock,
            tasks.guarded("call-backs"),
        )
        self._router: Callable[[RouterCommand], None] = lambda _: None
        self._rules: dict[QueueId, CallBackRules] = {}
        self._writing = asyncio.Lock()
        self._unwritten: dict[str, CallBack] = {}
        self._behind: WriteBehind[str] = WriteBehind(
            name="call-backs", save=self._save, clock=clock, tasks=tasks, retry_seconds=retry_seconds
        )

    def connect(self, router: Callable[[RouterCommand], None]) -> None:
        """Give the service the ACD."""
        self._router = router

    async def load(self, calling: Mapping[str, tuple[ContactId, bool]]) -> None:
        """Take the open promises. ``calling``: the contacts of calls that survived a restart, and whether the two
        talk."""
        rows = await self._store.open()
        made = [row.attempt for row in rows if row.attempt is not None and row.id not in calling]
        kept = await self._handled(made) if made else set()
        for row in rows:
            if row.attempt in kept:
                self._write(_ended(row, State.KEPT, "", self._clock.wall()))
            else:
                contact, talking = calling.get(row.id, (None, False))
                self._runner.post(Promised(call_back=row, calling=contact))
                if contact is not None and talking:
                    self._runner.post(TalkBegan(contact=contact))
        _log.info("call-backs loaded", open=len(self._book), kept_meanwhile=len(kept), under_way=len(calling))

    async def close(self) -> None:
        """Write what is still to be written; raises Unavailable."""
        self._runner.close()
        self._behind.close()
        await self._behind.flush()

    # --- what the ACD is told and tells -------------------------------------------------------------------

    def use_calendars(self, calendars: Mapping[str, Calendar]) -> None:
        """Go by these calendars."""
        for effect in self._book.use(calendars, self._clock.wall()):
            self._perform(effect)
        self._runner.rearm()

    def queue_saved(self, queue: Queue) -> None:
        """A queue was loaded, added or changed."""
        rules = queue.call_back
        if rules is None:
            self.queue_removed(queue.id)
            return
        rules = self._rules[queue.id] = replace(rules, calendar=rules.calendar or queue.calendar)
        self._runner.post(RulesChanged(queue=queue.id, rules=rules))

    def queue_removed(self, queue: QueueId) -> None:
        """A queue is no more; its promises are kept when it comes back, or expire."""
        self._rules.pop(queue, None)
        self._runner.post(RulesChanged(queue=queue, rules=None))

    def router_event(self, event: RouterEvent) -> None:
        """What the ACD tells `calls`; what concerns a promise in line is kept from it."""
        contact = event.contact
        if not self._book.waits(contact):
            self._tell(event)
        elif isinstance(event, AgentOffered):
            self._runner.post(Reserved(offer=event))
        elif isinstance(event, QueueRefused):
            self._runner.post(Refused(contact=contact))

    #: What :meth:`observe` is for.
    OBSERVES: ClassVar = (ContactArrived, Established, ContactEnded)

    def observe(self, event: FactEvent) -> None:
        """Take one fact: who calls, who talks, which contact ended."""
        if not len(self._book):
            return
        match event.fact:
            case ContactArrived(contact=contact, caller=number, direction=Direction.INBOUND) if number:
                self._runner.post(CallerArrived(contact=contact, number=number))
            case Established(contact=contact, role=LegRole.AGENT):
                self._runner.post(TalkBegan(contact=contact))
            case ContactEnded(contact=contact, outcome=outcome):
                self._runner.post(ContactOver(contact=contact, tried=outcome in _TRIED))
            case _:
                pass

    # --- contracts.routing.CallBacks, and people ----------------------------------------------------------

    async def promise(self, wish: CallBackWish) -> str:
        """Commit a promise, then hold its place; raises NoCallBack, Unavailable."""
        rules = self._checked(wish)
        earlier = self._book.promised(wish.queue, wish.number)
        if earlier is not None:
            return earlier.id
        now = self._clock.wall()
        not_before = max(now, wish.not_before or now)
        row = CallBack(
            id=self._ids.new(),
            contact=wish.contact,
            queue=wish.queue,
            number=wish.number,
            priority=wish.priority,
            created_at=now,
            queued_at=now - timedelta(seconds=wish.waited_seconds),
            not_before=not_before,
            expires_at=not_before + timedelta(seconds=rules.expire_seconds),
        )
        stored = await self._store.add(row)
        if stored == row.id:
            self._runner.post(Promised(call_back=row, on_the_line=wish.on_the_line))
        return stored

    async def command(self, command: PromiseCallBack | CancelCallBack | MoveCallBack) -> Answer:
        """Orders of people, by REST; the answer holds the promise."""
        try:
            match command:
                case PromiseCallBack():
                    return Done(result={"id": await self._promise_for(command)})
                case CancelCallBack():
                    await self._cancel(command)
                    return Done(result={"id": command.call_back})
                case MoveCallBack():
                    await self._move(command)
                    return Done(result={"id": command.call_back})
                case _:
                    assert_never(command)
        except Refusal as error:
            return commands.Refused(code=error.code, message=str(error))
        except Unavailable as error:
            return commands.Refused(code="unavailable", message=f"The change was not made: {error}")

    async def _promise_for(self, command: PromiseCallBack) -> str:
        contact = ContactId(self._ids.new())
        name = await self.promise(
            CallBackWish(
                contact=contact,
                queue=command.queue,
                number=command.number,
                priority=command.priority,
                not_before=command.not_before,
                on_the_line=False,
            )
        )
        row = self._book.get(name)
        if row is not None and row.contact == contact:
            self._facts.record(
                CallBackRequested(contact=contact, call_back=name, queue=row.queue, number=row.number)
            )
        return name

    async def _cancel(self, command: CancelCallBack) -> None:
        """Committed first; a talk that began meanwhile is written after, and the promise was kept."""
        async with self._writing:
            row = self._open(command.call_back)
            event = Cancel(id=row.id, reason=f"by {command.by}")
            await self._store.save(_ended(row, State.CANCELLED, event.reason, self._clock.wall()))
            self._open(command.call_back)
            self._runner.post(event)

    async def _move(self, command: MoveCallBack) -> None:
        """Committed first, as a promise is."""
        async with self._writing:
            row, now = self._open(command.call_back), self._clock.wall()
            await self._store.save(self._book.moved(row, command.not_before, now))
            self._open(command.call_back)
            self._runner.post(Moved(id=row.id, not_before=command.not_before))

    def _open(self, call_back: str) -> CallBack:
        row = self._book.get(call_back)
        if row is None:
            raise UnknownCallBack(call_back)
        return row

    def _checked(self, wish: CallBackWish) -> CallBackRules:
        rules = self._rules.get(wish.queue)
        if rules is None:
            raise NoCallBack(f"queue {wish.queue} makes no call-backs")
        if not NUMBER.fullmatch(wish.number):
            raise NoCallBack("a call-back needs a telephone number")
        if rules.prefixes and not wish.number.startswith(rules.prefixes):
            raise NoCallBack(f"queue {wish.queue} does not call numbers that begin like this one")
        if wish.priority not in PRIORITIES:
            raise NoCallBack(f"priority {wish.priority} is none")
        if len(self._book) >= self._most:
            raise NoCallBack(f"{self._most} call-backs are promised already")
        return rules

    # --- effects ------------------------------------------------------------------------------------------

    def _perform(self, effect: BookEffect) -> None:
        match effect:
            case LineUp():
                self._line_up(effect)
            case StepOut(contact=contact):
                self._router(WithdrawContact(contact=contact, reason="withdrawn"))
            case BeginCall():
                self._begin(effect)
            case DropCall(contact=contact):
                self._tell(CallBackDropped(contact=contact))
            case Store(call_back=row):
                self._write(row)
            case CallBackBegun() | CallBackEnded():
                self._facts.record(effect)
            case _:
                assert_never(effect)

    def _line_up(self, effect: LineUp) -> None:
        row, rules = effect.call_back, effect.rules
        customer_first = rules.first is First.CUSTOMER
        self._router(
            QueueContact(
                contact=effect.contact,
                queue=row.queue,
                priority=row.priority,
                waited_seconds=effect.waited_seconds,
                patient=True,
                lead_seconds=rules.ring_seconds if customer_first else 0.0,
            )
        )

    def _begin(self, effect: BeginCall) -> None:
        offer, rules = effect.offer, effect.rules
        self._tell(
            CallBackOffered(
                contact=offer.contact,
                call_back=effect.call_back.id,
                queue=effect.call_back.queue,
                agent=offer.agent,
                seat=offer.seat,
                trunk=TrunkId(rules.trunk) if rules.trunk else None,
                number=effect.call_back.number,
                caller=rules.caller,
                customer_first=rules.first is First.CUSTOMER,
                ring_seconds=rules.ring_seconds,
            )
        )

    # --- rows, written behind -----------------------------------------------------------------------------

    def _write(self, row: CallBack) -> None:
        self._unwritten[row.id] = row
        self._behind.changed(row.id)

    async def _save(self, names: Set[str]) -> None:
        async with self._writing:
            for name in sorted(names & self._unwritten.keys()):
                row = self._unwritten[name]
                await self._store.save(row)
                if self._unwritten.get(name) is row:
                    del self._unwritten[name]


def _ended(row: CallBack, state: State, reason: str, at: datetime) -> CallBack:
    return replace(row, state=state, reason=reason, ended_at=at)
