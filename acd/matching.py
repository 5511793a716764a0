"""Who gets whom. After every event: no free, reachable, suitable agent while a contact that he may take waits.

That holds because only a contact that comes (back) or opens its next ring and an agent who becomes free can make
a match possible that was not there before, and each looks for the other at once.
"""

from __future__ import annotations

from acd.agents import Engagement, LiveAgent
from acd.expected_wait import Departure
from acd.floor import Floor
from acd.groups import SkillGroup
from acd.instants import set_timer
from acd.model import CAPACITY
from acd.order import Entry
from acd.queues import Ticket
from ccplatform.contracts.facts import Offered, OfferEnded
from ccplatform.contracts.routing import AgentOffered, OfferWithdrawn
from ccplatform.contracts.words import AgentState, FlowId, OfferEnd


def seek_agent(floor: Floor, ticket: Ticket) -> None:
    """A contact came, came back or opened a ring: offer it to whom it may go, or let it wait for (more) agents."""
    if floor.matching and not ticket.offers and _stand_in(floor, ticket, None):
        return
    while len(ticket.offers) < ticket.targets:
        agent = _pick(ticket) if floor.matching else None
        if agent is None:
            floor.line_up(ticket)
            return
        offer(floor, ticket, agent)
        if agent.firm < CAPACITY:
            seek_contact(floor, agent)


def seek_contact(floor: Floor, agent: LiveAgent) -> None:
    """An agent is free, or has room: offer him the first contact over all his groups, or let him wait.

    An agent who did not ask for contacts does neither, nor one whose phone is away: his time of grace begins.
    """
    agent.place = 0
    if agent.firm >= CAPACITY or agent.asked is not AgentState.READY or agent.removed:
        return
    if agent.seat not in floor.reachable:
        if agent.grace is None and floor.grace:
            agent.grace = floor.timer(agent, floor.now + floor.grace, agent.id)
        return
    while agent.firm < CAPACITY:
        found = _first_contact(agent) if floor.matching else None
        if found is None:
            floor.line_up_free(agent)
            if agent.robot:
                _seek_test_call(floor)
            return
        group, ticket = found
        if _stand_in(floor, ticket, agent):
            continue
        if group is not None:
            group.remember(agent)
        offer(floor, ticket, agent)


def resume(floor: Floor) -> None:
    """Match everything that came together while matching was paused: contacts in their order."""
    floor.matching = True
    waiting = [ticket for queue in floor.queues.values() for ticket in floor.in_order(queue)]
    for ticket in sorted(waiting, key=lambda ticket: ticket.key):
        if ticket.place:
            seek_agent(floor, ticket)


def offer(floor: Floor, ticket: Ticket, agent: LiveAgent, instead_of: LiveAgent | None = None) -> None:
    """Reserve the agent for the contact, for the queue's ring time; a robot ``instead_of`` whose turn it is."""
    queue, seat, now = ticket.queue, agent.seat, floor.now
    assert seat is not None  # a free agent sits somewhere
    config = queue.config
    engagement = Engagement(
        ticket, agent, AgentState.RESERVED, now, floor.next_place(), config.capacity, config.gives_way
    )
    engagement.timer = floor.timer(engagement, now + ticket.lead + config.ring_seconds, agent.id)
    ticket.offers.append(engagement)
    if len(ticket.offers) >= ticket.targets:
        queue.step_out(ticket, now, Departure.TAKEN)
    if not queue.plain:
        set_timer(floor, ticket)
    agent.place = 0
    agent.take(engagement)
    if agent.chief() is engagement:
        floor.move(agent, AgentState.RESERVED, contact=ticket.contact)
    floor.effects.append(
        Offered(
            contact=ticket.contact,
            queue=queue.told,
            agent=agent.id,
            seat=seat,
            robot=agent.robot,
            instead_of=None if instead_of is None else instead_of.id,
        )
    )
    floor.effects.append(
        AgentOffered(
            contact=ticket.contact,
            queue=queue.told,
            agent=agent.id,
            seat=seat,
            whisper=queue.config.whisper,
            after_talk=FlowId(queue.config.after_talk) if queue.config.after_talk else None,
        )
    )


