"""What each agent did when: away, at work or in a pause, the last two days. Pure, a part of the fold."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ccplatform.contracts.facts import AgentStateChanged
from ccplatform.contracts.words import AgentState
from metrics.model import MICROSECONDS, Observation, Stamp, microseconds

#: How long it is known, and how many changes of one agent are.
KEPT_US: Final = 48 * 3600 * MICROSECONDS
MAX_MARKS: Final = 2_000


class Doing(StrEnum):
    """What an agent does, as plans see it."""

    AWAY = "away"  # signed out
    WORKING = "working"  # ready, ringing, talking, wrapping up
    PAUSED = "paused"  # signed in and not ready


@dataclass(frozen=True, slots=True)
class Mark:
    """From ``at_us`` on he did this; ``reason`` is that of a pause."""

    at_us: int
    doing: Doing
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Spell:
    """He did one thing from ``start_us`` to ``end_us``."""

    start_us: int
    end_us: int
    doing: Doing
    reason: str


class Attendance:
    """Marks of every agent, oldest first, neighbours different."""

    def __init__(self) -> None:
        self._marks: dict[str, list[Mark]] = {}

    def changed(self, fact: AgentStateChanged, stamp: Stamp, out: list[Observation]) -> None:
        """An agent did one thing and begins another."""
        marks = self._marks.setdefault(fact.agent, [])
        if not marks:
            marks.append(_mark(stamp.at_us - microseconds(fact.previous_seconds), fact.previous, ""))
        # Never before what is known: the wall clock may have been set back (R10.6.d).
        new = _mark(max(stamp.at_us, marks[-1].at_us), fact.state, fact.reason)
        if (new.doing, new.reason) != (marks[-1].doing, marks[-1].reason):
            marks.append(new)
            self._forget(marks, new.at_us - KEPT_US)

    def spells(self, agent: str, start_us: int, end_us: int) -> Iterator[Spell]:
        """What he did in a time, without gaps; who is not known yet was away."""
        marks = self._marks.get(agent, [])
        first = bisect_right(marks, start_us, key=lambda mark: mark.at_us)
        known = [marks[first - 1]] if first else [Mark(start_us, Doing.AWAY)]
        known += [mark for mark in marks[first:] if mark.at_us < end_us]
        ends = [mark.at_us for mark in known[1:]] + [end_us]
        for mark, end in zip(known, ends, strict=True):
            start = max(start_us, mark.at_us)
            if end > start:
                yield Spell(start, end, mark.doing, mark.reason)

    @staticmethod
    def _forget(marks: list[Mark], before_us: int) -> None:
        """What ended before then, and what is too much."""
        old = max(bisect_right(marks, before_us, key=lambda mark: mark.at_us) - 1, len(marks) - MAX_MARKS)
        if old > 0:
            del marks[:old]

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state."""
        return {
            agent: [[mark.at_us, mark.doing.value, mark.reason] for mark in marks]
            for agent, marks in self._marks.items()
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        self._marks = {
            agent: [Mark(at_us, Doing(doing), reason) for at_us, doing, reason in marks]
            for agent, marks in data.items()
        }


def _mark(at_us: int, state: AgentState, reason: str) -> Mark:
    match state:
        case AgentState.SIGNED_OUT:
            return Mark(at_us, Doing.AWAY)
        case AgentState.NOT_READY:
            return Mark(at_us, Doing.PAUSED, reason)
        case _:
            return Mark(at_us, Doing.WORKING)
