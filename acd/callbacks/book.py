"""The book of promised call-backs: pure. Every promise in it is resting, in line, or being called.

* It rests while it may not be called: too early, out of hours, an attempt failed just now, the customer is on the
  line himself, its queue makes no call-backs.
* It is in line as a contact of the engine with the age of its first wait: it keeps its place while nobody is on
  the line, whatever happened in between.
* It is being called from the moment that an agent is reserved for it.

It ends once: kept when the two talk, given up after so many attempts in vain, expired, or cancelled, by people or
because an agent talked with the customer when he called again. Instants are aware wall-clock times: a promise
outlives processes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import assert_never

from acd.calendars import Calendar
from acd.callbacks.model import (
    BeginCall,
    BookEffect,
    BookEvent,
    CallBack,
    CallerArrived,
    Cancel,
    ContactOver,
    DropCall,
    LineUp,
    Moved,
    Promised,
    Refused,
    Reserved,
    RulesChanged,
    State,
    StepOut,
    Store,
    TalkBegan,
)
from acd.errors import NoCallBack, UnknownCallBack
from acd.model import CallBackRules
from ccplatform.contracts.facts import CallBackBegun, CallBackEnded
from ccplatform.contracts.routing import AgentOffered
from ccplatform.contracts.words import ContactId, QueueId
from ccplatform.kernel.core import DeadlineReached

#: After a refusal of the engine, or a call that failed for no fault of the customer's, it rests for so long.
REST_SECONDS = 60.0
#: An hour that is wished for later on is at most so far away.
FARTHEST = timedelta(days=366)


class _Place(Enum):
    RESTING = auto()
    IN_LINE = auto()
    CALLING = auto()


@dataclass(slots=True, eq=False)
class _Entry:
    row: CallBack
    place: _Place = _Place.RESTING
    due: datetime | None = None


class CallBackBook:
    """Decides when which promise is in line, and what became of it. ``new_id`` names contacts of attempts."""

    def __init__(self, *, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._open: dict[str, _Entry] = {}
        self._by_contact: dict[ContactId, _Entry] = {}
        self._by_number: dict[str, set[str]] = {}
        self._callers: dict[ContactId, str] = {}  # on the line now, of numbers that we promised something
        self._rules: dict[QueueId, CallBackRules] = {}
        self._calendars: Mapping[str, Calendar] = {}
        self._due: list[tuple[datetime, str]] = []
        self._out: list[BookEffect] = []

    def __len__(self) -> int:
        return len(self._open)

    # --- questions ---

    def get(self, call_back: str) -> CallBack | None:
        """An open promise."""
        entry = self._open.get(call_back)
        return None if entry is None else entry.row

    def promised(self, queue: QueueId, number: str) -> CallBack | None:
        """The open promise of a queue to a number."""
        rows = (self._open[name].row for name in self._by_number.get(number, ()))
        return next((row for row in rows if row.queue == queue), None)

    def waits(self, contact: ContactId) -> bool:
        """Whether the contact is a call-back in line."""
        entry = self._by_contact.get(contact)
        return entry is not None and entry.place is _Place.IN_LINE

    def next_deadline(self) -> datetime | None:
        """When the next promise may be called, or no longer."""
        while self._due:
            when, name = self._due[0]
            entry = self._open.get(name)
            if entry is not None and entry.due == when:
                return when
            heapq.heappop(self._due)
        return None

    def moved(self, row: CallBack, not_before: datetime, now: datetime) -> CallBack:
        """An open promise for another hour, which leaves as much time to keep it as the first one did.

        Raises NoCallBack while it is being called, and for an hour too far away.
        """
        if self._open[row.id].place is _Place.CALLING:
            raise NoCallBack("the call-back is being made just now")
        if not_before > now + FARTHEST:
            raise NoCallBack(f"a call-back is at most {FARTHEST.days} days away")
        rules = self._rules.get(row.queue)
        lasts = timedelta(seconds=rules.expire_seconds if rules is not None else 0.0)
        return replace(row, not_before=not_before, expires_at=max(row.expires_at, not_before + lasts))

    # --- events ---

    def use(self, calendars: Mapping[str, Calendar], now: datetime) -> Sequence[BookEffect]:
        """Go by these calendars."""
        self._calendars = calendars
        self._out = []
        self._look_at(self._open.values(), now)
        return self._out

    def handle(self, event: BookEvent | DeadlineReached, now: datetime) -> Sequence[BookEffect]:
        """Take one event; what does not fit raises a Refusal and changes nothing."""
        self._out = []
        match event:
            case Promised():
                self._promised(event, now)
            case Cancel(id=name, reason=reason):
                entry = self._open.get(name)
                if entry is None:
                    raise UnknownCallBack(name)
                self._end(entry, State.CANCELLED, reason, now)
            case Moved(id=name, not_before=not_before):
                entry = self._open.get(name)
                if entry is None:
                    raise UnknownCallBack(name)
                entry.row = self.moved(entry.row, not_before, now)
                self._out.append(Store(call_back=entry.row))
                self._look(entry, now)
            case RulesChanged(queue=queue, rules=rules):
                self._rules_changed(queue, rules, now)
            case Reserved(offer=offer):
                self._reserved(offer)
            case Refused(contact=contact):
                entry = self._by_contact.get(contact)
                if entry is not None and entry.place is _Place.IN_LINE:
                    self._rest(entry, REST_SECONDS, now)
            case CallerArrived(contact=contact, number=number):
                if number in self._by_number:
                    self._callers[contact] = number
                    self._look_at(self._of(number), now)
            case TalkBegan(contact=contact):
                self._talk_began(contact, now)
            case ContactOver():
                self._contact_over(event, now)
            case DeadlineReached():
                self._run_deadlines(now)
            case _:
                assert_never(event)
        return self._out

    def _promised(self, event: Promised, now: datetime) -> None:
        row, calling = event.call_back, event.calling
        if row.id in self._open or row.state is not State.OPEN:
            return
        if event.on_the_line:
            self._callers[row.contact] = row.number
        entry = self._open[row.id] = _Entry(row)
        self._by_number.setdefault(row.number, set()).add(row.id)
        if calling is not None:
            entry.row = replace(row, attempt=calling)
            entry.place = _Place.CALLING
            self._by_contact[calling] = entry
        self._look(entry, now)

    def _rules_changed(self, queue: QueueId, rules: CallBackRules | None, now: datetime) -> None:
        if rules is None:
            self._rules.pop(queue, None)
        else:
            self._rules[queue] = rules
        self._look_at((entry for entry in self._open.values() if entry.row.queue == queue), now)

    def _reserved(self, offer: AgentOffered) -> None:
        entry = self._by_contact.get(offer.contact)
        if entry is None or entry.place is not _Place.IN_LINE:
            return
        row = entry.row = replace(entry.row, attempt=offer.contact)
        entry.place, entry.due = _Place.CALLING, None
        begun = CallBackBegun(contact=offer.contact, call_back=row.id, queue=row.queue, attempt=row.attempts + 1)
        self._out += [Store(call_back=row), begun]
        self._out.append(BeginCall(offer=offer, call_back=row, rules=self._rules[row.queue]))

    def _talk_began(self, contact: ContactId, now: datetime) -> None:
        entry = self._by_contact.get(contact)
        if entry is not None:
            self._end(entry, State.KEPT, "", now)
            return
        for other in list(self._of(self._callers.get(contact, ""))):
            self._end(other, State.CANCELLED, "called_again", now)

    def _contact_over(self, event: ContactOver, now: datetime) -> None:
        number = self._callers.pop(event.contact, None)
        if number is not None:
            self._look_at(self._of(number), now)
        entry = self._by_contact.get(event.contact)
        if entry is None or entry.place is not _Place.CALLING:
            return
        if not event.tried:
            self._rest(entry, REST_SECONDS, now)
            return
        row = entry.row = replace(entry.row, attempts=entry.row.attempts + 1)
        rules = self._rules.get(row.queue)
        if rules is not None and row.attempts >= rules.attempts:
            self._end(entry, State.GIVEN_UP, "not_reached", now)
        else:
            self._rest(entry, REST_SECONDS if rules is None else rules.pause_seconds, now)

    # --- where a promise is ---

    def _of(self, number: str) -> Iterable[_Entry]:
        return [self._open[name] for name in sorted(self._by_number.get(number, ()))]

    def _look_at(self, entries: Iterable[_Entry], now: datetime) -> None:
        for entry in sorted(entries, key=lambda entry: (entry.row.queued_at, entry.row.id)):
            self._look(entry, now)

    def _look(self, entry: _Entry, now: datetime) -> None:
        """Bring a promise that is not being called to where it should be now."""
        if entry.place is _Place.CALLING:
            return
        row = entry.row
        if now >= row.expires_at:
            self._end(entry, State.EXPIRED, "", now)
            return
        rules = self._rules.get(row.queue)
        calendar = self._calendars.get(rules.calendar) if rules is not None and rules.calendar else None
        is_open = calendar is None or calendar.is_open(now)
        may = rules is not None and is_open and now >= row.not_before and not self._on_the_line(row.number)
        if rules is not None and may and entry.place is _Place.RESTING:
            self._line_up(entry, rules, now)
        elif not may and entry.place is _Place.IN_LINE:
            self._step_out(entry)
        change = calendar.next_change(now) if calendar is not None else None
        instants = [row.expires_at, change, row.not_before if row.not_before > now else None]
        self._set_due(entry, min(when for when in instants if when is not None))

    def _line_up(self, entry: _Entry, rules: CallBackRules, now: datetime) -> None:
        contact = ContactId(self._new_id())
        entry.place = _Place.IN_LINE
        self._by_contact[contact] = entry
        entry.row = replace(entry.row, attempt=contact)
        waited = max(0.0, (now - entry.row.queued_at).total_seconds())
        self._out.append(LineUp(contact=contact, call_back=entry.row, waited_seconds=waited, rules=rules))

    def _step_out(self, entry: _Entry) -> None:
        contact = self._forget_contact(entry)
        if contact is not None:
            self._out.append(StepOut(contact=contact))

    def _rest(self, entry: _Entry, seconds: float, now: datetime) -> None:
        self._forget_contact(entry)
        entry.row = replace(entry.row, not_before=now + timedelta(seconds=seconds))
        self._out.append(Store(call_back=entry.row))
        self._look(entry, now)

    def _end(self, entry: _Entry, state: State, reason: str, now: datetime) -> None:
        row = entry.row = replace(entry.row, state=state, reason=reason, ended_at=now)
        place, contact = entry.place, self._forget_contact(entry)
        if contact is not None and place is _Place.IN_LINE:
            self._out.append(StepOut(contact=contact))
        elif contact is not None and state is not State.KEPT:
            self._out.append(DropCall(contact=contact))
        del self._open[row.id]
        mates = self._by_number[row.number]
        mates.discard(row.id)
        if not mates:
            del self._by_number[row.number]
        ended = CallBackEnded(
            contact=row.contact,
            call_back=row.id,
            queue=row.queue,
            state=state,
            reason=reason,
            attempts=row.attempts + (state is State.KEPT),
            age_seconds=(now - row.created_at).total_seconds(),
        )
        self._out += [Store(call_back=row), ended]

    def _forget_contact(self, entry: _Entry) -> ContactId | None:
        """The promise rests; the contact that it was in line or called as."""
        contact = entry.row.attempt if entry.place is not _Place.RESTING else None
        if contact is not None:
            del self._by_contact[contact]
        entry.place, entry.due = _Place.RESTING, None
        return contact

    def _on_the_line(self, number: str) -> bool:
        return number in self._callers.values()

    def _set_due(self, entry: _Entry, when: datetime) -> None:
        if entry.row.id in self._open and entry.due != when:
            entry.due = when
            heapq.heappush(self._due, (when, entry.row.id))

    def _run_deadlines(self, now: datetime) -> None:
        while (when := self.next_deadline()) is not None and when <= now:
            _, name = heapq.heappop(self._due)
            self._open[name].due = None
            self._look(self._open[name], now)
