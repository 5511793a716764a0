"""DTMF as telephone-events (RFC 4733), in and out; out also as tones.

A digit is told when its key was let go: at the first packet with the end bit, or, if all of those were lost,
when the next event begins or nothing more comes.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.media.audio import FRAME, RATE, TICK_SECONDS, Array
from gateway.media.hot_path import Heard
from gateway.media.inband_dtmf import tones_of
from gateway.media.reception import signed32
from gateway.media.sending import Sender
from gateway.media.sounds import Tones

#: Digits by event number (RFC 4733 section 3.2).
DIGITS: Final = "0123456789*#ABCD"
#: Without a packet for so long, an event that never ended is over.
LOST_END_SECONDS: Final = 0.12

_REORDERING_SECONDS: Final = 1.0
_PAYLOAD: Final = struct.Struct("!BBH")
_END_BIT: Final = 0x80
_LONGEST_SEGMENT: Final = 0xFFFF
_VOLUME: Final = 10  # -10 dBm0
_TONE_TICKS: Final = 5
_END_PACKETS: Final = 3
_DIGIT_TICKS: Final = 11  # with the end packets and a pause


@dataclass(slots=True)
class _Event:
    digit: str
    timestamp: int
    duration: int
    last_at: float
    told: bool


class DigitListener:
    """The telephone-events of one leg. ``heard(digit, ended_at)`` is called once per digit."""

    def __init__(self, heard: Callable[[str, float], None]) -> None:
        self._heard = heard
        self._event: _Event | None = None
        self.malformed = 0

    def packet(self, payload: bytes, timestamp: int, arrival: float) -> None:
        """Take the payload of one packet."""
        if len(payload) < _PAYLOAD.size:
            self.malformed += 1
            return
        number, flags, duration = _PAYLOAD.unpack_from(payload)
        if number >= len(DIGITS):
            return
        event = self._event
        ended = bool(flags & _END_BIT)
        if event is None or not self._continues(event, DIGITS[number], timestamp):
            if event is not None and self._overtaken(event, timestamp, arrival):
                return
            self._finish(event)
            event = self._event = _Event(DIGITS[number], timestamp, duration, arrival, False)
        event.last_at = max(event.last_at, arrival)
        event.duration = max(event.duration, duration)
        if ended and not event.told:
            event.told = True
            self._heard(event.digit, arrival)

    def begin(self) -> None:
        """The peer's stream begins anew: its timestamps have nothing to do with those before."""
        self._finish(self._event)
        self._event = None

    def tick(self, now: float) -> bool:
        """Tell a digit whose end was lost; True while an event is going on."""
        event = self._event
        if event is None or event.told:
            return False
        if now - event.last_at < LOST_END_SECONDS:
            return True
        self._finish(event)
        return False

    def _finish(self, event: _Event | None) -> None:
        if event is not None and not event.told:
            event.told = True
            self._heard(event.digit, event.last_at)

    @staticmethod
    def _overtaken(event: _Event, timestamp: int, arrival: float) -> bool:
        recent = arrival - event.last_at < _REORDERING_SECONDS
        return recent and signed32(timestamp - event.timestamp) < 0

    @staticmethod
    def _continues(event: _Event, digit: str, timestamp: int) -> bool:
        if timestamp == event.timestamp:
            return True
        next_segment = (event.timestamp + _LONGEST_SEGMENT) & 0xFFFFFFFF
        if not event.told and digit == event.digit and timestamp == next_segment:
            event.timestamp, event.duration = timestamp, 0  # a long press (RFC 4733 section 2.5.1.3)
            return True
        return False


class DigitSender:
    """Digits waiting to be sent to one leg: 100 ms each, as events or, failing that, as tones."""

    def __init__(self, row: int, limit: int) -> None:
        self._row = row
        self._limit = limit
        self.clock = RATE  # in which the peer counts the duration of events
        self._waiting: deque[str] = deque()
        self._tick = 0
        self._timestamp = 0

    def add(self, digits: str) -> None:
        """Queue digits; what is none, or too many, is dropped."""
        known = [digit for digit in digits.upper() if digit in DIGITS]
        self._waiting.extend(known[: max(0, self._limit - len(self._waiting))])

    def overlay(self, heard: Heard, tones: Tones) -> bool:
        """For a peer without telephone-event: let it hear the tick's piece of tone; False when done."""
        if not self._waiting:
            return False
        if self._tick < _TONE_TICKS:
            heard.put(self._row, _tone(self._waiting[0], self._tick, tones))
        return self._next()

    def send(self, sender: Sender, payload_type: int) -> bool:
        """Replace the tick's audio packet by one of the event; False when nothing is left to send."""
        if not self._waiting:
            return False
        if self._tick == 0:
            self._timestamp = int(sender.clock[self._row])
        if self._tick < _TONE_TICKS + _END_PACKETS:
            ending = self._tick >= _TONE_TICKS
            duration = min(self._tick + 1, _TONE_TICKS) * round(self.clock * TICK_SECONDS)
            flags = _VOLUME | (_END_BIT if ending else 0)
            payload = _PAYLOAD.pack(DIGITS.index(self._waiting[0]), flags, duration)
            sender.replace(self._row, payload_type, self._tick == 0, self._timestamp, payload)
        return self._next()

    def _next(self) -> bool:
        self._tick += 1
        if self._tick == _DIGIT_TICKS:
            self._tick = 0
            self._waiting.popleft()
        return bool(self._waiting)


def _tone(digit: str, tick: int, tones: Tones) -> Array:
    clip = tones.clip(tones_of(digit), 1.0, -10.0)
    return clip.pcm[tick * FRAME : (tick + 1) * FRAME]
