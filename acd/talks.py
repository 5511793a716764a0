"""Talks and wrap-up, and an agent's next state."""

from __future__ import annotations

from acd.agents import Engagement, LiveAgent
from acd.events import MoreWrapUp, Phase
from acd.floor import Floor
from acd.matching import disarm, seek_contact
from acd.queues import Ticket
from ccplatform.contracts.facts import WrapUpEnded, WrapUpExtended
from ccplatform.contracts.routing import HandOver, TalkHeld, TalkReleased
from ccplatform.contracts.words import AgentId, AgentState, ContactId


def settle(floor: Floor, agent: LiveAgent) -> None:
    """Something ended or was asked for: the agent enters the state that follows and, if free, seeks contacts."""
    chief = agent.chief()
    if chief is not None:
        if agent.state is not chief.state:
            floor.move(agent, chief.state, contact=chief.ticket.contact)
    elif agent.asked is AgentState.SIGNED_OUT:
        if agent.seat is not None:
            floor.leave_seat(agent)
        return
    elif agent.asked is AgentState.READY:
        if agent.idle_since is None:
            agent.idle_since = floor.now
        if agent.state is not AgentState.READY:
            floor.move(agent, AgentState.READY)
    elif agent.state is not AgentState.NOT_READY or agent.reason != agent.asked_reason:
        floor.move(agent, AgentState.NOT_READY, agent.asked_reason)
    seek_contact(floor, agent)


def begin_talk(floor: Floor, engagement: Engagement, wrap_up_seconds: float) -> None:
    """The contact talks with the agent from now on."""
    engagement.state = AgentState.TALKING
    engagement.since = floor.now
    engagement.wrap_up_seconds = wrap_up_seconds
    engagement.ticket.talk = engagement
    engagement.ticket.preferred = None


def talk_held(floor: Floor, command: TalkHeld) -> None:
    """Hold and retrieve; saying it twice changes nothing."""
    talk = talk_of(floor, command.contact, command.agent)
    state = AgentState.HELD if command.held else AgentState.TALKING
    if talk is not None and talk.state is not state:
        talk.state = state
        settle(floor, talk.agent)


def talk_released(floor: Floor, command: TalkReleased) -> None:
    """The agent's segment is over."""
    talk = talk_of(floor, command.contact, command.agent)
    if talk is not None:
        release(floor, talk, talked=command.talked)


def release(floor: Floor, talk: Engagement, *, talked: bool = True) -> None:
    """End a talk: wrap-up, where there is one, then what the agent asked for."""
    ticket, agent, now = talk.ticket, talk.agent, floor.now
    if floor.own_calls.pop((ticket.contact, agent.id), None) is None:
        del floor.tickets[ticket.contact]
    ticket.talk = None
    if talked:
        agent.calls += 1
        agent.talk_seconds += now - talk.since
        agent.idle_since = now
        if not agent.robot:  # what a robot talks says nothing of the work
            ticket.queue.pace.handled(now - talk.since + talk.wrap_up_seconds)
    if talked and talk.wrap_up_seconds > 0:
        begin_wrap_up(floor, talk, talk.wrap_up_seconds)
    else:
        agent.drop(talk)
    settle(floor, agent)


def hand_over(floor: Floor, command: HandOver) -> None:
    """The talk under one contact goes on as another's; who talked with that one has his wrap-up.

    An agent who was called himself works for the queue that the contact came from, and wraps up as there.
    """
    before, source = floor.tickets.get(command.contact), floor.tickets.get(command.source)
    own = floor.own_calls.get((command.source, command.agent)) if command.agent is not None else None
    if own is not None:
        source = own.ticket
    if before is source:
        return
    if before is not None and before.talk is not None:
        release(floor, before.talk)
    if source is None or source.talk is None or command.contact in floor.tickets:
        return
    if own is not None:
        del floor.own_calls[source.contact, own.agent.id]
    else:
        del floor.tickets[source.contact]
    source.contact = command.contact
    floor.tickets[source.contact] = source
    queue = floor.queues.get(command.queue) if command.queue is not None else None
    if source.queue is floor.direct and queue is not None:
        source.queue = queue
        source.talk.wrap_up_seconds = queue.config.wrap_up_seconds


def begin_wrap_up(floor: Floor, work: Engagement, seconds: float) -> None:
    """After-call work, for some seconds at most."""
    work.state = AgentState.WRAP_UP
    work.since = floor.now
    work.timer = floor.timer(work, floor.now + seconds, work.agent.id)


def wrap_up_over(floor: Floor, work: Engagement) -> None:
    """After-call work has had its time."""
    end_wrap_up(floor, work)
    settle(floor, work.agent)


def wrap_up_of(agent: LiveAgent) -> Engagement | None:
    """The after-call work that he is in."""
    chief = agent.chief()
    return chief if chief is not None and chief.state is AgentState.WRAP_UP else None


def extend_wrap_up(floor: Floor, work: Engagement, command: MoreWrapUp) -> None:
    """More time for it, up to the longest."""
    if work.timer is None:
        return
    until = min(work.timer.when + command.seconds, work.since + command.longest)
    disarm(work)
    work.timer = floor.timer(work, until, work.agent.id)
    ticket = work.ticket
    floor.effects.append(
        WrapUpExtended(
            contact=ticket.contact, queue=ticket.queue.told, agent=work.agent.id, left_seconds=until - floor.now
        )
    )


def end_wrap_up(floor: Floor, work: Engagement) -> None:
    """After-call work is over, by time or because the agent asked for another state; he is to be settled."""
    disarm(work)
    agent = work.agent
    agent.drop(work)
    agent.idle_since = floor.now
    floor.effects.append(
        WrapUpEnded(
            contact=work.ticket.contact,
            queue=work.ticket.queue.told,
            agent=agent.id,
            wrap_up_seconds=floor.now - work.since,
        )
    )


def cut_wrap_ups(floor: Floor, agent: LiveAgent) -> None:
    """The agent wants to go on; he is to be settled."""
    for work in tuple(agent.engagements):
        if work.state is AgentState.WRAP_UP:
            end_wrap_up(floor, work)


def talk_of(floor: Floor, contact: ContactId, agent: AgentId) -> Engagement | None:
    """The talk of the two; what comes too late finds none."""
    own = floor.own_calls.get((contact, agent))
    if own is not None:
        return own
    ticket = floor.tickets.get(contact)
    if ticket is None or ticket.talk is None or ticket.talk.agent.id != agent:
        return None
    return ticket.talk


def is_talking(ticket: Ticket) -> bool:
    """Whether an agent has it."""
    return ticket.phase is Phase.TALKING
