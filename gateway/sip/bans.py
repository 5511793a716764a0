"""Sources that are not listened to for a while: scanners, and those who guess passwords. Pure.

A source that commits too many faults within a window is banned for a time; a known scanner at its first request.
Sources that are trusted (trunks, addresses with a registered phone) are never banned: who asks looks first.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: Sources whose faults are remembered, and bans at a time; the oldest makes room.
MAX_SOURCES: Final = 4096


class Fault(StrEnum):
    """What a source is banned for."""

    DIGEST = "digest"  # wrong credentials
    STRANGER = "stranger"  # calls or registers, and is nobody
    MALFORMED = "malformed"
    SCANNER = "scanner"  # says that it is one


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """A ban; instants are monotonic."""

    source: str
    fault: Fault
    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BanRules:
    """``faults`` within ``window_seconds`` are one too many; the ban lasts ``ban_seconds``."""

    faults: int = 30
    window_seconds: float = 60.0
    ban_seconds: float = 600.0


class SourceBans:
    """Faults and bans by source address."""

    def __init__(self, rules: BanRules) -> None:
        self._rules = rules
        self._faults: OrderedDict[str, deque[float]] = OrderedDict()
        self._bans: OrderedDict[str, Ban] = OrderedDict()
        #: Bans by fault, and messages dropped, since the start.
        self.imposed: dict[Fault, int] = dict.fromkeys(Fault, 0)
        self.dropped = 0

    def drops(self, source: str, now: float) -> bool:
        """Whether a message of this source is not to be looked at; counts it."""
        ban = self._bans.get(source)
        if ban is None:
            return False
        if ban.until <= now:
            del self._bans[source]
            return False
        self.dropped += 1
        return True

    def is_too_much(self, source: str, fault: Fault, now: float) -> bool:
        """Note what a source did; whether it should be banned for it."""
        faults = self._faults.pop(source, None) or deque(maxlen=self._rules.faults)
        while faults and faults[0] <= now - self._rules.window_seconds:
            faults.popleft()
        faults.append(now)
        self._faults[source] = faults
        if len(self._faults) > MAX_SOURCES:
            self._faults.popitem(last=False)
        return fault is Fault.SCANNER or len(faults) >= self._rules.faults

    def impose(self, source: str, fault: Fault, now: float) -> Ban:
        """Ban a source."""
        self._faults.pop(source, None)
        ban = Ban(source=source, fault=fault, since=now, until=now + self._rules.ban_seconds)
        self._bans[source] = ban
        self.imposed[fault] += 1
        if len(self._bans) > MAX_SOURCES:
            self._bans.popitem(last=False)
        return ban

    def lift(self, source: str) -> bool:
        """End a ban and forget the source's faults; False when there was none."""
        self._faults.pop(source, None)
        return self._bans.pop(source, None) is not None

    def active(self, now: float) -> list[Ban]:
        """The bans that stand, the oldest first."""
        return [ban for ban in self._bans.values() if ban.until > now]
