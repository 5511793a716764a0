"""The keys of the legs' peers, by whatever way they come: told once, sent on to the partner, kept from others.

Tones in the audio are looked for where no telephone-event was agreed (or always, or never, by settings). When
they are sent on, the partner gets the key anew and not the tones as well: from the frame in which they are known
on, at most 20 ms after their begin, they fade within 2.5 ms: no receiver takes that for a key (ITU-T Q.24).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from gateway.media.audio import Pcm
from gateway.media.keys import Way
from gateway.media.legs import Leg, LegBook
from gateway.media.parts import Parts
from gateway.media.routing import Party, Routing

#: Keys that signalling may hand in.
_KEYS: Final = frozenset("0123456789*#ABCD")

#: Samples in which a tone that others are not to hear fades, and how.
_EDGE: Final = 20
_FALL: Final = np.linspace(1, 0, _EDGE + 2)[1:-1]


class Digits:
    """``tell(leg, digit, ended_at)`` is called once per press, ``send`` to give a partner a digit."""

    def __init__(
        self,
        parts: Parts,
        legs: LegBook,
        routing: Routing,
        *,
        tell: Callable[[Leg, str, float], None],
        send: Callable[[Party, str], None],
    ) -> None:
        self._parts = parts
        self._legs = legs
        self._routing = routing
        self._tell = tell
        self._send = send
        self._secure: set[int] = set()
        self._hidden: set[int] = set()  # whose tones were kept from others in the last frame

    def pressed(self, leg: Leg, digit: str, way: Way, ended_at: float) -> None:
        """A key came; ``ended_at`` is when it was let go."""
        if digit not in _KEYS or not leg.keys.is_new(digit, way, ended_at):
            return
        self._tell(leg, digit, ended_at)
        if leg.row not in self._secure:
            self.pass_on(leg, digit)

    def pass_on(self, leg: Party, digit: str) -> None:
        """Send a leg's key to whom it is bridged with."""
        for partner in self._routing.partners(leg):
            self._send(partner, digit)

    def secure(self, leg: Leg, on: bool) -> None:
        """From now on the leg's keys and sound are for nobody but control, or again for all."""
        (self._secure.add if on else self._secure.discard)(leg.row)

    def forget(self, leg: Leg) -> None:
        """The leg is about to close."""
        self._secure.discard(leg.row)
        self._hidden.discard(leg.row)

    def hear(self, frame: Pcm, now: float) -> None:
        """Look for tones in 20 ms of all legs (rows × 160); secure legs are silent afterwards."""
        for key in self._parts.dtmf.hear(frame):
            jitter, place = self._parts.buffer_of(key.row)
            waited = max(0.0, float(jitter.delay[place])) / jitter.rate
            leg = self._legs.by_row[key.row]
            self.pressed(leg, key.digit, Way.TONES, now - key.age_seconds - waited)
        if self._secure:
            frame[sorted(self._secure)] = 0
            self._parts.wide.silence(self._secure)

    def hide_tones(self, sound: Pcm) -> None:
        """Silence in ``sound`` (rows × 160), which others are to hear, the tones of keys that are sent on."""
        sounding = np.flatnonzero(self._parts.dtmf.sounding[: len(sound)]).tolist()
        hidden = {row for row in sounding if self._routing.partners(self._legs.by_row[row])}
        for row in hidden:
            edge = np.rint(sound[row, :_EDGE] * _FALL) if row not in self._hidden else 0
            sound[row] = 0
            sound[row, :_EDGE] = edge
        for row in self._hidden - hidden:
            if row < len(sound):
                sound[row, :_EDGE] = np.rint(sound[row, :_EDGE] * _FALL[::-1])
        self._parts.wide.silence(hidden)
        self._hidden = hidden
