"""Instants at which something ends by itself: an offer, a wrap-up, a wait, a grace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from acd.agents import Engagement, LiveAgent
    from acd.queues import Ticket

#: An engagement's lease or wrap-up, the next step of a waiting contact, the grace of an agent's lost phone.
TimerOwner: TypeAlias = "Engagement | Ticket | LiveAgent"


@dataclass(slots=True, eq=False)
class Timer:
    """``place`` is 0 once the timer is cancelled or spent."""

    when: float
    owner: TimerOwner
    place: int
