"""A switch simulator: the network side of a span, with callers and called parties who have voices.

It is for demos, trials and tests. A number that ends with ``00`` and a cause of three digits (``8000017``) is
refused by that cause; every other number rings for ``ring_seconds``, answers, and says the sound that was given.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ccplatform.kernel.clock import Clock
from gateway.isdn import causes
from gateway.isdn.line import OCTETS, SILENCE
from gateway.isdn.span import Span
from gateway.isdn.span_calls import CallState, SpanCall
from gateway.media.audio import RATE, Pcm
from gateway.media.g711 import Law, decode, encode
from gateway.media.inband_dtmf import tones_of

#: A key: so long, and the pause after it, in rows of 20 ms; each of its tones has this amplitude (-9 dBm0).
_KEY_ROWS, PAUSE_ROWS = 5, 5
_KEY_AMPLITUDE: Final = 8000.0
#: Most that one call records, rows: an hour.
_MOST_ROWS: Final = 180_000
_REFUSED: Final = "00"


def key_tones(digit: str, rows: int = _KEY_ROWS) -> Pcm:
    """A key as it sounds."""
    time = np.arange(rows * OCTETS) / RATE
    low, high = tones_of(digit)
    sound = np.sin(2 * np.pi * low * time) + np.sin(2 * np.pi * high * time)
    return np.asarray(_KEY_AMPLITUDE * sound, dtype=np.int16)


@dataclass(slots=True)
class Voice:
    """One party's sound: what is to be said, and what was heard."""

    call: SpanCall
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    listener: Callable[[], None] = lambda: None  # told when the call's state has changed
    echo: bool = False
    heard_rows: list[bytes] = field(default_factory=list)
    _said: deque[bytes] = field(default_factory=deque)
    _loop: tuple[bytes, ...] = ()
    _at: int = 0

    def hear(self, row: bytes) -> None:
        """20 ms came."""
        if len(self.heard_rows) < _MOST_ROWS:
            self.heard_rows.append(row)
        if self.echo:
            self._said.append(row)

    def say(self) -> bytes:
        """The next 20 ms."""
        if self._said:
            return self._said.popleft()
        if not self._loop:
            return SILENCE
        self._at = (self._at + 1) % len(self._loop)
        return self._loop[self._at]

    def speak(self, pcm: Pcm) -> None:
        """Say this after what is being said."""
        self._said.extend(rows_of(pcm))

    def repeat(self, pcm: Pcm) -> None:
        """Say this over and over while there is nothing else to say."""
        self._loop = tuple(rows_of(pcm))

    def press(self, keys: str) -> None:
        """Press keys; ValueError for what is none."""
        for key in keys:
            self.speak(key_tones(key))
            self._said.extend([SILENCE] * PAUSE_ROWS)

    def heard(self) -> Pcm:
        """All that was heard."""
        octets = np.frombuffer(b"".join(self.heard_rows), dtype=np.uint8)
        return decode(Law.PCMA, octets)


class Switch:
    """The user of a network-side span."""

    def __init__(self, span: Span, clock: Clock, *, ring_seconds: float = 0.5, sound: Pcm | None = None) -> None:
        self.span, self._clock = span, clock
        self._ring_seconds, self._sound = ring_seconds, sound
        self.voices: dict[str, Voice] = {}
        self.arrived: list[Voice] = []
        self.joined: list[tuple[SpanCall, SpanCall]] = []  # calls that were transferred to each other
        self.changed = asyncio.Event()  # the span's state

    def call(self, number: str, caller: str = "", **more: object) -> Voice | None:
        """Call a number; None when no channel is free. ``more``: see Span.call."""
        call = self.span.call(number, caller=caller, **more)  # type: ignore[arg-type]
        return None if call is None else self._voice(call)

    def _voice(self, call: SpanCall) -> Voice:
        voice = self.voices[call.name] = Voice(call)
        call.context, call.hear, call.say = voice, voice.hear, voice.say
        return voice

    def hang_up(self, voice: Voice, cause: int = causes.NORMAL) -> None:
        """End a call."""
        self.span.hang_up(voice.call, cause)

    async def reached(self, voice: Voice, state: CallState, within: float) -> bool:
        """Wait for a state of a call; False when it ended or did not come there in time."""
        try:
            async with asyncio.timeout(within):
                while voice.call.state is not state and voice.call.state is not CallState.ENDING:
                    voice.changed.clear()
                    await voice.changed.wait()
                while state is CallState.ENDING and voice.call.name in self.voices:
                    voice.changed.clear()
                    await voice.changed.wait()
        except TimeoutError:
            return False
        return voice.call.state is state

    # --- SpanUser -----------------------------------------------------------------------------------------

    def call_arrived(self, call: SpanCall) -> None:
        """See SpanUser."""
        voice = self._voice(call)
        self.arrived.append(voice)
        if call.complete:
            self._serve(voice)

    def digits_arrived(self, call: SpanCall) -> None:
        """See SpanUser."""
        if call.complete and call.state is CallState.DIALLING and call.context is not None:
            self._serve(call.context)

    def _serve(self, voice: Voice) -> None:
        call = voice.call
        cause = int(call.called[-3:]) if call.called[-5:-3] == _REFUSED and call.called[-3:].isdigit() else 0
        self.span.proceed(call)
        if 1 <= cause <= 127:
            self.span.hang_up(call, cause)
            return
        self.span.ring(call, inband=False)
        self._clock.call_at(self._clock.now() + self._ring_seconds, lambda: self._answer(voice))

    def _answer(self, voice: Voice) -> None:
        if voice.call.name in self.voices and voice.call.state is CallState.RINGING:
            if self._sound is not None:
                voice.repeat(self._sound)
            self.span.answer(voice.call)
            voice.changed.set()

    def call_progressed(self, call: SpanCall, *, inband: bool) -> None:
        """See SpanUser."""
        self._tell(call)

    def call_answered(self, call: SpanCall) -> None:
        """See SpanUser."""
        self._tell(call)

    def call_ended(self, call: SpanCall) -> None:
        """See SpanUser."""
        self.voices.pop(call.name, None)
        self._tell(call)

    def transfer_asked(self, call: SpanCall, other: SpanCall) -> bool:
        """See SpanUser."""
        self.joined.append((call, other))
        return True

    def span_changed(self) -> None:
        """See SpanUser."""
        self.changed.set()

    def _tell(self, call: SpanCall) -> None:
        if call.context is not None:
            call.context.changed.set()
            call.context.listener()


def rows_of(pcm: Pcm) -> list[bytes]:
    """A sound as A-law rows of 20 ms; the last one is filled up with silence."""
    octets = encode(Law.PCMA, pcm).tobytes()
    rows = [octets[at : at + OCTETS] for at in range(0, len(octets), OCTETS)]
    if rows and len(rows[-1]) < OCTETS:
        rows[-1] += SILENCE[len(rows[-1]) :]
    return rows
