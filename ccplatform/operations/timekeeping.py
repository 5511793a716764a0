"""How far this machine's clock is from that of time servers, and when that is an alarm (R10.6.b). No IO.

Answers are those of NTP version 4 (RFC 5905, sections 7.3, 8 and 14). Each round every server is asked once; of
three and more the median counts, so that one that is wrong does not; of fewer the one that is nearest to a
reference clock.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

#: Alarms: the clock is off by more than the limit; none of the servers answers.
OFF, UNWATCHED = "clock_off", "clock_unwatched"
#: So many rounds in a row say the same before an alarm is raised or cleared.
ROUNDS: Final = 2

_PACKET: Final = struct.Struct("!BBbbII4sQQQQ")
#: Leap indicator 0, version 4, mode 3 (client).
_CLIENT: Final = 0x23
_SERVER_MODE: Final = 4
_UNSYNCHRONISED: Final = 3
_MOST_STRATUM: Final = 15
#: Seconds from 1900, where NTP begins, to 1970.
_EPOCH: Final = 2_208_988_800
_FRACTION: Final = 1 << 32
_HALF, _WHOLE = 1 << 63, 1 << 64
_SHORT: Final = 1 << 16


class BadAnswer(Exception):
    """What came is no answer to the question, or the server says that it does not know the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one answer says, seconds. ``offset``: how much our clock is behind (below zero: before) the server's;
    ``distance``: what the offset may be wrong by, of the way to us and of the server's own source."""

    offset: float
    delay: float
    distance: float
    stratum: int


def question(cookie: int) -> bytes:
    """What a server is asked. ``cookie``, of 64 bits, comes back: nobody else's words are taken for an answer."""
    return _PACKET.pack(_CLIENT, 0, 0, 0, 0, 0, b"\0\0\0\0", 0, 0, 0, cookie)


def reading(answer: bytes, *, cookie: int, sent: float, received: float) -> Reading:
    """Of an answer, with our times since 1970 of question and answer; raises BadAnswer."""
    if len(answer) < _PACKET.size:
        raise BadAnswer(f"{len(answer)} bytes are no NTP")
    head, stratum, _, _, root_delay, dispersion, reference, _, origin, arrived, left = _PACKET.unpack_from(answer)
    if head & 7 != _SERVER_MODE or origin != cookie:
        raise BadAnswer("an answer to another question")
    if stratum == 0:
        raise BadAnswer(f"it wants to be left alone ({reference.rstrip(bytes(1)).decode('ascii', 'replace')})")
    if head >> 6 == _UNSYNCHRONISED or stratum > _MOST_STRATUM or not left:
        raise BadAnswer("it does not know the time itself")
    there, back = _seconds(arrived, sent), _seconds(left, received)
    delay = max(0.0, there - back)
    distance = delay / 2 + root_delay / _SHORT / 2 + dispersion / _SHORT
    return Reading(offset=(there + back) / 2, delay=delay, distance=distance, stratum=stratum)


def stamp(unix: float) -> int:
    """A time since 1970 as NTP writes it: 32 bits of seconds since 1900 (which begin anew in 2036), 32 of their
    fraction."""
    return round((unix + _EPOCH) * _FRACTION) % _WHOLE


def _seconds(theirs: int, ours: float) -> float:
    """By how much their time is after ours; eras do not matter, since both are within 68 years."""
    return ((theirs - stamp(ours) + _HALF) % _WHOLE - _HALF) / _FRACTION


@dataclass(slots=True)
class Server:
    """What is known of one. ``reading`` is that of the last round, None without one: ``problem`` says why."""

    name: str
    reading: Reading | None = None
    problem: str = "not asked yet"


@dataclass(slots=True)
class ClockWatch:
    """``limit`` is the offset, seconds, beyond which the clock is wrong."""

    names: Sequence[str]
    limit: float
    servers: dict[str, Server] = field(init=False)
    _wrong: int = 0  # rounds in a row; below zero: of those that were right
    _silent: int = 0

    def __post_init__(self) -> None:
        self.servers = {name: Server(name) for name in self.names}

    def round(self, answers: dict[str, Reading | str]) -> None:
        """One round is over: what each server said, or why it said nothing."""
        for name, answer in answers.items():
            server = self.servers[name]
            server.reading = answer if isinstance(answer, Reading) else None
            server.problem = answer if isinstance(answer, str) else ""
        best = self.best()
        if best is None:
            self._wrong = 0
            self._silent = max(0, self._silent) + 1
            return
        self._silent = min(0, self._silent) - 1
        wrong = abs(best.offset) > self.limit
        self._wrong = max(0, self._wrong) + 1 if wrong else min(0, self._wrong) - 1

    def best(self) -> Reading | None:
        """What the servers say together; None when none answered in the last round."""
        found = [server.reading for server in self.servers.values() if server.reading is not None]
        if len(found) < 3:
            return min(found, key=lambda one: one.distance, default=None)
        return sorted(found, key=lambda one: one.offset)[len(found) // 2]

    def due(self) -> dict[str, str]:
        """Each kind of alarm that something can be said of: its text when it should be up, "" when not."""
        if not self.servers:
            return {OFF: "", UNWATCHED: ""}
        said: dict[str, str] = {}
        best = self.best()
        if self._wrong >= ROUNDS and best is not None:
            words = "behind" if best.offset > 0 else "ahead of"
            off = f"the clock is {abs(best.offset):.3f} s {words} the time servers"
            said[OFF] = f"{off}; at most {self.limit:g} s is allowed"
        elif self._wrong <= -ROUNDS:
            said[OFF] = ""
        if self._silent >= ROUNDS:
            reasons = "; ".join(f"{server.name}: {server.problem}" for server in self.servers.values())
            said[UNWATCHED] = f"no time server answers: {reasons}"
        elif self._silent <= -ROUNDS:
            said[UNWATCHED] = ""
        return said
