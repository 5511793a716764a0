"""The ACD in the control process: the Router of `calls`, its shell of stores and timers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Set
from datetime import datetime
from random import SystemRandom
from typing import Any, Final

import msgspec
import structlog

from acd.calendars import Calendar
from acd.callbacks.service import CallBackService
from acd.engine import AcdEngine
from acd.errors import BadSnapshot, IllegalSetting
from acd.events import (
    AcdEvent,
    ContactPlace,
    Effect,
    EndWrapUp,
    MoreWrapUp,
    PauseMatching,
    PickUp,
    PresenceChanged,
    PutBack,
    RecallPace,
    RemoveAgent,
    RemoveQueue,
    RestoreContact,
    ResumeMatching,
    SaveAgent,
    SaveQueue,
    SeatReachability,
)
from acd.hours import OpeningHours
from acd.model import Agent, Queue, TargetKind
from acd.paces import LONGEST_SECONDS, PaceRows
from acd.presence import PresenceRows
from acd.settings import AcdSettings
from acd.store import AcdStore, StoredPresence
from acd.views import AgentView, QueueView
from acd.wishes import AgentWishes
from ccplatform.contracts.commands import Answer, Done, ExtendWrapUp, FinishWrapUp
from ccplatform.contracts.facts import AgentStateChanged, WrapUpExtended
from ccplatform.contracts.ports import Alarms, Facts, Seats
from ccplatform.contracts.routing import (
    AgentOffered,
    OfferWithdrawn,
    PlaceInLine,
    QueueRefused,
    RouterCommand,
)
from ccplatform.contracts.words import AgentId, ContactId, QueueId, SeatId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.core import EffectRunner
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.kernel.write_behind import WriteBehind

_log = structlog.get_logger("acd")

#: After a longer absence of the platform nobody's interval goes on: he was not at work with us meanwhile.
LONGEST_AWAY_SECONDS = 600.0

#: Changes of standings are gathered for so long, seconds: the states of one call make one write.
GATHER_SECONDS: Final = 0.25


class AcdService:
    """Runs the engine. Start: ``await load()``, let `calls` restore its contacts, then ``start_matching()``.

    ``seats`` says which seats exist and ring; later changes come through :meth:`seat_changed`. What agents
    ask for goes through ``desk``. ``call_backs`` gets the router events and hands them on to `calls`, which
    may send commands back at once. ``prepare`` gets each queue's whisper, long before its first call.
    """

    def __init__(
        self,
        *,
        store: AcdStore,
        facts: Facts,
        seats: Seats,
        clock: Clock,
        tasks: TaskSupervisor,
        pin_check: Callable[[AgentId, str], Awaitable[bool]],
        settings: AcdSettings,
        robots: frozenset[AgentId] = frozenset(),
        call_backs: CallBackService,
        prepare: Callable[[str], None],
        alarms: Alarms,
    ) -> None:
        self._store = store
        self._call_backs = call_backs
        self._prepare = prepare
        self._facts = facts
        self._seats = seats
        self._clock = clock
        self._settings = settings
        self._engine = AcdEngine(
            max_contacts=settings.max_contacts,
            ageing_seconds=settings.ageing_seconds,
            grace_seconds=settings.grace_seconds,
            draw=SystemRandom().random,
            robots=robots,
        )
        self._runner: EffectRunner[AcdEvent, Effect] = EffectRunner(
            self._engine, self._perform, clock, tasks.guarded("acd")
        )
        self._presence = PresenceRows(
            engine=self._engine,
            store=store,
            clock=clock,
            tasks=tasks,
            retry_seconds=settings.presence_retry_seconds,
        )
        self.desk = AgentWishes(
            engine=self._engine,
            rows=self._presence,
            seats=seats,
            clock=clock,
            post=self._runner.post,
            pin_check=pin_check,
        )
        self._standings: WriteBehind[AgentId] = WriteBehind(
            name="standings",
            save=self._save_standings,
            clock=clock,
            tasks=tasks,
            retry_seconds=settings.presence_retry_seconds,
            gather_seconds=GATHER_SECONDS,
        )
        self._paces = PaceRows(engine=self._engine, store=store, clock=clock, tasks=tasks)
        self._hours = OpeningHours(clock=clock, tell=self._runner.post, alarms=alarms)

    # --- start and end ---

    async def load(self) -> None:
        """Take agents, queues and presence from the database; offers are made from :meth:`start_matching` on."""
        stored = await self._store.load_all()
        self._runner.post(PauseMatching())
        for queue in stored.queues:
            self._put_queue(queue)
        for pace in stored.paces:
            if (self._clock.wall() - pace.at).total_seconds() <= LONGEST_SECONDS:
                self._runner.post(RecallPace(queue=pace.queue, learned=pace.learned))
                self._paces.loaded(pace.queue, pace.learned)
        for agent in stored.agents:
            self._runner.post(SaveAgent(agent=agent))
        for row in stored.presence:
            self._put_back(row)
        self._hours.load(stored.calendars, stored.queues)
        self._call_backs.use_calendars(self._hours.calendars)
        _log.info("loaded", agents=len(stored.agents), queues=len(stored.queues), signed_in=len(stored.presence))

    def start_matching(self) -> None:
        """Every surviving contact is back: match."""
        self._runner.post(ResumeMatching())
        self._paces.start()

    async def close(self) -> None:
        """Write what is still to be written, if the database is there, and stop."""
        self._runner.close()
        self._hours.close()
        self._presence.behind.close()
        self._standings.close()
        self._paces.close()
        try:
            await self._presence.behind.flush()
            await self._standings.flush()
            await self._paces.flush()
        except Unavailable as error:
            _log.warning("presence not written at the end", reason=str(error))

    # --- contracts.routing.Router ---

    def perform(self, command: RouterCommand) -> None:
        """Do it; events follow."""
        self._runner.post(command)

    def refusal(self, queue: QueueId) -> str:
        """Why a contact cannot enter the queue now, nor one that it overflows to; '': it can."""
        return self._engine.refusal(queue)

    def pick_up(self, contact: ContactId, agent: AgentId) -> None:
        """Offer a waiting contact to this agent, out of its turn; raises what the agent may read."""
        command = PickUp(agent=agent, contact=contact)
        self._engine.check(command)
        self._runner.post(command)

    def extend_wrap_up(self, command: ExtendWrapUp) -> Answer:
        """More time for the wrap-up that an agent is in, as far as the settings let him; raises Refusal."""
        more = MoreWrapUp(
            agent=command.agent,
            seconds=self._settings.wrap_up_extension_seconds,
            longest=self._settings.longest_wrap_up_seconds,
        )
        self._engine.check(more)
        self._runner.post(more)
        return Done(result={"left_seconds": self._engine.describe_agent(command.agent, self._clock.now()).left})

    def finish_wrap_up(self, command: FinishWrapUp) -> Answer:
        """The agent goes on to what he asked for last; raises Refusal."""
        end = EndWrapUp(agent=command.agent)
        self._engine.check(end)
        self._runner.post(end)
        return Done()

    def may_pick_up(self, agent: AgentId, contact: ContactId, rung: AgentId) -> bool:
        """Whether an agent may take for himself a contact for which another one is rung."""
        return self._engine.may_pick_up(agent, contact, rung)

    def one_team(self, agent: AgentId, other: AgentId) -> bool:
        """Whether two agents are of one team."""
        return self._engine.one_team(agent, other)

    def team_of(self, agent: AgentId) -> str:
        """An agent's team; '' for one of none, and for somebody who is no agent."""
        return self._engine.team_of(agent)

    def agent_at(self, seat: SeatId) -> AgentId | None:
        """Who is signed in at a seat."""
        return self._engine.agent_at(seat)

    def seat_of(self, agent: AgentId) -> SeatId | None:
        """Where the agent is signed in; None when he is not, or there is no such agent."""
        return self._engine.seat_of(agent) if self._engine.knows_agent(agent) else None

    def knows_agent(self, agent: AgentId) -> bool:
        """Whether there is such an agent."""
        return self._engine.knows_agent(agent)

    def has_contact(self, agent: AgentId) -> bool:
        """Whether a contact is offered to the agent or talks with him."""
        return self._engine.has_contact(agent)

    def check_call(self, agent: AgentId) -> None:
        """Raise the Refusal that a call to this agent would meet now."""
        self._engine.check_call(agent)

    def snapshot(self, contact: ContactId) -> dict[str, Any] | None:
        """The contact's place, with the wall-clock stamp that its ages count from."""
        place = self._engine.place(contact, self._clock.now())
        if place is None:
            return None
        return {"at": self._clock.wall().isoformat(), "place": msgspec.to_builtins(place)}

    def restore(self, contact: ContactId, data: dict[str, Any]) -> bool:
        """Put the contact back where it was, with the age it has by now; False when that cannot be."""
        try:
            event = RestoreContact(contact=contact, place=self._read_place(data))
            self._engine.check_restore(event)
        except BadSnapshot as error:
            _log.warning("contact not taken back", contact=contact, reason=str(error))
            return False
        for seat in (event.place.seat, *(offer.seat for offer in event.place.offers)):
            if seat is not None:
                self._learn_reachability(seat)
        self._runner.post(event)
        return True

    # --- live changes of the configuration, committed first ---

    async def save_agent(self, agent: Agent) -> None:
        """Add or change an agent."""
        await self._store.save_agent(agent)
        self._runner.post(SaveAgent(agent=agent))

    async def remove_agent(self, agent: AgentId) -> None:
        """Remove an agent; a call of his is finished first."""
        self._engine.seat_of(agent)  # he exists, so a lock may be made
        async with self._presence.lock(agent):
            self._engine.seat_of(agent)
            await self._store.remove_agent(agent)
            self._runner.post(RemoveAgent(agent=agent))

    async def save_queue(self, queue: Queue) -> None:
        """Add or change a queue; contacts that wait keep their places."""
        self.check_queue(queue)
        await self._store.save_queue(queue)
        self._put_queue(queue)
        self._hours.follow(queue)

    def check_queue(self, queue: Queue) -> None:
        """Raise IllegalSetting for a queue that does not go with the others and the calendars."""
        self._engine.check_queue(queue)
        for overflow in queue.overflows:
            if overflow.kind is TargetKind.QUEUE and not self._engine.knows_queue(QueueId(overflow.to)):
                rule = "there is no such queue"
                raise IllegalSetting(f"queue {queue.id}", f"overflows.{overflow.cause}", overflow.to, rule)
        self._hours.check(queue)

    def is_open(self, calendar: str) -> bool | None:
        """Whether a calendar is open now; None: there is no such."""
        found = self._hours.calendars.get(calendar)
        return None if found is None else found.is_open(self._clock.wall())

    async def save_calendar(self, calendar: Calendar) -> None:
        """Add or change a calendar; its queues open and close by it from now on."""
        await self._store.save_calendar(calendar)
        self._hours.save(calendar)
        self._call_backs.use_calendars(self._hours.calendars)

    async def remove_calendar(self, calendar: str) -> None:
        """Remove a calendar that no queue uses."""
        await self._store.remove_calendar(calendar)
        self._hours.forget_calendar(calendar)
        self._call_backs.use_calendars(self._hours.calendars)

    async def remove_queue(self, queue: QueueId) -> None:
        """Remove a queue; contacts that wait there are refused."""
        await self._store.remove_queue(queue)
        if self._engine.knows_queue(queue):
            self._runner.post(RemoveQueue(queue=queue))
            self._hours.forget(queue)
            self._call_backs.queue_removed(queue)

    def seat_changed(self, seat: SeatId, reachable: bool) -> None:
        """A seat's phone registered or is gone."""
        self._runner.post(SeatReachability(seat=seat, reachable=reachable))

    # --- views ---

    def place_in_line(self, contact: ContactId) -> PlaceInLine | None:
        """Where a waiting contact is; None when it does not wait."""
        position = self._engine.position(contact)
        if position is None:
            return None
        return PlaceInLine(position=position, expected_seconds=self.expected_wait(contact))

    def music(self, queue: QueueId) -> str:
        """The file that a queue is set to play; '' for none, or no such queue."""
        return self._engine.music(queue)

    def describe_agents(self) -> list[AgentView]:
        """Every agent as he is now."""
        return self._engine.describe_agents(self._clock.now())

    def describe_queues(self) -> list[QueueView]:
        """Every queue as it is now."""
        return self._engine.describe_queues(self._clock.now())

    def expected_wait(self, contact: ContactId) -> float | None:
        """Seconds that a contact will still wait; None without an estimate."""
        return self._engine.expected_wait(contact, self._clock.now())

    # --- inside ---

    def _perform(self, effect: Effect) -> None:
        match effect:
            case AgentOffered() | OfferWithdrawn() | QueueRefused():
                self._call_backs.router_event(effect)
            case PresenceChanged(agent=agent):
                self._presence.behind.changed(agent)
            case AgentStateChanged(agent=agent) | WrapUpExtended(agent=agent):
                self._standings.changed(agent)
                self._facts.record(effect)
            case _:
                self._facts.record(effect)

    async def _save_standings(self, agents: Set[AgentId]) -> None:
        now = self._clock.now()
        standings = {agent: self._engine.standing(agent, now) for agent in sorted(agents)}
        await self._store.save_standings(standings, self._clock.wall())

    def _put_queue(self, queue: Queue) -> None:
        self._runner.post(SaveQueue(queue=queue))
        self._call_backs.queue_saved(queue)
        if queue.whisper:
            self._prepare(queue.whisper)

    def _put_back(self, row: StoredPresence) -> None:
        presence = row.presence
        self._learn_reachability(presence.seat)
        wall = self._clock.wall()
        idle = max(0.0, (wall - row.since).total_seconds())
        standing = row.standing
        if standing is not None and row.standing_at is not None:
            away = max(0.0, (wall - row.standing_at).total_seconds())
            standing = standing.aged(away) if away <= LONGEST_AWAY_SECONDS else None
        command = PutBack(
            agent=presence.agent,
            seat=presence.seat,
            asked=presence.asked,
            reason=presence.reason,
            idle_age=idle,
            standing=standing,
        )
        self._runner.post(command)

    def _learn_reachability(self, seat: SeatId) -> None:
        self._runner.post(SeatReachability(seat=seat, reachable=self._seats.reachable(seat)))

    def _read_place(self, data: dict[str, Any]) -> ContactPlace:
        try:
            place = msgspec.convert(data["place"], type=ContactPlace)
            elapsed = (self._clock.wall() - datetime.fromisoformat(data["at"])).total_seconds()
        except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
            raise BadSnapshot(f"no place of a contact: {error}") from error
        return place.aged(max(0.0, elapsed))
