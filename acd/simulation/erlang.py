"""What queueing theory says of one queue and equal agents, to compare the simulator with.

Arrivals are Poisson, handling times exponential, first come is first served. *Erlang C* (M/M/c) has callers who
never give up, *Erlang A* (M/M/c+M, C. Palm 1957; Garnett, Mandelbaum, Reiman 2002) such as give up after an
exponential time of patience. Rates are per second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: States of the birth-and-death chain beyond which nothing is counted have less than this probability together.
_TAIL = 1e-12
_MOST_STATES = 1_000_000
#: Beyond this, weights are scaled down: hundreds of Erlangs would leave the range of a float.
_BIG = 1e250


@dataclass(frozen=True, slots=True, kw_only=True)
class Theory:
    """``delayed``: share of callers who wait at all; ``wait_seconds``: mean over all; ``abandoned``: share."""

    delayed: float
    wait_seconds: float
    abandoned: float


def erlang_c(agents: int, arrivals: float, handling_seconds: float) -> Theory | None:
    """The M/M/c queue; None when the load is as much as the agents can do, and there is no steady state."""
    load = arrivals * handling_seconds
    if load >= agents:
        return None
    blocked = 1.0  # Erlang B, by its recursion over the number of agents
    for number in range(1, agents + 1):
        blocked = load * blocked / (number + load * blocked)
    delayed = blocked / (1.0 - load / agents * (1.0 - blocked))
    return Theory(delayed=delayed, wait_seconds=delayed * handling_seconds / (agents - load), abandoned=0.0)


def erlang_a(agents: int, arrivals: float, handling_seconds: float, patience_seconds: float) -> Theory:
    """The M/M/c+M queue, from the steady state of its birth-and-death chain."""
    weights = [1.0]
    total, number = 1.0, 0
    while number < _MOST_STATES:
        number += 1
        leaving = min(number, agents) / handling_seconds + max(0, number - agents) / patience_seconds
        weight = weights[-1] * arrivals / leaving
        weights.append(weight)
        total += weight
        if total > _BIG:
            weights, total = [weight / _BIG for weight in weights], total / _BIG
            weight = weights[-1]
        if number > agents and arrivals < leaving and weight / (1.0 - arrivals / leaving) < _TAIL * total:
            break
    delayed = math.fsum(weights[agents:]) / total
    waiting = math.fsum((n - agents) * weight for n, weight in enumerate(weights) if n > agents) / total
    return Theory(
        delayed=delayed, wait_seconds=waiting / arrivals, abandoned=waiting / patience_seconds / arrivals
    )
