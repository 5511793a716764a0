"""Into a queue and out of it without an answer: admission, rings, preference, longest wait, overflow, leaving."""

from __future__ import annotations

import math

from acd.agents import LiveAgent
from acd.errors import ContactPlaced, UnknownQueue
from acd.floor import Floor
from acd.instants import set_timer
from acd.matching import seek_agent, take_back, unattended
from acd.model import PRIORITIES, OverflowCause, TargetKind
from acd.queues import LiveQueue, Ticket
from acd.talks import release, settle
from ccplatform.contracts.facts import Queued
from ccplatform.contracts.routing import QueueContact, QueueRefused, TransferContact, WithdrawContact
from ccplatform.contracts.words import OfferEnd, QueueId

#: Queues that a contact may overflow from before it is refused; loops are refused when they are configured.
MAX_HOPS = 8
#: Rank of a contact that an agent called and then let wait in a queue.
CALLED_PRIORITY = 5
#: Longest time that a contact waits for one agent of its own, seconds.
MAX_PREFERRED_SECONDS = 86_400.0

#: Longest time that a customer may be rung before the agent reserved for him is, seconds.
MAX_LEAD_SECONDS = 300.0

#: What a refused contact is told.
_REFUSALS = {
    OverflowCause.FULL: "queue_full",
    OverflowCause.MAX_WAIT: "max_wait",
    OverflowCause.NOBODY: "nobody_signed_in",
    OverflowCause.CLOSED: "queue_closed",
}


def queue_contact(floor: Floor, command: QueueContact, max_contacts: int) -> None:
    """Let a contact wait; raises ContactPlaced when it has a place already."""
    ticket = floor.tickets.get(command.contact)
    if ticket is not None:
        raise ContactPlaced(ticket.contact, ticket.queue.id, ticket.phase)
    reason = _refusal(floor, command, max_contacts)
    if reason:
        floor.effects.append(QueueRefused(contact=command.contact, queue=command.queue, reason=reason))
        return
    ticket = Ticket(
        command.contact, floor.queues[command.queue], command.priority, floor.now - command.waited_seconds
    )
    ticket.patient, ticket.lead, ticket.mystery = command.patient, command.lead_seconds, command.mystery
    preferred = floor.agents.get(command.preferred) if command.preferred is not None else None
    if preferred is not None and preferred.seat is not None and not preferred.removed:
        ticket.preferred = preferred
        ticket.preferred_until = floor.now + command.preferred_seconds
    _enter(floor, ticket)


def transfer_contact(floor: Floor, command: TransferContact) -> None:
    """Let a contact go from where it is into another queue, with its priority and the time that it waited.

    Raises UnknownQueue, and then has changed nothing.
    """
    ticket = floor.tickets.get(command.contact)
    own = floor.own_calls.get((command.contact, command.agent)) if command.agent is not None else None
    if ticket is None and own is None:
        return
    queue = floor.queues.get(command.queue)
    if queue is None:
        raise UnknownQueue(command.queue)
    if own is not None:
        release(floor, own)
    if ticket is None:
        _enter(floor, Ticket(command.contact, queue, CALLED_PRIORITY, floor.now))
        return
    talk = ticket.talk
    waited = (talk.since if talk is not None else floor.now) - ticket.entered
    if talk is not None:
        release(floor, talk)
    else:
        drop_waiting(floor, ticket, "transferred", OfferEnd.WITHDRAWN)
    again = Ticket(ticket.contact, queue, ticket.priority, floor.now - waited)
    again.patient = ticket.patient and talk is None
    again.mystery = ticket.mystery
    _enter(floor, again)


def withdraw_contact(floor: Floor, command: WithdrawContact) -> None:
    """The contact is gone, wherever it was."""
    ticket = floor.tickets.get(command.contact)
    if ticket is None:
        return
    if ticket.talk is not None:
        release(floor, ticket.talk)
        return
    end = OfferEnd.CALLER_LEFT if command.reason == "abandoned" else OfferEnd.WITHDRAWN
    drop_waiting(floor, ticket, command.reason, end)


def drop_waiting(floor: Floor, ticket: Ticket, reason: str, end: OfferEnd) -> None:
    """Take a contact that no agent has answered out of its queue, and its offers back."""
    del floor.tickets[ticket.contact]
    agents = take_back(floor, ticket, end)
    floor.leave_queue(ticket, reason)
    for agent in agents:
        settle(floor, agent)


def wait_on(floor: Floor, ticket: Ticket) -> None:
    """The contact came, an offer of it failed, or its instant came: do what is due, and look for an agent.

    Who called one agent wants no other: the contact is gone.
    """
    queue, now, preferred = ticket.queue, floor.now, ticket.preferred
    if queue is floor.direct:
        if ticket.offers:
            return
        del floor.tickets[ticket.contact], queue.tickets[ticket.contact]
        return
    if queue.plain and preferred is None:
        seek_agent(floor, ticket)
        return
    if preferred is not None and (now >= ticket.preferred_until or preferred.removed or preferred.seat is None):
        forget_preference(floor, ticket)
    if queue.timed:
        queue.open_ring(ticket, queue.ring_at(ticket, now))
    if not ticket.offers:
        ticket.targets, ticket.more_at = queue.targets(), None
    elif ticket.more_at is not None and now >= ticket.more_at:
        ticket.targets = min(ticket.targets + 1, queue.config.rung_at_most)
        ticket.more_at = None
    seek_agent(floor, ticket)
    if not ticket.patient and _overdue(queue, ticket, now):
        del floor.tickets[ticket.contact]
        floor.leave_queue(ticket, "overflowed")
        _overflow(floor, ticket, OverflowCause.MAX_WAIT)
    else:
        set_timer(floor, ticket)


