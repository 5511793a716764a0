"""Tells the engine when queues open and close: one timer, for the next change of any calendar; and warns of years
for which a calendar has no holidays yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from acd.calendars import Calendar
from acd.errors import IllegalSetting
from acd.events import OpenQueue
from acd.model import Queue
from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import QueueId, Severity
from ccplatform.kernel.clock import Clock, TimerHandle

#: The alarm of a calendar that has single days of one year and none of the next.
NO_HOLIDAYS: Final = "calendar_without_holidays"
#: The clock is looked at again after so long at most: somebody may have set it.
LOOK_AGAIN_SECONDS = 60.0


class OpeningHours:
    """``tell`` gets the changes; a queue without a calendar is always open. ``calendars`` are all there are."""

    def __init__(self, *, clock: Clock, tell: Callable[[OpenQueue], None], alarms: Alarms) -> None:
        self._clock = clock
        self._tell = tell
        self._alarms = alarms
        self._lacking: dict[str, int] = {}  # the year that a calendar has no days of
        self.calendars: dict[str, Calendar] = {}
        self._queues: dict[QueueId, str] = {}
        self._closed: set[QueueId] = set()
        self._timer: TimerHandle | None = None

    def load(self, calendars: Iterable[Calendar], queues: Iterable[Queue]) -> None:
        """Start with what is configured."""
        self.calendars = {calendar.id: calendar for calendar in calendars}
        self._queues = {queue.id: queue.calendar for queue in queues if queue.calendar}
        self._look()

    def check(self, queue: Queue) -> None:
        """Raise IllegalSetting for a queue one of whose calendars is not there."""
        calling = queue.call_back.calendar if queue.call_back is not None else ""
        for field, calendar in (("calendar", queue.calendar), ("call_back.calendar", calling)):
            if calendar and calendar not in self.calendars:
                raise IllegalSetting(f"queue {queue.id}", field, calendar, "there is no such calendar")

    def follow(self, queue: Queue) -> None:
        """A queue was added or changed."""
        self._queues.pop(queue.id, None)
        if queue.calendar:
            self._queues[queue.id] = queue.calendar
        self._look()

    def forget(self, queue: QueueId) -> None:
        """A queue was removed."""
        self._queues.pop(queue, None)
        self._closed.discard(queue)

    def save(self, calendar: Calendar) -> None:
        """A calendar was added or changed."""
        self.calendars[calendar.id] = calendar
        self._look()

    def forget_calendar(self, calendar: str) -> None:
        """A calendar that no queue uses was removed."""
        self.calendars.pop(calendar, None)
        self._look()

    def close(self) -> None:
        """Tell no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Tell what is another than before, and look again when the next is."""
        wall = self._clock.wall()
        used = {name: self.calendars[name] for name in self._queues.values() if name in self.calendars}
        is_open = {name: calendar.is_open(wall) for name, calendar in used.items()}
        closed = {queue for queue, name in self._queues.items() if not is_open.get(name, True)}
        for queue in sorted(closed ^ self._closed):
            self._tell(OpenQueue(queue=queue, open=queue not in closed))
        self._closed = closed
        self._warn(wall)
        self.close()
        if self.calendars:
            self._timer = self._clock.call_at(self._clock.now() + self._pause(used.values()), self._look)

    def _warn(self, wall: datetime) -> None:
        found = {name: calendar.year_without_days(wall) for name, calendar in self.calendars.items()}
        lacking = {name: year for name, year in found.items() if year is not None}
        for name in sorted(self._lacking.keys() | lacking.keys()):
            if self._lacking.get(name) == lacking.get(name):
                continue
            self._alarms.clear_alarm(NO_HOLIDAYS, name)
            if name in lacking:
                text = f"calendar {name} has no holidays of {lacking[name]} yet: it opens as in any week"
                self._alarms.raise_alarm(NO_HOLIDAYS, name, Severity.NON_URGENT, text)
        self._lacking = lacking

    def _pause(self, used: Iterable[Calendar]) -> float:
        wall = self._clock.wall()
        changes = [change for calendar in used if (change := calendar.next_change(wall)) is not None]
        if not changes:
            return LOOK_AGAIN_SECONDS
        return min(LOOK_AGAIN_SECONDS, max(0.0, (min(changes) - wall).total_seconds()))
