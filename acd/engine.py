"""The matching engine: pure, event-driven, the single writer of who waits and who does what.

Theory of operation. Commands come in, one at a time; what they change and what follows from it (offers, facts)
comes out as a list of effects, complete and in order. Between two events nothing happens but the passing of
time, and of that the engine says beforehand when it matters (``next_deadline``). What holds after every event:

* a contact is in one place at most: it waits in one queue, or is offered to one agent, or talks with one;
* an agent's contacts fit into his capacity (a call fills it), but for calls that he makes or gets past the queues,
  and talks that are taken back after a restart; he sits at one seat, and nobody shares it;
* no agent who is ready at a reachable seat has room for a contact that he may take and that waits;
* a contact that entered a queue leaves it once (QueueLeft): answered, abandoned, transferred or refused;
* an agent's intervals follow one another without gap or overlap;
* a reservation ends by itself after the queue's ring time, wrap-up after its time, the wait for an agent of
  one's own, or for a lost phone, after theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from acd import configuration, desk, offers, own_calls, restoring, snapshots, talks, waiting
from acd.agents import Engagement
from acd.events import (
    AcdEvent,
    AgentCommand,
    ContactPlace,
    Effect,
    EndWrapUp,
    GoNotReady,
    GoReady,
    MoreWrapUp,
    OpenQueue,
    PauseMatching,
    PickUp,
    PutBack,
    RecallPace,
    RemoveAgent,
    RemoveQueue,
    RestoreContact,
    ResumeMatching,
    SaveAgent,
    SaveQueue,
    SeatReachability,
    SignIn,
    SignOut,
    Standing,
)
from acd.expected_wait import Learned
from acd.floor import Floor
from acd.model import Queue
from acd.queues import Ticket
from acd.views import AgentView, QueueView, agent_view, queue_view
from ccplatform.contracts.routing import (
    CallAgent,
    EngageAgent,
    HandOver,
    OfferAnswered,
    OfferFailed,
    QueueContact,
    TalkHeld,
    TalkReleased,
    TransferContact,
    WithdrawContact,
)
from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId
from ccplatform.kernel.core import DeadlineReached

#: Most contacts at one time, by default.
MAX_CONTACTS = 100_000
#: Seconds of waiting that count as one step of priority, and that a phone may be away, by default.
AGEING_SECONDS, GRACE_SECONDS = 60.0, 30.0


def _middle() -> float:
    """Draws for engines without a random strategy."""
    return 0.5


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

    ``ageing_seconds`` of waiting count as one step of priority (0: none), ``grace_seconds`` may a ready agent's
    phone be away (0: for ever); ``draw`` is the source of numbers from [0, 1) of the random strategies; ``robots``
    are agents who answer test calls only (:mod:`acd.matching`).
    """

    def __init__(
        self,
        *,
        max_contacts: int = MAX_CONTACTS,
        ageing_seconds: float = AGEING_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
        draw: Callable[[], float] = _middle,
        robots: frozenset[AgentId] = frozenset(),
    ) -> None:
        self._floor = Floor(ageing=ageing_seconds, grace=grace_seconds, draw=draw, robots=robots)
        self._max_contacts = max_contacts

    # --- the contract of a core ---

    def handle(self, event: AcdEvent | DeadlineReached, now: float) -> Sequence[Effect]:
        """Take one event; what does not fit raises and changes nothing."""
        floor = self._floor
        effects = floor.begin(now)
        match event:
            case QueueContact():
                waiting.queue_contact(floor, event, self._max_contacts)
            case OfferAnswered():
                offers.offer_answered(floor, event)
            case TalkReleased():
                talks.talk_released(floor, event)
            case DeadlineReached():
                self._expire()
            case WithdrawContact():
                waiting.withdraw_contact(floor, event)
            case CallAgent():
                offers.call_agent(floor, event)
            case HandOver():
                talks.hand_over(floor, event)
            case TransferContact():
                waiting.transfer_contact(floor, event)
            case OfferFailed():
                offers.offer_failed(floor, event)
            case TalkHeld():
                talks.talk_held(floor, event)
            case EngageAgent():
                own_calls.engage(floor, event)
            case (
                SignIn() | SignOut() | GoReady() | GoNotReady() | PutBack() | PickUp() | MoreWrapUp() | EndWrapUp()
            ):
                desk.apply(floor, event)
            case (
                SaveAgent()
                | RemoveAgent()
                | SaveQueue()
                | RemoveQueue()
                | OpenQueue()
                | RecallPace()
                | SeatReachability()
                | PauseMatching()
                | ResumeMatching()
            ):
                configuration.apply(floor, event)
            case RestoreContact():
                restoring.restore(floor, event)
            case _:
                assert_never(event)
        if floor.thinned:
            waiting.mind_the_gaps(floor)
        return effects

    def next_deadline(self) -> float | None:
        """When the next reservation, wrap-up, step of a wait or grace ends by itself."""
        timer = self._floor.timers.first()
        return None if timer is None else timer.when

    # --- questions ---

    def check(self, command: AgentCommand) -> None:
        """Raise the Refusal that ``command`` would meet now."""
        desk.check(self._floor, command)

    def check_queue(self, queue: Queue) -> None:
        """Raise IllegalSetting if the queue cannot stand beside the others (a ring of overflows)."""
        configuration.check_queue(self._floor, queue)

    def refusal(self, queue: QueueId) -> str:
        """Why a contact cannot enter the queue now, nor one that it overflows to; '': it can."""
        return waiting.refusal(self._floor, queue)

    def check_call(self, agent: AgentId) -> None:
        """Raise the Refusal that a call to this agent would meet now."""
        offers.check_call(self._floor, agent)

    def may_pick_up(self, agent: AgentId, contact: ContactId, rung: AgentId) -> bool:
        """Whether an agent may take for himself a contact for which another one is rung."""
        return offers.may_pick_up(self._floor, agent, contact, rung)

    def one_team(self, agent: AgentId, other: AgentId) -> bool:
        """Whether two agents are of one team."""
        return offers.one_team(self._floor, agent, other)

    def team_of(self, agent: AgentId) -> str:
        """An agent's team, '' if he has none."""
        known = self._floor.agents.get(agent)
        return known.config.team if known is not None else ""

    def check_restore(self, event: RestoreContact) -> None:
        """Raise BadSnapshot if the contact cannot be put back."""
        restoring.check(self._floor, event.contact, event.place)

    def agent_at(self, seat: SeatId) -> AgentId | None:
        """Who is signed in at a seat."""
        agent = self._floor.seats.get(seat)
        return None if agent is None else agent.id

    def knows_agent(self, agent: AgentId) -> bool:
        """Whether there is such an agent."""
        live = self._floor.agents.get(agent)
        return live is not None and not live.removed

    def has_contact(self, agent: AgentId) -> bool:
        """Whether a contact is offered to the agent or talks with him."""
        live = self._floor.agents.get(agent)
        return live is not None and live.has_contact()

    def presence(self, agent: AgentId) -> Presence | None:
        """What the agent's presence row should say; None when there should be none."""
        live = self._floor.agents.get(agent)
        if live is None or live.seat is None or live.asked is AgentState.SIGNED_OUT:
            return None
        return Presence(agent=agent, seat=live.seat, asked=live.asked, reason=live.asked_reason)

    def standing(self, agent: AgentId, now: float) -> Standing | None:
        """What the agent's row should remember of him besides; None when he is signed out or not known."""
        live = self._floor.agents.get(agent)
        return None if live is None or live.seat is None else restoring.standing_of(live, now)

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

    def expected_wait(self, contact: ContactId, now: float) -> float | None:
        """Seconds that the contact will still wait, as far as recent departures tell; None without an estimate."""
        ticket = self._floor.tickets.get(contact)
        if ticket is None or not ticket.place:
            return None
        return ticket.queue.expected_wait(ticket.queue.position(ticket), now)

    def describe_agent(self, agent: AgentId, now: float) -> AgentView:
        """An agent's row; raises UnknownAgent."""
        return agent_view(self._floor.agent(agent), now)

    def describe_agents(self, now: float) -> list[AgentView]:
        """Every agent, by id."""
        return [agent_view(agent, now) for _, agent in sorted(self._floor.agents.items())]

    def describe_queues(self, now: float) -> list[QueueView]:
        """Every queue, by id."""
        return [queue_view(queue, now) for _, queue in sorted(self._floor.queues.items())]

    def learned(self) -> dict[QueueId, Learned]:
        """What each queue knows about its pace."""
        return {queue.id: queue.pace.learned() for queue in self._floor.queues.values()}

    def music(self, queue: QueueId) -> str:
        """The file that a queue is set to play; '' for none, or no such queue."""
        live = self._floor.queues.get(queue)
        return "" if live is None else live.config.music

    def knows_queue(self, queue: QueueId) -> bool:
        """Whether the queue is configured."""
        return queue in self._floor.queues

    # --- snapshot ---

    def snapshot(self, now: float) -> dict[str, Any]:
        """Everything as JSON-able data."""
        return snapshots.snapshot(self._floor, now)

    @classmethod
    def restore(cls, data: dict[str, Any], now: float, *, elapsed: float = 0.0, **settings: Any) -> AcdEngine:
        """An engine that goes on from a snapshot taken ``elapsed`` seconds ago; raises BadSnapshot.

        ``settings`` are those of the constructor.
        """
        engine = cls(**settings)
        snapshots.restore(data, engine._floor, now, elapsed)
        return engine

    # --- inside ---

    def _expire(self) -> None:
        """End everything whose time is over, in the order in which it ran out."""
        floor = self._floor
        while (timer := floor.timers.first()) is not None and timer.when <= floor.now:
            timer.place = 0
            owner = timer.owner
            if isinstance(owner, Engagement):
                owner.timer = None
                if owner.state is AgentState.RESERVED:
                    offers.lease_over(floor, owner)
                else:
                    talks.wrap_up_over(floor, owner)
            elif isinstance(owner, Ticket):
                owner.timer = None
                waiting.wait_on(floor, owner)
            else:
                desk.grace_over(floor, owner)
