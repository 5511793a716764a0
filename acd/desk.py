"""What agents ask for: to sign in and out, to be ready or not. ``check`` refuses, ``apply`` does.

``check`` looks only and raises what an agent may read; ``apply`` repeats it and then cannot fail.
"""

from __future__ import annotations

from typing import assert_never

from acd.agents import WITH_CONTACT, LiveAgent
from acd.errors import AgentBusy, AlreadySignedIn, IllegalState, NotSignedIn, SeatTaken
from acd.events import AgentCommand, GoNotReady, GoReady, PutBack, SignIn, SignOut
from acd.floor import Floor
from acd.matching import seek_contact, stop_seeking
from acd.model import check_reason
from acd.talks import end_wrap_up, go_on
from ccplatform.contracts.words import AgentId, AgentState, SeatId


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
        case _:
            assert_never(command)


def _ask(floor: Floor, agent: LiveAgent, state: AgentState, reason: str = "") -> None:
    """During a call the wish is remembered, in wrap-up it ends the wrap-up, else it takes effect now."""
    agent.ask(state, reason)
    if agent.state in WITH_CONTACT:
        return
    if agent.state is AgentState.WRAP_UP:
        end_wrap_up(floor, agent)
    elif (agent.state, agent.reason) != (state, reason):
        stop_seeking(agent)
        go_on(floor, agent)


def _put_back(floor: Floor, agent: LiveAgent, command: PutBack) -> None:
    floor.take_seat(agent, command.seat)
    agent.ask(command.asked, command.reason)
    if command.asked is AgentState.READY:
        agent.idle_since = floor.now - command.idle_age
        floor.move(agent, AgentState.READY, taken_back=True)
        seek_contact(floor, agent)
    else:
        floor.move(agent, AgentState.NOT_READY, command.reason)


def _signed_in(floor: Floor, agent: AgentId) -> None:
    if floor.agent(agent).seat is None:
        raise NotSignedIn(agent)


def _check_sign_in(floor: Floor, agent: AgentId, seat: SeatId) -> None:
    live = floor.agent(agent)
    if live.seat is not None and live.seat != seat:
        if live.state in WITH_CONTACT:
            raise AgentBusy(agent, live.state)
        raise AlreadySignedIn(agent, live.seat)
    holder = floor.seats.get(seat)
    if holder is not None and holder is not live:
        raise SeatTaken(seat, holder.id)
