"""The live view: one pure fold of the fact stream into what desktops and wallboards show.

The same class runs in control, where its snapshot greets a newly linked web process, and in web, where it
follows. Snapshot + later events = fold of all events (tested as a property). Stamps are wall times taken from
the events, so two folds of the same events agree whatever their clocks say.

Facts about contacts that the view never saw arrive are taken for the queues' and agents' sake and show no call.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

import msgspec

from ccplatform.contracts import facts as f
from ccplatform.contracts.words import AgentId, AgentState, CallId, ContactId, LegRole, OfferEnd, QueueId
from cti.figures import has_skills, smoothed
from cti.model import (
    AgentSetup,
    CallStage,
    Change,
    Collection,
    LiveAgent,
    LiveAlarm,
    LiveCall,
    LiveQueue,
    LiveSeat,
    QueueDay,
    QueueSetup,
)

_BUSY_WITH_CONTACT = frozenset(
    {AgentState.RESERVED, AgentState.TALKING, AgentState.HELD, AgentState.WRAP_UP},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """The form of a snapshot."""

    epoch: str
    seq: int
    day: date | None
    agents: list[LiveAgent] = field(default_factory=list)
    queues: list[LiveQueue] = field(default_factory=list)
    calls: list[LiveCall] = field(default_factory=list)
    seats: list[LiveSeat] = field(default_factory=list)
    alarms: list[LiveAlarm] = field(default_factory=list)


class LiveView:
    """Agents, queues, calls, seats and alarms as they are now, and each queue's figures since local midnight."""

    def __init__(self, *, zone: tzinfo) -> None:
        self.epoch = ""
        self.seq = 0
        self.day: date | None = None
        self.agents: dict[AgentId, LiveAgent] = {}
        self.queues: dict[QueueId, LiveQueue] = {}
        self.calls: dict[CallId, LiveCall] = {}
        self.seats: dict[str, LiveSeat] = {}
        self.alarms: dict[str, LiveAlarm] = {}
        self._zone = zone
        self._call_of: dict[ContactId, CallId] = {}
        self._queues_of: dict[AgentId, tuple[QueueId, ...]] = {}
        self._members: dict[QueueId, tuple[LiveAgent, ...]] = {}
        self._touched: dict[Change, None] = {}

    # --- configuration ------------------------------------------------------------------------------------

    def configure(self, *, agents: Iterable[AgentSetup], queues: Iterable[QueueSetup]) -> None:
        """Take the configuration; what is live about agents and queues that stay is kept."""
        old_agents, old_queues = self.agents, self.queues
        self.agents = {}
        for agent in agents:
            row = old_agents.get(agent.id) or LiveAgent(id=agent.id, name=agent.name)
            row.name, row.team, row.skills = agent.name, agent.team, dict(agent.skills)
            self.agents[agent.id] = row
        self.queues = {}
        for queue in queues:
            place = old_queues.get(queue.id) or LiveQueue(id=queue.id, name=queue.name)
            place.name, place.skills = queue.name, dict(queue.skills)
            place.target_seconds, place.target_share = queue.target_seconds, queue.target_share
            self.queues[queue.id] = place
        self._index()

    def begin_epoch(self) -> None:
        """Forget calls, waiting contacts, seats and alarms, keep the day's figures and the agents' states.

        For a restarted control process that folded today's journal and now tells what survived.
        """
        self.calls.clear()
        self.seats.clear()
        self.alarms.clear()
        self._call_of.clear()
        for queue in self.queues.values():
            queue.entries.clear()
        for agent in self.agents.values():
            agent.contact = None

    # --- the fold -----------------------------------------------------------------------------------------

    def apply(self, event: f.FactEvent) -> tuple[Change, ...]:
        """Fold one event; returns the rows it touched. One that was applied already changes nothing."""
        if not f.is_live(event.fact) or (event.epoch == self.epoch and event.seq <= self.seq):
            return ()
        self._touched.clear()
        self.epoch, self.seq = event.epoch, event.seq
        self._turn_day(event.at)
        self._fold(event.fact, event.at)
        return tuple(self._touched)

    def tick(self, now: datetime) -> tuple[Change, ...]:
        """Let time pass without an event: at local midnight the day's figures begin anew."""
        self._touched.clear()
        self._turn_day(now)
        return tuple(self._touched)

    def _fold(self, fact: f.Fact, at: datetime) -> None:
        match fact:
            case f.ContactArrived():
                self._arrived(fact, at)
            case f.Queued() | f.QueueLeft() | f.Offered() | f.OfferEnded():
                self._fold_queue(fact, at)
            case f.Delivered() | f.Established() | f.Held() | f.Retrieved() | f.Conferenced():
                self._fold_connection(fact, at)
            case f.Failed() | f.Diverted():
                self._party_lost(fact.contact, at)
            case f.FlowEntered() | f.FlowNodeEntered():
                self._party_lost(fact.contact, at)
            case f.TalkEnded() | f.WrapUpEnded():
                self._work_ended(fact)
            case f.ContactEnded():
                self._contact_ended(fact, at)
            case f.AgentStateChanged():
                self._agent_changed(fact, at)
            case f.SeatRegistered():
                self.seats[fact.seat] = LiveSeat(
                    id=fact.seat, registered=True, since=at, transport=fact.transport, user_agent=fact.user_agent
                )
                self._touch(Collection.SEATS, fact.seat)
            case f.SeatUnregistered():
                self.seats[fact.seat] = LiveSeat(id=fact.seat, registered=False, since=at)
                self._touch(Collection.SEATS, fact.seat)
            case f.AlarmRaised() | f.AlarmCleared() | f.AlarmAcknowledged():
                self._fold_alarm(fact, at)
            case _:
                pass  # measurements and trace: they show elsewhere

    def _fold_queue(self, fact: f.Queued | f.QueueLeft | f.Offered | f.OfferEnded, at: datetime) -> None:
        match fact:
            case f.Queued():
                self._queued(fact, at)
            case f.QueueLeft():
                self._queue_left(fact, at)
            case f.Offered():
                call = self._staged(fact.contact, CallStage.RINGING, at)
                if call is not None:
                    call.agent, call.seat, call.queue = fact.agent, fact.seat, fact.queue
                    call.offered_at = at
            case f.OfferEnded():
                call = self.call_of(fact.contact)
                if call is not None and call.agent == fact.agent and fact.end is not OfferEnd.ANSWERED:
                    self._offer_lost(call, at)

    def _fold_connection(
        self, fact: f.Delivered | f.Established | f.Held | f.Retrieved | f.Conferenced, at: datetime
    ) -> None:
        match fact:
            case f.Delivered():
                call = self.call_of(fact.contact)
                if call is not None and call.stage in (CallStage.IVR, CallStage.QUEUE):
                    self._staged(fact.contact, CallStage.RINGING, at)
            case f.Established():
                if fact.role is LegRole.CALLER:
                    return
                call = self._staged(fact.contact, CallStage.TALKING, at)
                if call is not None and fact.agent is not None:
                    call.agent = fact.agent
                    call.queue = fact.queue or call.queue
            case f.Held():
                self._staged(fact.contact, CallStage.HELD, at)
            case f.Retrieved() | f.Conferenced():
                self._staged(fact.contact, CallStage.TALKING, at)

    def _fold_alarm(self, fact: f.AlarmRaised | f.AlarmCleared | f.AlarmAcknowledged, at: datetime) -> None:
        self._touch(Collection.ALARMS, fact.alarm)
        match fact:
            case f.AlarmRaised():
                self.alarms[fact.alarm] = LiveAlarm(
                    id=fact.alarm,
                    kind=fact.kind,
                    subject=fact.subject,
                    severity=fact.severity,
                    text=fact.text,
                    since=at,
                )
            case f.AlarmCleared():
                self.alarms.pop(fact.alarm, None)
            case f.AlarmAcknowledged():
                if fact.alarm in self.alarms:
                    self.alarms[fact.alarm].acknowledged_by = fact.by

    # --- contacts and queues ------------------------------------------------------------------------------

    def _arrived(self, fact: f.ContactArrived, at: datetime) -> None:
        self.calls[fact.call] = LiveCall(
            id=fact.call,
            contact=fact.contact,
            direction=fact.direction,
            caller=fact.caller,
            caller_name=fact.caller_name,
            dialled=fact.dialled,
            started=at,
            since=at,
        )
        self._call_of[fact.contact] = fact.call
        self._touch(Collection.CALLS, fact.call)

    def _queued(self, fact: f.Queued, at: datetime) -> None:
        self._leave_queues(fact.contact)
        entered = at - timedelta(seconds=fact.waited_seconds)
        queue = self.queues.get(fact.queue)
        if queue is None:
            queue = self.queues[fact.queue] = LiveQueue(id=fact.queue, name=fact.queue)
            self._index()
        queue.entries[fact.contact] = entered
        self._touch(Collection.QUEUES, fact.queue)
        call = self._staged(fact.contact, CallStage.QUEUE, at)
        if call is not None:
            call.queue, call.queued_at = fact.queue, entered
            call.agent = call.seat = call.offered_at = None

    def _queue_left(self, fact: f.QueueLeft, at: datetime) -> None:
        queue = self.queues.get(fact.queue)
        if queue is None:
            return
        queue.entries.pop(fact.contact, None)
        self._touch(Collection.QUEUES, fact.queue)
        match fact.reason:
            case "answered":
                queue.today.answered += 1
                queue.today.answered_in_time += fact.waited_seconds <= queue.target_seconds
            case "abandoned":
                queue.today.abandoned += 1
            case _:
                self._party_lost(fact.contact, at)

    def _party_lost(self, contact: ContactId, at: datetime) -> None:
        """The flow has the caller again: neither waiting, nor ringing an agent, nor talking."""
        call = self.call_of(contact)
        if call is None or self._waits(contact) or call.agent is not None:
            return
        if call.stage in (CallStage.QUEUE, CallStage.RINGING):
            self._staged(contact, CallStage.IVR, at)
            call.queue = call.queued_at = None

    def _offer_lost(self, call: LiveCall, at: datetime) -> None:
        call.agent = call.seat = call.offered_at = None
        if call.ended:
            self._drop_if_over(call)
        else:
            waits = self._waits(call.contact)
            self._staged(call.contact, CallStage.QUEUE if waits else CallStage.IVR, at)

    def _work_ended(self, fact: f.TalkEnded | f.WrapUpEnded) -> None:
        queue = self.queues.get(fact.queue) if fact.queue is not None else None
        if queue is None:
            return
        if isinstance(fact, f.TalkEnded):
            queue.talk_mean = smoothed(queue.talk_mean, fact.talk_seconds)
        else:
            queue.wrap_mean = smoothed(queue.wrap_mean, fact.wrap_up_seconds)
        self._touch(Collection.QUEUES, queue.id)

    def _contact_ended(self, fact: f.ContactEnded, at: datetime) -> None:
        self._leave_queues(fact.contact)
        call = self._staged(fact.contact, CallStage.WRAP, at)
        if call is not None:
            call.ended = True
            self._drop_if_over(call)

    def _agent_changed(self, fact: f.AgentStateChanged, at: datetime) -> None:
        agent = self.agents.get(fact.agent)
        if agent is None:
            agent = self.agents[fact.agent] = LiveAgent(id=fact.agent, name=fact.agent)
            self._index()
        before = agent.contact
        agent.state, agent.reason, agent.since, agent.seat = fact.state, fact.reason, at, fact.seat
        agent.contact = (fact.contact or before) if fact.state in _BUSY_WITH_CONTACT else None
        self._touch(Collection.AGENTS, agent.id)
        for queue in self._queues_of.get(agent.id, ()):
            self._touch(Collection.QUEUES, queue)
        if before is not None and before != agent.contact:
            call = self.call_of(before)
            if call is not None:
                self._drop_if_over(call)
        if agent.state is AgentState.WRAP_UP and agent.contact is not None:
            self._staged(agent.contact, CallStage.WRAP, at)

    def _drop_if_over(self, call: LiveCall) -> None:
        """A call whose contact ended stays while its agent is in wrap-up (or on the way there)."""
        agent = self.agents.get(call.agent) if call.agent is not None else None
        if call.ended and (agent is None or agent.contact != call.contact):
            del self.calls[call.id]
            self._call_of.pop(call.contact, None)
            self._touch(Collection.CALLS, call.id)

    # --- looking ------------------------------------------------------------------------------------------

    def call_of(self, contact: ContactId) -> LiveCall | None:
        """The live call of a contact."""
        call = self._call_of.get(contact)
        return self.calls.get(call) if call is not None else None

    def members(self, queue: QueueId) -> tuple[LiveAgent, ...]:
        """The agents who have every skill the queue needs."""
        return self._members.get(queue, ())

    # --- snapshot -----------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """JSON-able data of the whole view; numbers in clear: it stays between our own processes."""
        state = _State(
            epoch=self.epoch,
            seq=self.seq,
            day=self.day,
            agents=list(self.agents.values()),
            queues=list(self.queues.values()),
            calls=list(self.calls.values()),
            seats=list(self.seats.values()),
            alarms=list(self.alarms.values()),
        )
        plain: dict[str, Any] = msgspec.to_builtins(state)
        return plain

    def restore(self, data: dict[str, Any]) -> None:
        """Become what ``data`` says; broken data raise :class:`msgspec.ValidationError` and change nothing."""
        state = msgspec.convert(data, type=_State)
        self.epoch, self.seq, self.day = state.epoch, state.seq, state.day
        self.agents = {row.id: row for row in state.agents}
        self.queues = {row.id: row for row in state.queues}
        self.calls = {row.id: row for row in state.calls}
        self.seats = {row.id: row for row in state.seats}
        self.alarms = {row.id: row for row in state.alarms}
        self._call_of = {row.contact: row.id for row in state.calls}
        self._index()

    def snapshot_call(self, contact: ContactId) -> dict[str, Any] | None:
        """The row of one call, to be kept with the call by its media worker while control may die."""
        call = self.call_of(contact)
        plain: dict[str, Any] | None = msgspec.to_builtins(call)
        return plain

    def restore_call(self, data: dict[str, Any]) -> None:
        """Show a call again that survived a restart of control."""
        call = msgspec.convert(data, type=LiveCall)
        self.calls[call.id] = call
        self._call_of[call.contact] = call.id
        if call.stage in (CallStage.QUEUE, CallStage.RINGING) and call.queue in self.queues and call.queued_at:
            self.queues[call.queue].entries[call.contact] = call.queued_at

    # --- inside -------------------------------------------------------------------------------------------

    def _staged(self, contact: ContactId, stage: CallStage, at: datetime) -> LiveCall | None:
        call = self.call_of(contact)
        if call is None:
            return None
        if call.stage is not stage:
            call.stage, call.since = stage, at
        self._touch(Collection.CALLS, call.id)
        return call

    def _waits(self, contact: ContactId) -> bool:
        call = self.call_of(contact)
        queue = self.queues.get(call.queue) if call is not None and call.queue is not None else None
        return queue is not None and contact in queue.entries

    def _leave_queues(self, contact: ContactId) -> None:
        for queue in self.queues.values():
            if queue.entries.pop(contact, None) is not None:
                self._touch(Collection.QUEUES, queue.id)

    def _turn_day(self, at: datetime) -> None:
        today = at.astimezone(self._zone).date()
        if self.day is not None and today <= self.day:
            return
        first, self.day = self.day is None, today
        if first:
            return
        for queue in self.queues.values():
            queue.today = QueueDay()
            self._touch(Collection.QUEUES, queue.id)

    def _touch(self, collection: Collection, row: str) -> None:
        self._touched[(collection, row)] = None

    def _index(self) -> None:
        self._members = {
            queue.id: tuple(agent for agent in self.agents.values() if has_skills(agent.skills, queue.skills))
            for queue in self.queues.values()
        }
        queues_of: dict[AgentId, list[QueueId]] = {}
        for queue, members in self._members.items():
            for agent in members:
                queues_of.setdefault(agent.id, []).append(queue)
        self._queues_of = {agent: tuple(queues) for agent, queues in queues_of.items()}
