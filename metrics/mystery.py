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
#: The networks of R10.3.1.4; a call that names none went through the first.
_NETWORKS: Final = ("good", "poor", "bad")


class MysteryCalls:
    """Counts, and pairs of (samples, sum in µs), over windows of up to 24 hours."""

    def __init__(self) -> None:
        self._contacts: OrderedDict[str, None] = OrderedDict()
        self._calls = SlidingSums(DAILY, 3)  # made, completed, over loopback; those for an agent apart
        self._agents = SlidingSums(DAILY, 3)  # waits and their sum; calls that met a robot while nobody was there
        self._scores = {network: SlidingSums(DAILY, 2) for network in _NETWORKS}  # PESQ, in millionths
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
            case AgentStateChanged(robot=True):
                return True
        if not self._contacts or isinstance(fact, AgentStateChanged | MysteryCallCompared):
            return False  # the time of an agent who had a test call was spent
        return getattr(fact, "contact", None) in self._contacts

    def made(self, fact: MysteryCallMade, stamp: Stamp, out: list[Observation]) -> None:
        """A mystery call came to its end."""
        completed = fact.fate is MysteryFate.COMPLETED
        if not fact.for_agent:
            self._calls.add(stamp.second, 1, int(completed), int(fact.loopback))
        elif fact.staffed is False:
            self._agents.add(stamp.second, 0, 0, 1)
        elif fact.agent_wait_seconds is not None:
            self._agents.add(stamp.second, 1, microseconds(fact.agent_wait_seconds), 0)
        scores = [*fact.prompt_pesq, *(s for s in (fact.to_caller_pesq, fact.to_agent_pesq) if s is not None)]
        window = self._scores.get(fact.network or _NETWORKS[0])
        if scores and window is not None:
            window.add(stamp.second, len(scores), sum(map(microseconds, scores)))
        for times_of, times in ((self._keys, fact.key_seconds), (self._queries, fact.query_seconds)):
            if times:
                times_of.add(stamp.second, len(times), sum(map(microseconds, times)))
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

    def agents(self, now: int, window: int = ONE_DAY) -> tuple[int, int, int]:
        """Samples and sum of waits for an agent, and calls that are none, as nobody was signed in."""
        samples, total, unattended = self._agents.totals(now, window)
        return samples, total, unattended

    def scores(self, network: str, now: int, window: int = ONE_DAY) -> tuple[int, int]:
        """Samples and sum (in millionths) of PESQ through a network."""
        samples, total = self._scores[network].totals(now, window)
        return samples, total

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state."""
        return {name: window.snapshot() for name, window in self._windows().items()} | {
            "contacts": list(self._contacts),
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        for name, window in self._windows().items():
            window.restore(data[name])
        self._contacts = OrderedDict.fromkeys(data["contacts"])

    def _windows(self) -> dict[str, SlidingSums]:
        return {
            "calls": self._calls,
            "keys": self._keys,
            "queries": self._queries,
            "agents": self._agents,
            **{f"pesq_{network}": window for network, window in self._scores.items()},
        }
