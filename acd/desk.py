"""What agents ask for: to sign in and out, to be ready or not. ``check`` refuses, ``apply`` does.

``check`` looks only and raises what an agent may read; ``apply`` repeats it and then cannot fail.
"""

from __future__ import annotations

from typing import assert_never

from acd.agents import Engagement, LiveAgent
from acd.errors import (
    AgentBusy,
    AlreadySignedIn,
    IllegalState,
    NotSignedIn,
    NoWrapUp,
    PhoneAway,
    SeatTaken,
    UnknownContact,
    WrapUpTooLong,
)
from acd.events import (
    AgentCommand,
    EndWrapUp,
    GoNotReady,
    GoReady,
    MoreWrapUp,
    PickUp,
    PresenceChanged,
    PutBack,
    SignIn,
    SignOut,
    Standing,
)
from acd.floor import Floor
from acd.model import check_reason
from acd.offers import pick_up
from acd.queues import Ticket
from acd.talks import cut_wrap_ups, extend_wrap_up, settle, wrap_up_of
from ccplatform.contracts.words import AgentId, AgentState, ContactId, SeatId

#: Why an agent whose phone stayed away is not ready.
CONNECTION_LOST = "connection_lost"


def check(floor: Floor, command: AgentCommand) -> None:
    """Raise the Refusal that the command would meet now; change nothing."""
    match command:
        case SignIn(agent=agent, seat=seat):
            _check_sign_in(floor, agent, seat)
        case PutBack(agent=agent, seat=seat, asked=asked, reason=reason):
            if asked not in (AgentState.READY, AgentState.NOT_READY):
                raise IllegalState(f"agent {agent} cannot be put back as {asked}")
            if floor.agent(agent).seat is not None:
                raise AlreadySignedIn(agent, floor.agent(agent).seat)
            check_reason(agent, reason)
            _check_sign_in(floor, agent, seat)
        case GoNotReady(agent=agent, reason=reason):
            _signed_in(floor, agent)
            check_reason(agent, reason)
        case GoReady(agent=agent) | SignOut(agent=agent):
            _signed_in(floor, agent)
        case PickUp(agent=agent, contact=contact):
            _check_pick_up(floor, agent, contact)
        case MoreWrapUp():
            _check_more(floor, command)
        case EndWrapUp(agent=agent):
            _wrap_up(floor, agent)
        case _:
            assert_never(command)


def apply(floor: Floor, command: AgentCommand) -> None:
    """Carry the command out; raises what :func:`check` raises, and then has changed nothing."""
    check(floor, command)
    agent = floor.agent(command.agent)
    match command:
        case SignIn(seat=seat):
            if agent.seat is None:
                floor.take_seat(agent, seat)
            _ask(floor, agent, AgentState.NOT_READY)
        case PutBack():
            _put_back(floor, agent, command)
        case SignOut():
            _ask(floor, agent, AgentState.SIGNED_OUT)
        case GoReady():
            _ask(floor, agent, AgentState.READY)
        case GoNotReady(reason=reason):
            _ask(floor, agent, AgentState.NOT_READY, reason)
        case PickUp():
            pick_up(floor, command)
        case MoreWrapUp():
            extend_wrap_up(floor, _wrap_up(floor, command.agent), command)
        case EndWrapUp():
            cut_wrap_ups(floor, agent)
            settle(floor, agent)
        case _:
            assert_never(command)


def grace_over(floor: Floor, agent: LiveAgent) -> None:
    """The agent's phone did not come back in time: he is not ready; a contact that he has, he keeps."""
    agent.grace = None
    if agent.asked is AgentState.READY and agent.seat not in floor.reachable:
        agent.ask(AgentState.NOT_READY, CONNECTION_LOST)
        floor.effects.append(PresenceChanged(agent=agent.id))
        settle(floor, agent)


def _ask(floor: Floor, agent: LiveAgent, state: AgentState, reason: str = "") -> None:
    """During a call the wish is remembered, in wrap-up it ends the wrap-up, else it takes effect now."""
    agent.ask(state, reason)
    cut_wrap_ups(floor, agent)
    settle(floor, agent)


def _put_back(floor: Floor, agent: LiveAgent, command: PutBack) -> None:
    """He is where he was. With his standing his interval goes on, without it a new one begins."""
    floor.take_seat(agent, command.seat)
    agent.ask(command.asked, command.reason)
    if command.standing is not None and command.standing.state is not AgentState.SIGNED_OUT:
        _stand_as_before(floor, agent, command.standing)
        return
    if command.asked is AgentState.READY:
        agent.idle_since = floor.now - command.idle_age
        floor.move(agent, AgentState.READY, taken_back=True)
    settle(floor, agent)


def _stand_as_before(floor: Floor, agent: LiveAgent, standing: Standing) -> None:
    """Nothing is told of what merely goes on. A contact that he had is back by the time that matching begins."""
    now = floor.now
    agent.state, agent.reason, agent.since = standing.state, standing.reason, now - standing.age
    agent.idle_since = None if standing.idle_age is None else now - standing.idle_age
    agent.calls, agent.talk_seconds = standing.calls, standing.talk_seconds
    agent.occupancy, agent.weighed_at = standing.occupancy, now - standing.weighed_age
    for work in standing.wrap_ups:
        queue = floor.queues.get(work.queue) if work.queue else floor.direct
        if queue is None:
            continue
        engagement = Engagement(
            Ticket(work.contact, queue, 1, now),
            agent,
            AgentState.WRAP_UP,
            now - work.age,
            floor.next_place(),
            work.capacity,
            work.gives_way,
        )
        engagement.timer = floor.timer(engagement, now + max(0.0, work.left), agent.id)
        agent.take(engagement)
    if floor.matching:
        settle(floor, agent)


def _signed_in(floor: Floor, agent: AgentId) -> None:
    if floor.agent(agent).seat is None:
        raise NotSignedIn(agent)


def _check_pick_up(floor: Floor, agent: AgentId, contact: ContactId) -> None:
    _signed_in(floor, agent)
    live, ticket = floor.agent(agent), floor.tickets.get(contact)
    if ticket is None or ticket.talk is not None:
        raise UnknownContact(contact)
    if live.engagements:
        raise AgentBusy(agent, live.state)
    if live.seat not in floor.reachable:
        raise PhoneAway(agent)


def _wrap_up(floor: Floor, agent: AgentId) -> Engagement:
    work = wrap_up_of(floor.agent(agent))
    if work is None:
        raise NoWrapUp(agent)
    return work


def _check_more(floor: Floor, command: MoreWrapUp) -> None:
    work = _wrap_up(floor, command.agent)
    if work.timer is None or work.timer.when >= work.since + command.longest:
        raise WrapUpTooLong(command.agent, command.longest)


def _check_sign_in(floor: Floor, agent: AgentId, seat: SeatId) -> None:
    live = floor.agent(agent)
    if live.seat is not None and live.seat != seat:
        if live.has_contact():
            raise AgentBusy(agent, live.state)
        raise AlreadySignedIn(agent, live.seat)
    holder = floor.seats.get(seat)
    if holder is not None and holder is not live:
        raise SeatTaken(seat, holder.id)