def unattended(floor: Floor) -> None:
    """Agents left: robots look for test calls that nobody will take any more."""
    if floor.matching and floor.robots:
        _seek_test_call(floor)


def _stand_in(floor: Floor, ticket: Ticket, turn: LiveAgent | None) -> bool:
    """Offer a test call to a robot at the moment at which an agent could take it: its wait is a customer's, and
    the agent (``turn``: it is his; None: who is free) stays free. True: that is done.

    While everybody is busy it waits as any contact; where nobody of the queue is signed in, a robot takes it at
    once. Without a free robot it is a call like any other.
    """
    if not ticket.mystery or ticket.preferred is not None:
        return False
    robot = _free_robot(floor)
    if robot is None:
        return False
    agent = turn if turn is not None else _next_in_turn(ticket)
    if agent is None and any(group.staff for group in ticket.queue.groups):
        return False
    ticket.targets = 1
    offer(floor, ticket, robot, agent)
    return True


def _free_robot(floor: Floor) -> LiveAgent | None:
    for name in sorted(floor.robots):
        robot = floor.agents.get(name)
        if robot is not None and robot.place and not robot.engagements:
            return robot
    return None


def _next_in_turn(ticket: Ticket) -> LiveAgent | None:
    """Who would be picked; his strategy remembers nothing of it."""
    for group in ticket.groups():
        entry = group.free.front()
        if entry is not None:
            return entry[3]
    return None


def _seek_test_call(floor: Floor) -> None:
    """A robot is free: test calls may wait where nobody is signed in."""
    for queue in floor.queues.values():
        if queue.line and not any(group.staff for group in queue.groups):
            for ticket in [queue.tickets[key[1]] for key in queue.line]:
                if ticket.mystery and not _stand_in(floor, ticket, None):
                    return


def end_offer(floor: Floor, engagement: Engagement, end: OfferEnd) -> None:
    """Part contact and agent, unless he answered; what becomes of each is for the caller to say."""
    ticket, agent = engagement.ticket, engagement.agent
    disarm(engagement)
    agent.place = 0  # nobody picks him before he is settled
    if end is not OfferEnd.ANSWERED:
        agent.drop(engagement)
    ticket.offers.remove(engagement)
    floor.effects.append(
        OfferEnded(
            contact=ticket.contact,
            queue=ticket.queue.told,
            agent=agent.id,
            end=end,
            rang_seconds=floor.now - engagement.since,
        )
    )


def take_back(floor: Floor, ticket: Ticket, end: OfferEnd) -> list[LiveAgent]:
    """Take all offers of the contact back; the agents, who are to be settled, in the order of their offers."""
    agents = [engagement.agent for engagement in ticket.offers]
    for engagement in tuple(ticket.offers):
        end_offer(floor, engagement, end)
        floor.effects.append(OfferWithdrawn(contact=ticket.contact, agent=engagement.agent.id, end=end))
    return agents


def disarm(engagement: Engagement) -> None:
    """The offer or the wrap-up does not end by itself any more."""
    if engagement.timer is not None:
        engagement.timer.place = 0
        engagement.timer = None


def _pick(ticket: Ticket) -> LiveAgent | None:
    """The free agent for the contact: its preferred one, or the first of the open rings."""
    preferred = ticket.preferred
    if preferred is not None:
        return preferred if preferred.place and preferred.has_room(ticket.queue.groups[0].requirement) else None
    for group in ticket.groups():
        agent = group.pick()
        if agent is not None:
            return agent
    return None


def _first_contact(agent: LiveAgent) -> tuple[SkillGroup | None, Ticket] | None:
    """The contact that comes first of all that the agent may take, with the group in which it was found."""
    best: Entry[Ticket] | None = None
    found: SkillGroup | None = None
    if agent.own is not None:
        own = agent.own.front()
        if own is not None and agent.has_room(own[3].queue.groups[0].requirement):
            best = own
    engaged = agent.firm or agent.soft
    for group in agent.groups:
        entry = group.waiting.front()
        if (
            entry is not None
            and (best is None or entry[3].key < best[3].key)
            and not (engaged and not agent.has_room(group.requirement))
        ):
            best, found = entry, group
    return None if best is None else (found, best[3])