def forget_preference(floor: Floor, ticket: Ticket) -> None:
    """The contact goes to any agent now; it keeps its place in line."""
    ticket.preferred = None
    if ticket.place:
        ticket.queue.line_up_anew(ticket, floor.next_place())


def mind_the_gaps(floor: Floor) -> None:
    """Agents left: nobody waits for one who is gone, or in a queue that has nobody, if it overflows then."""
    left = bool(floor.thinned)
    while floor.thinned:
        agent, groups = floor.thinned.pop(0)
        if agent.seat is None or agent.removed:
            _release_own(floor, agent)
        for queue in {id(queue): queue for group in groups if not group.staff for queue in group.queues}.values():
            if _deserted(queue):
                for ticket in floor.in_order(queue):
                    if ticket.place and not ticket.offers and not ticket.patient:
                        del floor.tickets[ticket.contact]
                        floor.leave_queue(ticket, "overflowed")
                        _overflow(floor, ticket, OverflowCause.NOBODY)
    if left:
        unattended(floor)


def _release_own(floor: Floor, agent: LiveAgent) -> None:
    while agent.own is not None and (ticket := agent.own.first()) is not None:
        wait_on(floor, ticket)


def _enter(floor: Floor, ticket: Ticket) -> None:
    """Let the contact into its queue, or elsewhere if it cannot wait there."""
    queue = ticket.queue
    cause = None if ticket.patient else _obstacle(queue)
    if cause is not None:
        _overflow(floor, ticket, cause)
        return
    floor.enter_queue(ticket)
    floor.effects.append(
        Queued(
            contact=ticket.contact,
            queue=queue.id,
            priority=ticket.priority,
            waited_seconds=floor.now - ticket.entered,
            expected_seconds=queue.expected_wait(len(queue.line) + 1, floor.now),
        )
    )
    wait_on(floor, ticket)


def _overflow(floor: Floor, ticket: Ticket, cause: OverflowCause) -> None:
    """The contact, out of its queue, goes where the queue says, or is given back to its flow."""
    queue = ticket.queue
    target, reason, to = queue.config.overflow(cause), _REFUSALS[cause], ""
    if target is not None and target.kind is TargetKind.QUEUE:
        beyond = floor.queues.get(target.to)  # type: ignore[call-overload]
        if beyond is not None and ticket.hops < MAX_HOPS:
            again = Ticket(ticket.contact, beyond, ticket.priority, ticket.entered)
            again.hops = ticket.hops + 1
            again.mystery = ticket.mystery
            _enter(floor, again)
            return
        reason = "no_such_queue" if beyond is None else "too_many_overflows"
    elif target is not None:
        to = f"{target.kind}:{target.to}"
    floor.effects.append(QueueRefused(contact=ticket.contact, queue=queue.id, reason=reason, target=to))


def refusal(floor: Floor, name: QueueId) -> str:
    """Why a contact cannot enter a queue now, nor one that it overflows to; '': it can."""
    for _ in range(MAX_HOPS + 1):
        queue = floor.queues.get(name)
        if queue is None:
            return "no_such_queue"
        cause = _obstacle(queue)
        if cause is None:
            return ""
        target = queue.config.overflow(cause)
        if target is None or target.kind is not TargetKind.QUEUE:
            return _REFUSALS[cause]
        name = QueueId(target.to)
    return "too_many_overflows"


def _obstacle(queue: LiveQueue) -> OverflowCause | None:
    if not queue.open:
        return OverflowCause.CLOSED
    if len(queue.tickets) >= queue.config.max_waiting:
        return OverflowCause.FULL
    return OverflowCause.NOBODY if queue.config.overflows and _deserted(queue) else None


def _deserted(queue: LiveQueue) -> bool:
    """Whether contacts are not to wait, because nobody who could take them is signed in."""
    if queue.config.overflow(OverflowCause.NOBODY) is None:
        return False
    return not any(group.staff for group in queue.groups)


def _overdue(queue: LiveQueue, ticket: Ticket, now: float) -> bool:
    longest = queue.config.max_wait_seconds
    return longest > 0 and not ticket.offers and ticket.place != 0 and now >= ticket.entered + longest


def _refusal(floor: Floor, command: QueueContact, max_contacts: int) -> str:
    queue = floor.queues.get(command.queue)
    if queue is None:
        return "no_such_queue"
    if command.priority not in PRIORITIES:
        return "illegal_priority"
    if not (math.isfinite(command.waited_seconds) and command.waited_seconds >= 0):
        return "illegal_age"
    if not 0 <= command.lead_seconds <= MAX_LEAD_SECONDS:
        return "illegal_lead"
    if not 0 <= command.preferred_seconds <= MAX_PREFERRED_SECONDS:
        return "illegal_preference"
    return "queue_full" if len(floor.tickets) >= max_contacts else ""
