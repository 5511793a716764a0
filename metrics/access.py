"""Trunks: connect rate, IVR success and load, by idle and busy two-hour windows (R10.3.1.1, R10.3.1.5).

Each trunk has one sliding two-hour window and its load over the same two hours, which makes the window *idle*
or *busy* as it stands. What the last window of the other class showed is kept for a day, so that both rows have
a value although a trunk is in one class at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ccplatform.contracts.facts import (
    CallRefused,
    CallsRefused,
    ContactEnded,
    FirstVoiceSent,
    FlowLeft,
    TrunkChannelsChanged,
)
from ccplatform.contracts.words import ACCESS_CAUSES, Direction, FlowOutcome, Outcome, ReleaseCause
from metrics.contacts import Contacts
from metrics.model import (
    HOURLY,
    MICROSECONDS,
    ONE_DAY,
    TWO_HOURS,
    Counted,
    LoadClass,
    Observation,
    Stamp,
    microseconds,
)
from metrics.names import Names
from metrics.windows import SlidingLevel, SlidingSums

#: From this mean load per channel on, a window is busy (0.875 = 125 % of 0.7 Erl).
BUSY_ERLANG: Final = 0.875

#: So long after the INVITE the caller must hear us (the limit of R10.3.1.2); who leaves before misses nothing.
VOICE_DUE_SECONDS: Final = 1.0

#: Fates that are no attempt at all: given up by the caller, or a number that nobody has.
_NO_ATTEMPT: Final = frozenset({ReleaseCause.CANCELLED, ReleaseCause.NOT_FOUND})
_ACCESS: Final = frozenset(cause.value for cause in ACCESS_CAUSES)


@dataclass(frozen=True, slots=True)
class AccessSums:
    """What a two-hour window of a trunk counted."""

    attempts: int = 0
    connected: int = 0
    blocked: int = 0
    sessions: int = 0
    completed: int = 0

    def plus(self, other: AccessSums) -> AccessSums:
        """Both together."""
        return AccessSums(
            self.attempts + other.attempts,
            self.connected + other.connected,
            self.blocked + other.blocked,
            self.sessions + other.sessions,
            self.completed + other.completed,
        )


class Trunk:
    """One trunk's window, load, and the last window of each class."""

    def __init__(self) -> None:
        self.sums = SlidingSums(HOURLY, 5)
        self.level = SlidingLevel(TWO_HOURS * MICROSECONDS)
        self.last: dict[LoadClass, tuple[int, AccessSums]] = {}  # end second, sums
        self._changed: Stamp | None = None

    def count(self, second: int, stamp: Stamp, *amounts: int) -> None:
        """Count at ``second`` what became known at ``stamp``; the window before it is kept for its class."""
        self.keep(stamp)
        self.sums.add(second, *amounts)

    def keep(self, stamp: Stamp) -> None:
        """Remember the window as it stands, under its class."""
        if self.sums.end is not None:
            elapsed = stamp.since(self._changed) if self._changed is not None else 0
            kind = _class_of(self.level.load(elapsed))
            self.last[kind] = (stamp.second, AccessSums(*self.sums.totals(stamp.second)))

    def change(self, stamp: Stamp, in_use: int, capacity: int) -> None:
        """The channels in use changed; a fact that comes after a newer one of its epoch is superseded."""
        before = self._changed
        if before is not None and before.epoch == stamp.epoch and stamp.mono_us < before.mono_us:
            return
        self.keep(stamp)
        self.level.change(stamp.since(before) if before is not None else 0, in_use, capacity)
        self._changed = stamp

    def integrals(self, now: int) -> tuple[int, int]:
        """Carried traffic and configured channels of the two hours before ``now``, in channel-microseconds."""
        return self.level.integrals(self._elapsed(now))

    def load(self, now: int) -> float | None:
        """Erlang per channel over the two hours before ``now``."""
        return self.level.load(self._elapsed(now))

    def window(self, kind: LoadClass, now: int, width: int) -> tuple[int, AccessSums] | None:
        """The present window when it is of this class; else the last such of the past day, for the whole two
        hours, or nothing."""
        if _class_of(self.load(now)) is kind:
            return now, AccessSums(*self.sums.totals(now, width))
        kept = self.last.get(kind) if width == TWO_HOURS else None
        return kept if kept is not None and kept[0] > now - ONE_DAY else None

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state."""
        changed = self._changed
        return {
            "sums": self.sums.snapshot(),
            "level": self.level.snapshot(),
            "changed": [changed.epoch, changed.at_us, changed.mono_us, changed.second] if changed else None,
            "last": {
                kind.value: [end, sums.attempts, sums.connected, sums.blocked, sums.sessions, sums.completed]
                for kind, (end, sums) in self.last.items()
            },
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        self.sums.restore(data["sums"])
        self.level.restore(data["level"])
        self._changed = Stamp(*data["changed"]) if data["changed"] else None
        self.last = {LoadClass(kind): (end, AccessSums(*sums)) for kind, (end, *sums) in data["last"].items()}

    def _elapsed(self, now: int) -> int:
        return max(0, now * MICROSECONDS - self._changed.at_us) if self._changed is not None else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """A trunk's last two hours (R10.3.1.1). Calls that find every channel busy are lost, hence *offered* is
    carried / (1 - blocked / all calls)."""

    carried_erlang: float
    offered_erlang: float
    load_erlang: float
    load_class: str
    attempts: int
    blocked: int


class Access:
    """All trunks. Calls without a trunk count for IVR success only, under the name ''."""

    def __init__(self, *, contacts: Contacts, trunks: Names) -> None:
        self._contacts = contacts
        self._names = trunks
        self.trunks: dict[str, Trunk] = {}

    def refused(self, fact: CallRefused, stamp: Stamp, out: list[Observation]) -> None:
        """A call was not let in: a failure of ours, or blocked when every channel was busy."""
        if fact.trunk is None or fact.cause in _NO_ATTEMPT:
            return
        name = self._names.of(fact.trunk)
        if fact.cause is ReleaseCause.BUSY:
            out.append(Counted("cc_blocked_calls", (name,)))
            self._trunk(name).count(stamp.second, stamp, 0, 0, 1, 0, 0)
        else:
            self._trunk(name).count(stamp.second, stamp, 1, 0, 0, 0, 0)

    def refused_unread(self, fact: CallsRefused, stamp: Stamp, out: list[Observation]) -> None:
        """Calls that overload control did not let in: failures of ours, as many as they were."""
        if fact.trunk is not None:
            self._trunk(self._names.of(fact.trunk)).count(stamp.second, stamp, fact.calls, 0, 0, 0, 0)

    def voiced(self, fact: FirstVoiceSent, stamp: Stamp, out: list[Observation]) -> None:
        """The caller hears us: a successful attempt, in the second it arrived."""
        contact = self._contacts.get(fact.contact)
        if contact is None:
            arrived = (stamp.at_us - microseconds(fact.connect_seconds)) // MICROSECONDS
            trunk = self._names.maybe(fact.trunk)
        elif contact.voiced or contact.direction is not Direction.INBOUND:
            return
        else:
            contact.voiced, arrived, trunk = True, contact.arrived, contact.trunk
        if trunk is not None:
            self._trunk(trunk).count(arrived, stamp, 1, 1, 0, 0, 0)

    def ended(self, fact: ContactEnded, stamp: Stamp, out: list[Observation]) -> None:
        """A contact is over; without voice it was a failure, unless the caller left before any was due.

        Where the sound was not ours to make (an echo, a party outside) RTP to the caller is enough.
        """
        contact = self._contacts.get(fact.contact)
        if (
            contact is None
            or contact.voiced
            or contact.direction is not Direction.INBOUND
            or contact.trunk is None
        ):
            return
        connected = int(contact.foreign_sound and contact.sent)
        gave_up = fact.outcome is Outcome.ABANDONED_BEFORE_ANSWER and fact.cause is ReleaseCause.NORMAL
        early = contact.caller_left and fact.total_seconds <= VOICE_DUE_SECONDS
        if not connected and (gave_up or early or fact.cause in _NO_ATTEMPT):
            return
        self._trunk(contact.trunk).count(contact.arrived, stamp, 1, connected, 0, 0, 0)

    def left_flow(self, fact: FlowLeft, stamp: Stamp, out: list[Observation]) -> None:
        """An IVR session is over."""
        if not counts_as_session(fact):
            return
        contact = self._contacts.get(fact.contact)
        trunk = contact.trunk if contact is not None else None
        completed = int(fact.outcome is FlowOutcome.COMPLETED)
        self._trunk(trunk or "").count(stamp.second, stamp, 0, 0, 0, 1, completed)

    def channels(self, fact: TrunkChannelsChanged, stamp: Stamp, out: list[Observation]) -> None:
        """Channels were taken or freed."""
        self._trunk(self._names.of(fact.trunk)).change(stamp, fact.in_use, fact.capacity)

    def window(self, kind: LoadClass, now: int, width: int = TWO_HOURS) -> tuple[int, AccessSums]:
        """The end and the sums of the windows of this class, over all trunks."""
        end, sums = 0, AccessSums()
        for trunk in self.trunks.values():
            found = trunk.window(kind, now, width)
            if found is not None:
                end, sums = max(end, found[0]), sums.plus(found[1])
        return end, sums

    def load(self, now: int) -> float | None:
        """Mean load per channel over all trunks and the last two hours; None when no channel is known."""
        carried, channels = 0, 0
        for trunk in self.trunks.values():
            level, capacity = trunk.integrals(now)
            carried, channels = carried + level, channels + capacity
        return carried / channels if channels else None

    def traffic(self, name: str, now: int) -> Traffic | None:
        """What a trunk carries; None while nothing is known of its channels."""
        trunk = self.trunks.get(name)
        load = trunk.load(now) if trunk is not None else None
        if trunk is None or load is None or trunk.level.current is None:
            return None
        sums = AccessSums(*trunk.sums.totals(now))
        carried, calls = load * trunk.level.current[1], sums.attempts + sums.blocked
        answered = 1 - sums.blocked / calls if calls else 1.0
        return Traffic(
            carried_erlang=carried,
            offered_erlang=carried / answered if answered else carried,
            load_erlang=load,
            load_class=_class_of(load).value,
            attempts=sums.attempts,
            blocked=sums.blocked,
        )

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state."""
        return {name: trunk.snapshot() for name, trunk in self.trunks.items()}

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        self.trunks = {}
        for name, stored in data.items():
            self._trunk(name).restore(stored)

    def _trunk(self, name: str) -> Trunk:
        trunk = self.trunks.get(name)
        if trunk is None:
            trunk = self.trunks[name] = Trunk()
        return trunk


def counts_as_session(fact: FlowLeft) -> bool:
    """Whether an IVR session is in the denominator of IVR success (R10.3.1.5, R10.3.2.a)."""
    return fact.outcome is FlowOutcome.COMPLETED or (
        fact.outcome is FlowOutcome.FAILED and fact.cause not in _ACCESS
    )


def _class_of(load: float | None) -> LoadClass:
    return LoadClass.BUSY if load is not None and load >= BUSY_ERLANG else LoadClass.IDLE
