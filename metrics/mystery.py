"""What mystery calls heard over a day: what decides the clauses of 10.3.2; and which facts are theirs."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

from ccplatform.contracts.facts import (
    AgentStateChanged,
    ContactArrived,
    Fact,
    MysteryCallCompared,
    MysteryCallMade,
)
from ccplatform.contracts.words import MysteryFate
from metrics.model import DAILY, ONE_DAY, Counted, Observation, Stamp, microseconds
from metrics.windows import SlidingSums

#: Test calls of which facts may still come; beyond this many the oldest is forgotten.
_MOST_CONTACTS: Final = 10_000


class MysteryCalls:
    """Counts, and pairs of (samples, sum in µs), over windows of up to 24 hours.

    ``robots`` are the agents who answer test calls only.
    """

    def __init__(self) -> None:
        self.robots: set[str] = set()
        self._contacts: OrderedDict[str, None] = OrderedDict()
        self._calls = SlidingSums(DAILY, 3)  # made, completed, over loopback
        self._keys = SlidingSums(DAILY, 2)
        self._queries = SlidingSums(DAILY, 2)

    def passes_over(self, fact: Fact) -> bool:
        """Whether a fact is about a test call or a robot: the centre's own figures leave it out."""
        match fact:
            case ContactArrived(mystery=True, contact=contact):
                self._contacts[contact] = None
                if len(self._contacts) > _MOST_CONTACTS:
                    self._contacts.popitem(last=False)
                return True
            case AgentStateChanged(robot=True, agent=agent):
                self.robots.add(agent)
                return True
        if not self._contacts or isinstance(fact, AgentStateChanged | MysteryCallCompared):
            return False  # the time of an agent who had a test call was spent
        return getattr(fact, "contact", None) in self._contacts

    def made(self, fact: MysteryCallMade, stamp: Stamp, out: list[Observation]) -> None:
        """A mystery call came to its end."""
        completed = fact.fate is MysteryFate.COMPLETED
        self._calls.add(stamp.second, 1, int(completed), int(fact.loopback))
        for window, times in ((self._keys, fact.key_seconds), (self._queries, fact.query_seconds)):
            if times:
                window.add(stamp.second, len(times), sum(map(microseconds, times)))
        out.append(Counted("cc_mystery_calls", (fact.fate,)))

    def compared(self, fact: MysteryCallCompared, stamp: Stamp, out: list[Observation]) -> None:
        """What was recorded of a mystery call was set beside what was heard."""
        result = "not_recorded" if fact.contact is None else "different" if fact.differences else "equal"
        out.append(Counted("cc_mystery_calls_compared", (result,)))

    def calls(self, now: int, window: int = ONE_DAY) -> tuple[int, int, int]:
        """Calls made, completed, and made over loopback."""
        made, completed, loopback = self._calls.totals(now, window)
        return made, completed, loopback

    def keys(self, now: int, window: int = ONE_DAY) -> tuple[int, int]:
        """Samples and sum of DTMF responses."""
        samples, total = self._keys.totals(now, window)
        return samples, total

    def queries(self, now: int, window: int = ONE_DAY) -> tuple[int, int]:
        """Samples and sum of query responses."""
        samples, total = self._queries.totals(now, window)
        return samples, total

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state."""
        return {name: window.snapshot() for name, window in self._windows().items()} | {
            "robots": sorted(self.robots),
            "contacts": list(self._contacts),
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        for name, window in self._windows().items():
            window.restore(data[name])
        self.robots = set(data["robots"])
        self._contacts = OrderedDict.fromkeys(data["contacts"])

    def _windows(self) -> dict[str, SlidingSums]:
        return {"calls": self._calls, "keys": self._keys, "queries": self._queries}
