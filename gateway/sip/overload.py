"""Overload control in levels (R10.4.f): which new calls are refused while the node has more to do than it can.

A pure core. Every period it is told what was measured; the measure that is nearest to its limit, as a multiple of
it, is the *pressure*. The restriction is one number from 0 to 3: each whole step closes the centre to one class of
calls more, and the part of a step is the share of the next class that is refused (of the throttles in RFC 6357
section 5.3 the one by percentage). While the pressure is above 1 and not falling, a fraction is taken from the
share that still gets in; well below 1 that share grows slowly. So restriction finds what can be served and refuses
no more than must be; to refuse everybody, then nobody, would serve fewer. A class of which no calls come is passed
over.

===== ================= ===============================================
level restriction       refused
===== ================= ===============================================
1     above 0           some, then all calls of low-priority directions,
                        and calls that are clicked for
2     above 1           some, then all ordinary callers
3     above 2           some, then all but emergency and VIP numbers
===== ================= ===============================================

A level is left only when the restriction has been below it for ``calm_seconds``: it is what people are alarmed by.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from math import ceil
from typing import Final
from zlib import crc32

from gateway.sip.overload_settings import OverloadSettings

#: The pressure counts as falling when it is below this share of what it was.
FALLING: Final = 0.99
#: A pressure between this and 1 changes nothing.
EASE: Final = 0.9
#: What is left, at the least, of the share that gets in after a tenth of a second of pressure.
STRICTEST: Final = 0.7
#: A share below this is none.
LEAST_SHARE: Final = 0.02
#: How the share that gets in grows where nothing presses: by so much a second, and by so much of itself.
GROWTH: Final = (0.15, 0.5)
#: A class is one of which calls come when some did in this time, seconds, or the same time before.
SEEN_SECONDS: Final = 5.0
#: The longest time between two measurements that counts, seconds: after a standstill nobody knows what was.
MAX_PERIOD_SECONDS: Final = 1.0
#: New calls whose verdict is remembered, so that a repeated INVITE gets the same.
MAX_VERDICTS: Final = 20_000


class Level(IntEnum):
    """How far calls are restricted."""

    NONE = 0
    DIRECTIONS = 1
    ORDINARY = 2
    ESSENTIAL = 3


class CallClass(StrEnum):
    """What kind of new call; the first is refused first, the last never."""

    LOW_PRIORITY = "low_priority"
    ORDINARY = "ordinary"
    CENTRE = "centre"  # of the centre's own seats
    PROTECTED = "protected"  # to emergency numbers, from or to VIP numbers


#: The classes that restriction closes, in this order.
_CLOSING: Final = (CallClass.LOW_PRIORITY, CallClass.ORDINARY, CallClass.CENTRE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What was measured over the last period."""

    lag_seconds: float  # how much later than asked for the event loop did things, on average
    waiting: int  # messages that came and were not read yet
    cpu: float  # of one processor, used by the thread that carries calls: 0 to 1
    memory: float  # of the node's memory, in use: 0 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChanged:
    """Effect: calls are restricted to another level; ``reason`` says by what measure."""

    level: Level
    previous: Level
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCall:
    """What is looked at of an INVITE outside any dialog."""

    key: str  # Call-ID and CSeq: the same when it is repeated, another when the caller tries again
    dialled: str
    caller: str
    seat: bool
    trunk: str = ""
    ordered: bool = False  # by a click: no phone calls yet
    believed: bool = False  # the caller's number is his: the trunk is trusted to say so, or it is a seat's account
    emergency: bool = False  # a route of calls out says that the dialled number is that of an emergency service


