"""Talks: calls of the switch simulator by somebody in another process of this machine, who speaks and hears.

One connection to the switch's socket is one call: :class:`Talk` first, then what the caller does, and what comes
of it. Instants are monotonic seconds, which all processes of a machine share, taken where the line is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import msgspec

from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import RemoteViolation
from gateway.isdn import causes
from gateway.isdn.line import BEHIND_SECONDS, BLOCK_SECONDS, OCTETS, SILENCE
from gateway.isdn.span_calls import CallState
from gateway.isdn.switch import PAUSE_ROWS, Switch, Voice, key_tones, rows_of
from gateway.media.inband_dtmf import KEYPAD

#: Rows of 20 ms that may wait to be said: five minutes.
_MOST_ROWS: Final = 15_000


class About(msgspec.Struct, frozen=True, kw_only=True, tag="about", forbid_unknown_fields=True):
    """Asks for :class:`SpanFacts` of a span; the first one where it has no name."""

    span: str = ""


class SpanFacts(msgspec.Struct, frozen=True, kw_only=True, tag="span"):
    """A span of the switch. ``problem``: why no calls can be made, '' when they can. ``slips``: blocks of the line
    that did not come in their order, so far."""

    span: str
    side: str
    channels: int
    loopback: bool
    slips: int
    problem: str = ""


class NoSpan(msgspec.Struct, frozen=True, kw_only=True, tag="no-span"):
    """There is no such span, but ``spans``."""

    spans: tuple[str, ...]


class Talk(msgspec.Struct, frozen=True, kw_only=True, tag="talk", forbid_unknown_fields=True):
    """Call a number."""

    span: str
    number: str
    caller: str


class Say(msgspec.Struct, frozen=True, tag="say"):
    """Say this, A-law, after what is being said."""

    octets: bytes


class Press(msgspec.Struct, frozen=True, tag="press"):
    """Press keys, as tones."""

    keys: str


class HangUp(msgspec.Struct, frozen=True, tag="hang-up"):
    """End it."""


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """The SETUP left, on this channel."""

    at: float
    slot: int


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """CONNECT came; the channel is the one that the far end chose."""

    at: float
    slot: int


class Row(msgspec.Struct, frozen=True, tag="row"):
    """20 ms came. ``late``: seconds by which the last row of ours left after its time."""

    at: float
    octets: bytes
    late: float


class Spoke(msgspec.Struct, frozen=True, tag="spoke"):
    """The first row of something to say left."""

    at: float


class KeyEnded(msgspec.Struct, frozen=True, tag="key"):
    """The last row of a key's tones left."""

    at: float


class Over(msgspec.Struct, frozen=True, tag="over"):
    """It is over by a cause of Q.850, or was none (``slot`` stayed 0)."""

    at: float
    cause: int
    by_remote: bool


Asked: TypeAlias = About | Talk
Done: TypeAlias = Say | Press | HangUp
Told: TypeAlias = Begun | Answered | Row | Spoke | KeyEnded | Over


def read(message: Any, kinds: Any) -> Any:
    """A message of one of these kinds; raises RemoteViolation."""
    try:
        return msgspec.convert(message, kinds)
    except msgspec.ValidationError as error:
        raise RemoteViolation(f"no such message: {error}") from error


class Beat:
    """How late a sender's rows are, by the best of those before."""

    def __init__(self) -> None:
        self._due: float | None = None

    def late(self, now: float) -> float:
        """Seconds by which a row that leaves now is late."""
        due = now if self._due is None else min(self._due, now)
        self._due = max(due + BLOCK_SECONDS, now - BEHIND_SECONDS)
        return now - due


class Talking:
    """One talk at the switch. ``tell`` takes what comes of it."""

    def __init__(self, switch: Switch, clock: Clock, tell: Callable[[Told], None]) -> None:
        self._switch, self._clock, self._tell = switch, clock, tell
        self._voice: Voice | None = None
        self._answered = self._spoke = self._left = False
        self._said: deque[tuple[bytes, type[Spoke] | type[KeyEnded] | None]] = deque()
        self._beat, self._late = Beat(), 0.0

    def begin(self, talk: Talk) -> None:
        """Call."""
        now = self._clock.now()
        voice = self._voice = self._switch.call(talk.number, talk.caller)
        if voice is None:
            cause = causes.NO_CHANNEL if self._switch.span.usable else causes.OUT_OF_ORDER
            self._tell(Over(now, cause, by_remote=False))
            return
        voice.call.hear, voice.call.say, voice.listener = self._hear, self._say, self._look
        self._tell(Begun(now, voice.call.slot))

    def take(self, done: Done) -> None:
        """The caller does something; what comes after the end is too late. Raises RemoteViolation."""
        match done:
            case Say(octets):
                rows = [octets[at : at + OCTETS] for at in range(0, len(octets), OCTETS)]
                rows = [row + SILENCE[len(row) :] for row in rows]
                self._queue((row, Spoke if number == 0 else None) for number, row in enumerate(rows))
            case Press(keys) if keys and set(keys) <= set(KEYPAD):
                for key in keys:
                    tones = rows_of(key_tones(key))
                    self._queue((row, KeyEnded if row is tones[-1] else None) for row in tones)
                    self._queue((SILENCE, None) for _ in range(PAUSE_ROWS))
            case HangUp():
                self.end()
            case _:
                raise RemoteViolation("keys are 0-9, *, # and A-D")

    def end(self) -> None:
        """The caller hangs up, or is gone."""
        self._left = True
        if self._voice is not None:
            self._switch.hang_up(self._voice)

    def _queue(self, rows: Any) -> None:
        self._said.extend(rows)
        if len(self._said) > _MOST_ROWS:
            raise RemoteViolation("too much is waiting to be said")

    def _look(self) -> None:
        """The state of the call changed."""
        assert self._voice is not None
        call, now = self._voice.call, self._clock.now()
        if call.state is CallState.CONNECTED and not self._answered:
            self._answered = True
            self._tell(Answered(now, call.slot))
        elif call.name not in self._switch.voices:
            self._tell(Over(now, call.cause or causes.NORMAL, by_remote=not self._left))

    def _hear(self, row: bytes) -> None:
        self._tell(Row(self._clock.now(), row, self._late))

    def _say(self) -> bytes:
        now = self._clock.now()
        self._late = self._beat.late(now)
        if not self._said or not self._answered:
            return SILENCE
        row, mark = self._said.popleft()
        if mark is not None:
            self._tell(mark(now))
        return row
