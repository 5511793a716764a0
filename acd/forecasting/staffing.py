"""How long callers wait with so many agents, and how many agents it takes: Erlang A with measured patience. Pure.

Where nobody was seen to give up yet, Erlang C. A quarter of an hour is taken as a steady state: it is one where
it is long against the handling time, and errs to the safe side where a queue has just begun to grow less than it
seems. Agents who serve several queues are shared out among these by what each of them asks for, which may leave
fractions of agents: between whole numbers the figures are interpolated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from acd.forecasting.model import Limits, Load, Staff
from acd.simulation.erlang import Theory, erlang_a, erlang_c
from ccplatform.contracts.words import QueueId

#: Nobody is asked for more than so many agents.
MOST_MORE: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """Mean wait of all callers (None: it grows without end) and the share of them that gives up."""

    wait_seconds: float | None
    abandoned: float

    def holds(self, limits: Limits) -> bool:
        """Whether both are within the limits."""
        if self.wait_seconds is None:
            return False
        return self.wait_seconds <= limits.wait_seconds and self.abandoned <= limits.abandoned


def prospect(load: Load, agents: float) -> Prospect:
    """What so many agents make of it."""
    if load.arrivals <= 0.0:
        return Prospect(wait_seconds=0.0, abandoned=0.0)
    below, above = _of_whole(load, math.floor(agents)), _of_whole(load, math.ceil(agents))
    if below is None or above is None:
        return Prospect(wait_seconds=None, abandoned=0.0)
    part = agents - math.floor(agents)
    return Prospect(
        wait_seconds=below.wait_seconds + part * (above.wait_seconds - below.wait_seconds),
        abandoned=below.abandoned + part * (above.abandoned - below.abandoned),
    )


def missing(load: Load, agents: float, limits: Limits) -> int:
    """The fewest further agents with whom it holds; at most :data:`MOST_MORE`."""
    if prospect(load, agents).holds(limits):
        return 0
    fails, holds = 0, 1
    while holds < MOST_MORE and not prospect(load, agents + holds).holds(limits):
        fails, holds = holds, 2 * holds
    while holds - fails > 1:
        middle = (fails + holds) // 2
        if prospect(load, agents + middle).holds(limits):
            holds = middle
        else:
            fails = middle
    return min(holds, MOST_MORE)


def shared_out(staff: Staff, erlangs: Mapping[QueueId, float]) -> dict[QueueId, float]:
    """How many agents each queue has of those who are there: an agent of several queues is divided among them by
    their loads, evenly where there is none."""
    shares = dict.fromkeys(erlangs, 0.0)
    for queues in staff.values():
        served = [queue for queue in sorted(queues) if queue in shares]
        total = math.fsum(erlangs[queue] for queue in served)
        for queue in served:
            shares[queue] += erlangs[queue] / total if total > 0.0 else 1.0 / len(served)
    return {queue: round(share, 6) for queue, share in shares.items()}


def _of_whole(load: Load, agents: int) -> Theory | None:
    patience = load.patience_seconds
    return _theory(agents, load.arrivals, load.handling_seconds, patience)


@lru_cache(maxsize=4096)
def _theory(agents: int, arrivals: float, handling: float, patience: float | None) -> Theory | None:
    if patience is None:
        return erlang_c(agents, arrivals, handling) if agents else None
    return erlang_a(agents, arrivals, handling, patience)