class OverloadControl:
    """Decides. ``restriction`` is 0 (none) to 3 (emergency and VIP numbers only)."""

    def __init__(self, settings: OverloadSettings) -> None:
        self._settings = settings
        self._measured_at: float | None = None
        self._below_since: float | None = None
        self._pressure = 0.0
        self._seen: set[CallClass] = set()
        self._seen_before: set[CallClass] = set()
        self._seen_since = 0.0
        self._verdicts: OrderedDict[str, bool] = OrderedDict()
        self._refusals = 0  # among the verdicts
        self.restriction = 0.0
        self.level = Level.NONE
        self.refused: Counter[CallClass] = Counter()

    def measured(self, load: Load, now: float) -> LevelChanged | None:
        """Take a measurement."""
        if not self._settings.enabled:
            return None
        since, self._measured_at = self._measured_at, now
        if since is None:
            return None
        before = self._pressure
        self._pressure, reason = self._pressure_of(load)
        seconds = min(now - since, MAX_PERIOD_SECONDS)
        self._forget_seen(now)
        if self._pressure > 1.0:
            if self._pressure >= before * FALLING:
                self._tighten(max(STRICTEST, 1.0 / self._pressure) ** (seconds / 0.1))
        elif self._pressure < EASE:
            self._loosen(seconds * (1.0 - self._pressure))
        return self._settle(reason, now)

    @property
    def lets_all_in(self) -> bool:
        """Whether it would refuse no call now, not even one that is repeated."""
        return not self.restriction and not self._refusals

    def refuses(self, call: NewCall) -> bool:
        """Whether this new call is to be refused; a repeated INVITE of a call gets the same answer."""
        verdict = self._verdicts.get(call.key)
        if verdict is None:
            verdict = self._judged(call)
            self._verdicts[call.key] = verdict
            self._refusals += verdict
            if len(self._verdicts) > MAX_VERDICTS:
                self._refusals -= self._verdicts.popitem(last=False)[1]
        return verdict

    def class_of(self, call: NewCall) -> CallClass:
        """What kind of call it is."""
        settings = self._settings
        if call.emergency or call.dialled in settings.emergency_numbers:
            return CallClass.PROTECTED
        if call.dialled in settings.vip_numbers or (call.believed and call.caller in settings.vip_numbers):
            return CallClass.PROTECTED
        if call.ordered:
            return CallClass.LOW_PRIORITY
        if call.seat:
            return CallClass.CENTRE
        if call.trunk in settings.low_priority_trunks or call.dialled.startswith(settings.low_priority_numbers):
            return CallClass.LOW_PRIORITY
        return CallClass.ORDINARY

    def _judged(self, call: NewCall) -> bool:
        kind = self.class_of(call)
        self._seen.add(kind)
        if not self.restriction or kind is CallClass.PROTECTED:
            return False
        share = self.restriction - _CLOSING.index(kind)
        # The checksum of the key takes the place of dice.
        refused = share > 0 and crc32(call.key.encode("utf-8", "surrogateescape")) < share * 2**32
        if refused:
            self.refused[kind] += 1
        return refused

    def _comes(self, step: int) -> bool:
        return _CLOSING[step] in self._seen or _CLOSING[step] in self._seen_before

    def _forget_seen(self, now: float) -> None:
        if now - self._seen_since >= SEEN_SECONDS:
            self._seen_before, self._seen, self._seen_since = self._seen, set(), now

    def _tighten(self, factor: float) -> None:
        """Leave ``factor`` of what gets in of the first class that is not closed and of which calls come."""
        step = next((step for step in range(int(self.restriction), 3) if self._comes(step)), None)
        if step is None:
            return
        share = (1.0 - max(0.0, self.restriction - step)) * factor
        self.restriction = step + 1.0 - (share if share >= LEAST_SHARE else 0.0)

    def _loosen(self, amount: float) -> None:
        """Let more of the last class that was closed in again."""
        step = ceil(self.restriction) - 1
        while step >= 0 and not self._comes(step):
            self.restriction, step = float(step), step - 1
        if step >= 0:
            share = step + 1.0 - self.restriction
            share += (GROWTH[0] + GROWTH[1] * share) * amount
            self.restriction = step + 1.0 - min(1.0, share)

    def _pressure_of(self, load: Load) -> tuple[float, str]:
        limits = self._settings
        return max(
            (
                load.lag_seconds / limits.lag_seconds,
                f"the event loop is late by {load.lag_seconds:.3f} s (limit {limits.lag_seconds:g} s)",
            ),
            (load.waiting / limits.waiting, f"{load.waiting} messages wait to be read (limit {limits.waiting})"),
            (load.cpu / limits.cpu, f"{load.cpu:.0%} of a processor are used (limit {limits.cpu:.0%})"),
            (load.memory / limits.memory, f"{load.memory:.0%} of memory are used (limit {limits.memory:.0%})"),
        )

    def _settle(self, reason: str, now: float) -> LevelChanged | None:
        """Up at once, down after a calm time."""
        reached = Level.NONE if not self.restriction else Level(min(3, int(self.restriction) + 1))
        if reached < self.level:
            if self._below_since is None:
                self._below_since = now
            if now - self._below_since < self._settings.calm_seconds:
                return None
            reason = f"calm for {self._settings.calm_seconds:g} s"
        self._below_since = None
        if reached is self.level:
            return None
        previous, self.level = self.level, reached
        return LevelChanged(level=reached, previous=previous, reason=reason)
