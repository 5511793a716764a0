"""Agents: who is in which state, and how the time of the day was spent (D-OCC, D-UTIL)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from ccplatform.contracts.facts import AgentStateChanged
from ccplatform.contracts.words import AgentState
from metrics.calendar import Calendar, DayBook
from metrics.model import MICROSECONDS, FoldRules, Observation, Stamp, microseconds


@dataclass(slots=True)
class AgentTimes:
    """Time of all agents, microseconds."""

    talk: int = 0  # hold included
    wrap_up: int = 0
    idle: int = 0  # ready, or ringing
    rest: int = 0  # not ready for any reason but a meal (break)
    meal: int = 0
    talks: int = 0  # that ended

    @property
    def handle_seconds(self) -> float | None:
        """D-AHT by states: (talk + wrap-up) / talks that ended; None without one."""
        return (self.talk + self.wrap_up) / MICROSECONDS / self.talks if self.talks else None

    @property
    def occupancy(self) -> float | None:
        """D-OCC: (talk + wrap-up) / (talk + wrap-up + idle)."""
        busy = self.talk + self.wrap_up
        return busy / (busy + self.idle) if busy + self.idle else None

    @property
    def utilisation(self) -> float | None:
        """D-UTIL: (talk + wrap-up + idle) / (talk + wrap-up + idle + break); meals are left out."""
        work = self.talk + self.wrap_up + self.idle
        return work / (work + self.rest) if work + self.rest else None

    def spend(self, state: AgentState, reason: str, duration: int, meals: frozenset[str]) -> None:
        """Add an interval."""
        match state:
            case AgentState.TALKING | AgentState.HELD:
                self.talk += duration
            case AgentState.WRAP_UP:
                self.wrap_up += duration
            case AgentState.READY | AgentState.RESERVED:
                self.idle += duration
            case AgentState.NOT_READY if reason in meals:
                self.meal += duration
            case AgentState.NOT_READY:
                self.rest += duration
            case AgentState.SIGNED_OUT:
                pass


_IN_TALK: Final = (AgentState.TALKING, AgentState.HELD)


@dataclass(frozen=True, slots=True)
class Presence:
    """The interval an agent is in."""

    state: AgentState
    reason: str
    since_us: int


class Agents:
    """Present states and the times of today and yesterday; an interval over midnight is cut there."""

    def __init__(self, *, rules: FoldRules, calendar: Calendar) -> None:
        self._meals = rules.meal_reasons
        self._calendar = calendar
        self._present: dict[str, Presence] = {}
        self._days: DayBook[AgentTimes] = DayBook(AgentTimes)
        self._of: dict[str, DayBook[AgentTimes]] = {}

    def changed(self, fact: AgentStateChanged, stamp: Stamp, out: list[Observation]) -> None:
        """An interval ended and the next began."""
        before = self._present.get(fact.agent)
        reason = before.reason if before is not None and before.state is fact.previous else ""
        lasted = microseconds(fact.previous_seconds)
        own = self._of.setdefault(fact.agent, DayBook(AgentTimes))
        for day, duration in self._calendar.split(stamp.at_us - lasted, stamp.at_us):
            for times in (self._days.of(day), own.of(day)):
                if times is not None:
                    times.spend(fact.previous, reason, duration, self._meals)
        if fact.previous in _IN_TALK and fact.state not in _IN_TALK:
            today = self._calendar.day_of(stamp.at_us // MICROSECONDS)
            for times in (self._days.of(today), own.of(today)):
                if times is not None:
                    times.talks += 1
        self._present[fact.agent] = Presence(fact.state, fact.reason, stamp.at_us)

    def by_state(self, configured: Collection[str] = ()) -> dict[AgentState, int]:
        """How many agents are in each state; of those ``configured`` who no fact told of are signed out."""
        counts = dict.fromkeys(AgentState, 0)
        counts[AgentState.SIGNED_OUT] = sum(agent not in self._present for agent in configured)
        for presence in self._present.values():
            counts[presence.state] += 1
        return counts

    def today(self, second: int) -> AgentTimes:
        """The times of the day of ``second`` up to then, open intervals included."""
        return self._until(second, self._days, self._present.values())

    def today_of(self, agent: str, second: int) -> AgentTimes:
        """The times of one agent's day up to then; nothing when no fact told of him."""
        presence = self._present.get(agent)
        return self._until(second, self._of.get(agent, DayBook(AgentTimes)), [presence] if presence else [])

    def _until(self, second: int, book: DayBook[AgentTimes], present: Iterable[Presence]) -> AgentTimes:
        day = self._calendar.day_of(second)
        times = AgentTimes(**asdict(book.peek(day)))
        begin, now = self._calendar.start(day) * MICROSECONDS, second * MICROSECONDS
        for presence in present:
            open_us = now - max(begin, presence.since_us)
            if open_us > 0:
                times.spend(presence.state, presence.reason, open_us, self._meals)
        return times

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state."""
        return {
            "present": {agent: [p.state.value, p.reason, p.since_us] for agent, p in self._present.items()},
            "days": _pages(self._days),
            "of": {agent: _pages(book) for agent, book in self._of.items()},
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        self._present = {
            agent: Presence(AgentState(state), reason, since)
            for agent, (state, reason, since) in data["present"].items()
        }
        self._days = _book(data["days"])
        self._of = {agent: _book(pages) for agent, pages in data.get("of", {}).items()}


def _pages(book: DayBook[AgentTimes]) -> dict[str, Any]:
    return {str(day): asdict(times) for day, times in book.days.items()}


def _book(pages: dict[str, Any]) -> DayBook[AgentTimes]:
    book = DayBook(AgentTimes)
    book.days = {int(day): AgentTimes(**times) for day, times in pages.items()}
    return book
