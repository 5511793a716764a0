"""The next instant at which something is due for a waiting contact: one timer a contact, none for most."""

from __future__ import annotations

from acd.floor import Floor
from acd.model import Strategy
from acd.queues import Ticket


def set_timer(floor: Floor, ticket: Ticket) -> None:
    """Ring for the next instant at which something is due."""
    config = ticket.queue.config
    progressive = config.strategy is Strategy.RING_PROGRESSIVELY
    if progressive and ticket.offers and ticket.more_at is None and ticket.targets < config.rung_at_most:
        ticket.more_at = floor.now + config.ring_more_seconds
    instants = [ticket.entered + ring.after_seconds for ring in config.rings[ticket.ring :]]
    if config.max_wait_seconds:
        instants.append(ticket.entered + config.max_wait_seconds)
    if ticket.preferred is not None:
        instants.append(ticket.preferred_until)
    if ticket.more_at is not None:
        instants.append(ticket.more_at)
    when = min((instant for instant in instants if instant > floor.now), default=None)
    if ticket.timer is not None:
        if ticket.timer.when == when:
            return
        ticket.timer.place = 0
        ticket.timer = None
    if when is not None:
        ticket.timer = floor.timer(ticket, when, ticket.contact)
