"""The matching engine: pure, event-driven, the single writer of who waits and who does what.

Theory of operation. Commands come in, one at a time; what they change and what follows from it (offers, facts)
comes out as a list of effects, complete and in order. Between two events nothing happens but the passing of
time, and of that the engine says beforehand when it matters (``next_deadline``). What holds after every event:

* a contact is in one place at most: it waits in one queue, or is offered to one agent, or talks with one;
* an agent has one contact at most, sits at one seat at most, and nobody shares his seat;
* no agent who is ready at a reachable seat is without a contact while one that he may take waits;
* a contact that entered a queue leaves it once (QueueLeft): answered, abandoned, transferred or refused;
* an agent's intervals follow one another without gap or overlap;
* a reservation ends by itself after the queue's ring time, wrap-up after its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from acd import configuration, desk, restoring, snapshots, talks
from acd.agents import WITH_CONTACT
from acd.events import (
    AcdEvent,
    AgentCommand,
    Change,
    ContactPlace,
    Effect,
    GoNotReady,
    GoReady,
    PauseMatching,
    PutBack,
    RemoveAgent,
    RemoveQueue,
    RestoreContact,
    ResumeMatching,
    SaveAgent,
    SaveQueue,
    SeatReachability,
    SignIn,
    SignOut,
)
from acd.floor import Floor
from acd.views import AgentView, QueueView, agent_view, queue_view
from ccplatform.contracts.routing import (
    OfferAnswered,
    OfferFailed,
    QueueContact,
    RouterCommand,
    TalkHeld,
    TalkReleased,
    WithdrawContact,
)
from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId
from ccplatform.kernel.core import DeadlineReached

#: Most contacts at one time, by default.
MAX_CONTACTS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What must survive a restart: where an agent sits and what he last asked for (ready or not_ready)."""

    agent: AgentId
    seat: SeatId
    asked: AgentState
    reason: str


class AcdEngine:
    """A pure core (see :mod:`ccplatform.kernel.core`).

    Commands of agents that the rules do not allow raise a Refusal; :meth:`check` tells beforehand. Router
    commands that come too late (the offer is over, the contact gone) change nothing and answer nothing.
    """

    def __init__(self, *, max_contacts: int = MAX_CONTACTS) -> None:
        self._floor = Floor()
        self._max_contacts = max_contacts

    # --- the contract of a core ---

    def handle(self, event: AcdEvent | DeadlineReached, now: float) -> Sequence[Effect]:
        """Take one event; what does not fit raises and changes nothing."""
        effects = self._floor.begin(now)
        match event:
            case (
                QueueContact() | WithdrawContact() | OfferAnswered() | OfferFailed() | TalkHeld() | TalkReleased()
            ):
                self._route(event)
            case DeadlineReached():
                self._expire()
            case SignIn() | SignOut() | GoReady() | GoNotReady() | PutBack():
                desk.apply(self._floor, event)
            case (
                SaveAgent()
                | RemoveAgent()
                | SaveQueue()
                | RemoveQueue()
                | SeatReachability()
                | PauseMatching()
                | ResumeMatching()
            ):
                self._change(event)
            case RestoreContact():
                restoring.restore(self._floor, event)
            case _:
                assert_never(event)
        return effects

    def next_deadline(self) -> float | None:
        """When the next reservation or wrap-up ends by itself."""
        entry = self._floor.deadlines.first()
        return None if entry is None else entry[2].when

    # --- questions ---

    def check(self, command: AgentCommand) -> None:
        """Raise the Refusal that ``command`` would meet now."""
        desk.check(self._floor, command)

    def check_restore(self, event: RestoreContact) -> None:
        """Raise BadSnapshot if the contact cannot be put back."""
        restoring.check(self._floor, event.contact, event.place)

    def agent_at(self, seat: SeatId) -> AgentId | None:
        """Who is signed in at a seat."""
        agent = self._floor.seats.get(seat)
        return None if agent is None else agent.id

    def presence(self, agent: AgentId) -> Presence | None:
        """What the agent's presence row should say; None when there should be none."""
        live = self._floor.agents.get(agent)
        if live is None or live.seat is None or live.asked is AgentState.SIGNED_OUT:
            return None
        return Presence(agent=agent, seat=live.seat, asked=live.asked, reason=live.asked_reason)

    def seat_of(self, agent: AgentId) -> SeatId | None:
        """Where the agent sits; raises UnknownAgent."""
        return self._floor.agent(agent).seat

    def place(self, contact: ContactId, now: float) -> ContactPlace | None:
        """A contact's place as data, None when it has none."""
        ticket = self._floor.tickets.get(contact)
        return None if ticket is None else restoring.place_of(ticket, now)

    def position(self, contact: ContactId) -> int | None:
        """The contact's place in line from 1, 0 while it is offered or talks; None when it is not known."""
        ticket = self._floor.tickets.get(contact)
        return None if ticket is None else ticket.queue.position(ticket)

    def expected_wait(self, contact: ContactId) -> float | None:
        """Seconds that the contact will still wait, as far as recent departures tell; None without an estimate."""
        ticket = self._floor.tickets.get(contact)
        if ticket is None or not ticket.place:
            return None
        return ticket.queue.pace.estimate(ticket.queue.position(ticket))

    def describe_agent(self, agent: AgentId, now: float) -> AgentView:
        """An agent's row; raises UnknownAgent."""
        return agent_view(self._floor.agent(agent), now)

    def describe_agents(self, now: float) -> list[AgentView]:
        """Every agent, by id."""
        return [agent_view(agent, now) for _, agent in sorted(self._floor.agents.items())]

    def describe_queues(self, now: float) -> list[QueueView]:
        """Every queue, by id."""
        return [queue_view(queue, now) for _, queue in sorted(self._floor.queues.items())]

    def knows_queue(self, queue: QueueId) -> bool:
        """Whether the queue is configured."""
        return queue in self._floor.queues

    # --- snapshot ---

    def snapshot(self, now: float) -> dict[str, Any]:
        """Everything as JSON-able data."""
        return snapshots.snapshot(self._floor, now)

    @classmethod
    def restore(
        cls, data: dict[str, Any], now: float, *, elapsed: float = 0.0, max_contacts: int = MAX_CONTACTS
    ) -> AcdEngine:
        """An engine that goes on from a snapshot taken ``elapsed`` seconds ago; raises BadSnapshot."""
        engine = cls(max_contacts=max_contacts)
        engine._floor = snapshots.restore(data, now, elapsed)
        return engine

    # --- inside ---

    def _route(self, command: RouterCommand) -> None:
        match command:
            case QueueContact():
                talks.queue_contact(self._floor, command, self._max_contacts)
            case WithdrawContact():
                talks.withdraw_contact(self._floor, command)
            case OfferAnswered():
                talks.offer_answered(self._floor, command)
            case OfferFailed():
                talks.offer_failed(self._floor, command)
            case TalkHeld():
                talks.talk_held(self._floor, command)
            case TalkReleased():
                talks.talk_released(self._floor, command)
            case _:
                assert_never(command)

    def _change(self, change: Change) -> None:
        configuration.apply(self._floor, change)

    def _expire(self) -> None:
        """End every reservation and wrap-up whose time is over, in the order in which they ran out."""
        floor = self._floor
        while (entry := floor.deadlines.first()) is not None and entry[2].when <= floor.now:
            agent = entry[2].agent
            if agent.state in WITH_CONTACT:
                talks.ring_time_over(floor, agent)
            else:
                talks.end_wrap_up(floor, agent)
