"""What the live view holds: rows, indexes, configuration, snapshot. How facts change it is in :mod:`cti.live`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

import msgspec

from ccplatform.contracts import facts as f
from ccplatform.contracts.words import AgentId, AgentState, CallId, ContactId, Mailbox, QueueId, SeatId
from cti.figures import has_skills
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


class LiveState:
    """Agents, queues, calls, seats and alarms as they are now, and each queue's figures since local midnight."""

    def __init__(self, *, zone: tzinfo) -> None:
        self.epoch = ""
        self.seq = 0
        self.day: date | None = None
        self._day_ends: datetime | None = None
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

    def _configured(self, fact: f.AgentSaved | f.AgentRemoved | f.QueueSaved | f.QueueRemoved) -> None:
        """People changed the centre while it runs; queues that an agent joins or leaves count him anew."""
        member = fact.agent if isinstance(fact, f.AgentSaved | f.AgentRemoved) else None
        before = self.queues_of(member) if member is not None else ()
        match fact:
            case f.AgentSaved():
                agent = self.agents.setdefault(fact.agent, LiveAgent(id=fact.agent, name=fact.name))
                agent.name, agent.team, agent.skills = fact.name, fact.team, dict(fact.skills)
                self._touch(Collection.AGENTS, fact.agent)
            case f.AgentRemoved():
                self.agents.pop(fact.agent, None)
                self._touch(Collection.AGENTS, fact.agent)
            case f.QueueSaved():
                queue = self.queues.setdefault(fact.queue, LiveQueue(id=fact.queue, name=fact.name))
                queue.name, queue.skills = fact.name, dict(fact.skills)
                queue.target_seconds, queue.target_share = fact.target_seconds, fact.target_share
                self._touch(Collection.QUEUES, fact.queue)
            case f.QueueRemoved():
                self.queues.pop(fact.queue, None)
                self._touch(Collection.QUEUES, fact.queue)
        self._index()
        after = self.queues_of(member) if member is not None else ()
        for queue_id in sorted({*before} ^ {*after}):
            self._touch(Collection.QUEUES, queue_id)

    def begin_epoch(self) -> None:
        """Forget calls, waiting contacts, seats and alarms; keep the day's figures and the agents' states."""
        self.calls.clear()
        self.seats.clear()
        self.alarms.clear()
        self._call_of.clear()
        for queue in self.queues.values():
            queue.entries.clear()
        for agent in self.agents.values():
            agent.contact = None

    # --- looking ------------------------------------------------------------------------------------------

    def call_of(self, contact: ContactId) -> LiveCall | None:
        """The live call of a contact."""
        call = self._call_of.get(contact)
        return self.calls.get(call) if call is not None else None

    def members(self, queue: QueueId) -> tuple[LiveAgent, ...]:
        """The agents who have every skill the queue needs."""
        return self._members.get(queue, ())

    def queues_of(self, agent: AgentId) -> tuple[QueueId, ...]:
        """The queues whose every skill the agent has."""
        return self._queues_of.get(agent, ())

    def mailboxes_of(self, agent: AgentId) -> tuple[Mailbox, ...]:
        """Whose messages are his work: his own, and those of his queues."""
        return (Mailbox(f"agent:{agent}"), *(Mailbox(f"queue:{queue}") for queue in self.queues_of(agent)))

    def has_mailbox(self, mailbox: Mailbox) -> bool:
        """Whether it is that of a queue or agent."""
        kind, _, name = mailbox.partition(":")
        return (kind == "queue" and name in self.queues) or (kind == "agent" and name in self.agents)

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
        self.epoch, self.seq, self.day, self._day_ends = state.epoch, state.seq, state.day, None
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

    def restore_agent(
        self,
        agent: AgentId,
        *,
        state: AgentState,
        reason: str,
        seat: SeatId | None,
        since: datetime,
        until: datetime | None,
        contact: ContactId | None,
    ) -> None:
        """Show an agent as he is after a restart of control: what merely went on, no fact tells."""
        row = self.agents.get(agent)
        if row is not None:
            row.state, row.reason, row.seat, row.contact = state, reason, seat, contact
            row.since, row.until = since, until

    def restore_alarm(self, alarm: LiveAlarm) -> None:
        """Show an alarm that was up before control was restarted."""
        self.alarms[alarm.id] = alarm

    # --- for the fold -------------------------------------------------------------------------------------

    def _turn_day(self, at: datetime) -> None:
        if self._day_ends is not None and at < self._day_ends:
            return
        today = at.astimezone(self._zone).date()
        self._day_ends = datetime.combine(today + timedelta(days=1), time(), self._zone).astimezone(UTC)
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
