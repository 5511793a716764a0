"""Queues, day by day: offered, answered in time, abandoned, waits and handle times (D-SL, D-ASA, D-AHT)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from ccplatform.contracts.facts import QueueLeft, TalkEnded, WrapUpEnded
from metrics.calendar import Calendar, DayBook
from metrics.contacts import Contacts
from metrics.model import MICROSECONDS, FoldRules, Observation, Observed, Stamp, microseconds
from metrics.names import Names

#: Waits beyond this are counted together, seconds; no limit of a service level is longer.
LONGEST_WAIT = 3601
#: Talks whose wrap-up is awaited; beyond this many the oldest is given up.
MAX_OPEN_WRAP_UPS = 50_000
#: Fields of a day that count waits by begun seconds.
_COUNTS = ("waits", "gave_up")


@dataclass(slots=True)
class QueueDay:
    """What one queue did on one day; durations in microseconds."""

    answered: int = 0
    waits: dict[int, int] = field(default_factory=dict)  # of the answered, by begun seconds
    wait_us: int = 0  # of the answered
    abandoned: int = 0
    abandoned_short: int = 0  # of the abandoned
    abandoned_wait_us: int = 0
    gave_up: dict[int, int] = field(default_factory=dict)  # the abandoned, by begun seconds
    left_otherwise: int = 0  # transferred elsewhere, refused
    handled: int = 0  # contacts, each at the end of its first talk
    talk_us: int = 0
    hold_us: int = 0
    wrap_up_us: int = 0

    @property
    def offered(self) -> int:
        """Contacts that left the queue, whatever the reason."""
        return self.answered + self.abandoned + self.left_otherwise

    def count_wait(self, waited_us: int) -> None:
        """An answered contact had waited so long."""
        self.answered += 1
        self.wait_us += waited_us
        _count(self.waits, waited_us)

    def count_abandon(self, waited_us: int, *, short: bool) -> None:
        """A contact gave up after so long."""
        self.abandoned += 1
        self.abandoned_short += short
        self.abandoned_wait_us += waited_us
        _count(self.gave_up, waited_us)

    def answered_in_time(self, limit_seconds: int) -> int:
        """How many were answered within so many seconds."""
        return _within(self.waits, limit_seconds)

    def abandoned_in_time(self, limit_seconds: int) -> int:
        """How many gave up within so many seconds."""
        return _within(self.gave_up, limit_seconds)

    def service_level(self, limit_seconds: int) -> float | None:
        """D-SL: answered in time / all offered."""
        return self.answered_in_time(limit_seconds) / self.offered if self.offered else None


class Queues:
    """All queues. Talks without a queue count under the name ''."""

    def __init__(self, *, rules: FoldRules, contacts: Contacts, names: Names, calendar: Calendar) -> None:
        self._rules = rules
        self._contacts = contacts
        self._names = names
        self._calendar = calendar
        self._days: DayBook[dict[str, QueueDay]] = DayBook(dict)
        self._wrapping: dict[tuple[str, str], int] = {}  # (contact, agent) → talk in µs

    def left(self, fact: QueueLeft, stamp: Stamp, out: list[Observation]) -> None:
        """A contact left its queue."""
        queue = self._names.of(fact.queue)
        waited = microseconds(fact.waited_seconds)
        if fact.reason == "answered":
            out.append(Observed("cc_queue_wait_seconds", fact.waited_seconds, (queue,)))
        page = self._page(queue, stamp)
        if page is None:
            return
        match fact.reason:
            case "answered":
                page.count_wait(waited)
            case "abandoned":
                page.count_abandon(waited, short=waited < self._rules.short_abandon_us)
            case _:
                page.left_otherwise += 1

    def talked(self, fact: TalkEnded, stamp: Stamp, out: list[Observation]) -> None:
        """An agent's segment ended; its wrap-up follows."""
        talk = microseconds(fact.talk_seconds)
        if len(self._wrapping) >= MAX_OPEN_WRAP_UPS:
            del self._wrapping[next(iter(self._wrapping))]
        self._wrapping[fact.contact, fact.agent] = talk
        contact = self._contacts.get(fact.contact)
        first = contact is None or not contact.talked
        if contact is not None:
            contact.talked = True
        page = self._page(self._names.maybe(fact.queue) or "", stamp)
        if page is not None:
            page.handled += first
            page.talk_us += talk
            page.hold_us += microseconds(fact.hold_seconds)

    def wrapped_up(self, fact: WrapUpEnded, stamp: Stamp, out: list[Observation]) -> None:
        """The after-call work of a segment ended: its handle time is complete."""
        wrap_up = microseconds(fact.wrap_up_seconds)
        queue = self._names.maybe(fact.queue) or ""
        talk = self._wrapping.pop((fact.contact, fact.agent), None)
        if talk is not None:
            out.append(Observed("cc_handle_seconds", (talk + wrap_up) / 1_000_000, (queue,)))
        page = self._page(queue, stamp)
        if page is not None:
            page.wrap_up_us += wrap_up

    def day(self, second: int) -> dict[str, QueueDay]:
        """The queues on the day of ``second``."""
        return self._days.peek(self._calendar.day_of(second))

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state."""
        return {
            "days": {
                str(day): {name: _plain(page) for name, page in pages.items()}
                for day, pages in self._days.days.items()
            },
            "wrapping": [[contact, agent, talk] for (contact, agent), talk in self._wrapping.items()],
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        self._days.days = {
            int(day): {name: _queue_day(counts) for name, counts in pages.items()}
            for day, pages in data["days"].items()
        }
        self._wrapping = {(contact, agent): talk for contact, agent, talk in data["wrapping"]}

    def _page(self, queue: str, stamp: Stamp) -> QueueDay | None:
        pages = self._days.of(self._calendar.day_of(stamp.second))
        if pages is None:
            return None
        page = pages.get(queue)
        if page is None:
            page = pages[queue] = QueueDay()
        return page


def _plain(page: QueueDay) -> dict[str, Any]:
    listed = {name: [list(pair) for pair in sorted(getattr(page, name).items())] for name in _COUNTS}
    return {**asdict(page), **listed}


def _queue_day(counts: dict[str, Any]) -> QueueDay:
    return QueueDay(**{**counts, **{name: dict(counts[name]) for name in _COUNTS}})


def _count(counts: dict[int, int], waited_us: int) -> None:
    begun = min(-(-waited_us // MICROSECONDS), LONGEST_WAIT)
    counts[begun] = counts.get(begun, 0) + 1


def _within(counts: dict[int, int], limit_seconds: int) -> int:
    return sum(count for begun, count in counts.items() if begun <= limit_seconds)
