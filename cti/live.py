"""The live view: one pure fold of the fact stream into what desktops and wallboards show.

The same class runs in control, where its snapshot greets a newly linked web process, and in web, where it
follows. Snapshot + later events = fold of all events (tested as a property). Stamps are wall times taken from
the events, so two folds of the same events agree whatever their clocks say.

Facts about contacts that the view never saw arrive are taken for the queues' and agents' sake and show no call.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ccplatform.contracts import facts as f
from ccplatform.contracts.words import (
    AgentId,
    AgentState,
    ContactId,
    LegRole,
    OfferEnd,
    QueueId,
    RecordingMode,
    SeatId,
)
from cti.model import (
    CallStage,
    Change,
    Collection,
    LiveAgent,
    LiveAlarm,
    LiveCall,
    LiveParty,
    LiveQueue,
    LiveSeat,
    Recorded,
)
from cti.state import LiveState

_BUSY_WITH_CONTACT = frozenset(
    {AgentState.RESERVED, AgentState.TALKING, AgentState.HELD, AgentState.WRAP_UP},
)


class LiveView(LiveState):
    """The live state, changed by facts."""

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

    def count(self, event: f.FactEvent) -> None:
        """Fold an event of an earlier run of control into the day's figures only.

        What a restarted control process makes of today's journal: who is there and what is going on now, it
        tells anew.
        """
        self._turn_day(event.at)
        match event.fact:
            case f.QueueLeft(queue=queue) if queue in self.queues:
                self._count_end_of_wait(self.queues[queue], event.fact)
            case _:
                pass

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
            case f.ConnectionCleared():
                self._party_left(fact)
            case f.Originated():
                self._originated(fact, at)
            case f.Failed() | f.Diverted():
                self._party_lost(fact.contact, at)
                self._not_answered(fact)
            case f.FlowEntered() | f.FlowNodeEntered():
                self._party_lost(fact.contact, at)
            case f.RecordingLeftToPeople() | f.TalkEnded():
                self._left_to_people(fact.contact, isinstance(fact, f.RecordingLeftToPeople))
            case (
                f.RecordingStarted()
                | f.RecordingStopped()
                | f.RecordingPaused()
                | f.RecordingResumed()
                | f.RecordingEnded()
            ):
                self._fold_recording(fact)
            case f.ContactEnded():
                self._contact_ended(fact, at)
            case f.AgentStateChanged():
                self._agent_changed(fact, at)
            case f.WrapUpExtended():
                self._wrap_up_extended(fact, at)
            case f.SeatRegistered():
                self.seats[fact.seat] = LiveSeat(
                    id=fact.seat, registered=True, since=at, transport=fact.transport, user_agent=fact.user_agent
                )
                self._touch(Collection.SEATS, fact.seat)
            case f.SeatUnregistered():
                self.seats[fact.seat] = LiveSeat(id=fact.seat, registered=False, since=at)
                self._touch(Collection.SEATS, fact.seat)
            case f.AgentSaved() | f.AgentRemoved() | f.QueueSaved() | f.QueueRemoved():
                self._configured(fact)
            case f.MailboxChanged():
                self._mailbox_changed(fact)
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
                self._offer_ended(fact, at)

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
                    call.agent, call.seat = fact.agent, SeatId(fact.device) if fact.device else call.seat
                    call.queue = fact.queue or call.queue
                    self._works_on(fact.agent, call)
                elif call is not None and fact.role is LegRole.PARTY:  # somebody outside has the caller now
                    call.agent = call.seat = None
                if call is not None:
                    call.parties = [party for party in call.parties if party.leg != fact.leg]
            case f.Held():
                self._staged(fact.contact, CallStage.HELD, at)
            case f.Retrieved():
                self._staged(fact.contact, CallStage.TALKING, at)
            case f.Conferenced():
                call = self._staged(fact.contact, CallStage.TALKING, at)
                if call is not None and fact.role is not LegRole.CALLER:
                    call.parties.append(LiveParty(leg=fact.leg, device=fact.device, agent=fact.agent))
                    self._works_on(fact.agent, call)

    def _left_to_people(self, contact: ContactId, left: bool) -> None:
        call = self.call_of(contact)
        if call is not None and call.on_demand != left:
            call.on_demand = left
            self._touch(Collection.CALLS, call.id)

    def _fold_recording(
        self,
        fact: f.RecordingStarted | f.RecordingStopped | f.RecordingPaused | f.RecordingResumed | f.RecordingEnded,
    ) -> None:
        """Of the talk that began last; what callers leave as messages is no talk."""
        call = self.call_of(fact.contact)
        if call is None:
            return
        match fact:
            case f.RecordingStarted() if fact.mode is not RecordingMode.MESSAGE:
                call.recording, call.recorded, call.paused_by = fact.recording, Recorded.YES, ""
                call.on_demand = fact.on_demand
            case f.RecordingPaused() if fact.recording == call.recording:
                call.recorded, call.paused_by = Recorded.PAUSED, fact.by
            case f.RecordingResumed() if fact.recording == call.recording:
                call.recorded, call.paused_by = Recorded.YES, ""
            case f.RecordingEnded() | f.RecordingStopped() if fact.recording == call.recording:
                call.recording, call.recorded, call.paused_by = None, Recorded.NO, ""
            case _:
                return
        self._touch(Collection.CALLS, call.id)

    def _party_left(self, fact: f.ConnectionCleared) -> None:
        call = self.call_of(fact.contact)
        if call is not None and any(party.leg == fact.leg for party in call.parties):
            call.parties = [party for party in call.parties if party.leg != fact.leg]
            self._touch(Collection.CALLS, call.id)

    def _works_on(self, name: AgentId | None, call: LiveCall) -> None:
        """An agent who was called about a contact has it now, or has a part in it."""
        agent = self.agents.get(name) if name is not None else None
        if agent is None or agent.contact in (None, call.contact):
            return
        before = self.call_of(agent.contact) if agent.contact is not None else None
        agent.contact = call.contact
        self._touch(Collection.AGENTS, agent.id)
        if before is not None:
            self._drop_if_over(before)

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
            consult_of=fact.consult_of,
        )
        self._call_of[fact.contact] = fact.call
        self._touch(Collection.CALLS, fact.call)

    def _originated(self, fact: f.Originated, at: datetime) -> None:
        call = self._staged(fact.contact, CallStage.DIALLING, at)
        if call is not None:
            call.agent, call.seat = fact.agent, fact.seat

    def _not_answered(self, fact: f.Failed | f.Diverted) -> None:
        call = self.call_of(fact.contact)
        if call is not None and call.stage is CallStage.DIALLING:
            call.cause = fact.cause
            self._touch(Collection.CALLS, call.id)

    def _queued(self, fact: f.Queued, at: datetime) -> None:
        self._leave_queues(fact.contact)
        entered = at - timedelta(seconds=fact.waited_seconds)
        queue = self.queues.get(fact.queue)
        if queue is None:
            queue = self.queues[fact.queue] = LiveQueue(id=fact.queue, name=fact.queue)
            self._index()
        queue.entries[fact.contact] = entered
        queue.expected = fact.expected_seconds
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
        if not self._count_end_of_wait(queue, fact):
            self._party_lost(fact.contact, at)

    def _count_end_of_wait(self, queue: LiveQueue, fact: f.QueueLeft) -> bool:
        """Count an answer or an abandon; False for other ways out of the queue."""
        queue.expected = fact.expected_seconds
        match fact.reason:
            case "answered":
                queue.today.answered += 1
                queue.today.answered_in_time += fact.waited_seconds <= queue.target_seconds
            case "abandoned":
                queue.today.abandoned += 1
            case _:
                return False
        return True

    def _party_lost(self, contact: ContactId, at: datetime) -> None:
        """The flow has the caller again: neither waiting, nor ringing an agent, nor talking."""
        call = self.call_of(contact)
        if call is None or self._waits(contact) or call.agent is not None:
            return
        if call.stage in (CallStage.QUEUE, CallStage.RINGING):
            self._staged(contact, CallStage.IVR, at)
            call.queue = call.queued_at = None

    def _offer_ended(self, fact: f.OfferEnded, at: datetime) -> None:
        call = self.call_of(fact.contact)
        if call is None or call.agent != fact.agent:
            return
        if fact.end is not OfferEnd.ANSWERED:
            self._offer_lost(call, at)
        elif call.stage is CallStage.RINGING:
            self._staged(fact.contact, CallStage.CONNECTING, at)

    def _offer_lost(self, call: LiveCall, at: datetime) -> None:
        call.agent = call.seat = call.offered_at = None
        if call.ended:
            self._drop_if_over(call)
        else:
            waits = self._waits(call.contact)
            self._staged(call.contact, CallStage.QUEUE if waits else CallStage.IVR, at)

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
        before, limit = agent.contact, fact.limit_seconds
        agent.until = None if limit is None else at + timedelta(seconds=limit)
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
            call = self.call_of(agent.contact)
            if call is not None and call.agent == agent.id and not call.parties:
                self._staged(agent.contact, CallStage.WRAP, at)

    def _wrap_up_extended(self, fact: f.WrapUpExtended, at: datetime) -> None:
        agent = self.agents.get(fact.agent)
        if agent is not None and agent.state is AgentState.WRAP_UP:
            agent.until = at + timedelta(seconds=fact.left_seconds)
            self._touch(Collection.AGENTS, agent.id)

    def _drop_if_over(self, call: LiveCall) -> None:
        """A call whose contact ended stays while its agent is in wrap-up (or on the way there)."""
        agent = self.agents.get(call.agent) if call.agent is not None else None
        if call.ended and (agent is None or agent.contact != call.contact):
            del self.calls[call.id]
            self._call_of.pop(call.contact, None)
            self._touch(Collection.CALLS, call.id)

    def _mailbox_changed(self, fact: f.MailboxChanged) -> None:
        kind, _, name = fact.mailbox.partition(":")
        row: LiveQueue | LiveAgent | None = self.agents.get(AgentId(name))
        if kind == "queue":
            row = self.queues.get(QueueId(name))
        if row is not None:
            row.new_messages, row.heard_messages = fact.new, fact.heard
            self._touch(Collection.QUEUES if kind == "queue" else Collection.AGENTS, name)

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
