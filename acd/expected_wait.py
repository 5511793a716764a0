"""How long will I wait? An estimate per position, learned from how a queue moves.

While somebody waits for an agent, agents take contacts from the line at some rate, and those who wait give up at
some rate each. Who stands at position *p* is served when *p* contacts were taken, fewer for each that gives up
before him: his wait is the sum over *i* = 0 … *p* − 1 of 1 / (taken + *i* · given up), the queue-length estimator
with abandonment of W. Whitt (Management Science 45, 1999), here with rates learned from the queue's own recent
departures. The time in which nobody waits teaches nothing; the gap that is still open counts, so that the
estimate grows while nothing moves.

Before enough contacts were taken from the line, their rate is that of the signed-in agents, were they all at work
on contacts of the mean handling time; before the first of those, nothing is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

#: Departures that are remembered (each weighs 1 − 1 / MEMORY of the next), and how many it takes to say anything.
MEMORY, ENOUGH = 30, 3


class Departure(Enum):
    """How a contact leaves the line."""

    TAKEN = auto()  # by an agent
    LOST = auto()  # it gave up, or went elsewhere
    MOVED = auto()  # it will line up again at once: nothing is learned


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What outlives a process of a :class:`DeparturePace`."""

    seen: int
    taken: float
    moving: float
    lost: float
    waited: float
    handling: float | None


@dataclass(slots=True)
class DeparturePace:
    """The pace of one queue; instants are monotonic seconds.

    ``taken`` and ``lost`` count departures, ``moving`` is the time in which somebody waited, ``waited`` that
    time of all who waited together; all four fade with each departure. ``seen`` counts contacts taken;
    ``handling`` is the smoothed time that an agent has to do with one, wrap-up included.
    """

    at: float = 0.0
    waiting: int = 0
    seen: int = 0
    taken: float = 0.0
    moving: float = 0.0
    lost: float = 0.0
    waited: float = 0.0
    handling: float | None = None

    def learned(self) -> Learned:
        """What it knows by now."""
        return Learned(
            seen=self.seen,
            taken=self.taken,
            moving=self.moving,
            lost=self.lost,
            waited=self.waited,
            handling=self.handling,
        )

    def recall(self, learned: Learned) -> None:
        """Go on from what an earlier process knew."""
        self.seen, self.taken, self.moving = learned.seen, learned.taken, learned.moving
        self.lost, self.waited, self.handling = learned.lost, learned.waited, learned.handling

    def handled(self, seconds: float) -> None:
        """An agent is done with a contact."""
        mean = self.handling
        self.handling = seconds if mean is None else mean + (seconds - mean) / MEMORY

    def joined(self, now: float) -> None:
        """A contact lines up."""
        self._advance(now)
        self.waiting += 1

    def left(self, now: float, departure: Departure) -> None:
        """A contact leaves the line."""
        self._advance(now)
        self.waiting -= 1
        if departure is Departure.MOVED:
            return
        if departure is Departure.TAKEN:
            self.taken += 1.0
            self.seen += 1
        else:
            self.lost += 1.0
        kept = 1.0 - 1.0 / MEMORY
        self.taken *= kept
        self.moving *= kept
        self.lost *= kept
        self.waited *= kept

    def estimate(self, position: int, now: float, agents: int = 0) -> float | None:
        """Seconds that position ``position`` (from 1) will wait from now, with ``agents`` signed in, or None."""
        if self.seen < ENOUGH:
            return position * self.handling / agents if self.handling is not None and agents else None
        open_gap = max(0.0, now - self.at) if self.waiting else 0.0
        moving = self.moving + open_gap
        if moving <= 0.0:
            return 0.0
        rate = self.taken / moving
        if rate <= 0.0:
            return None
        waited = self.waited + open_gap * self.waiting
        loss = self.lost / waited if waited > 0.0 else 0.0
        if loss <= 0.0:
            return position / rate
        shifted = rate - min(loss, rate) / 2  # the sum as an integral, by its midpoints
        return math.log1p(position * loss / shifted) / loss

    def _advance(self, now: float) -> None:
        if self.waiting and now > self.at:
            passed = now - self.at
            self.moving += passed
            self.waited += passed * self.waiting
        self.at = now
