"""What one party of a call says: RTP packets of 20 ms each, sound or keys (RFC 4733). Pure."""

from __future__ import annotations

import struct
from collections import deque
from typing import Final

import numpy as np

from ccplatform.proof.ear import frames_of
from gateway.media.audio import FRAME, Pcm
from gateway.media.g711 import Law, encode

_HEADER: Final = struct.Struct("!BBHII")
_EVENT: Final = struct.Struct("!BBH")
_MARKER: Final = 0x80
_END: Final = 0x80
_VOLUME: Final = 10  # -10 dBm0, as phones send
KEYS: Final = {key: number for number, key in enumerate("0123456789*#ABCD")}
#: Packets of 20 ms for which a key is held, how often its last one is repeated (RFC 4733 section 2.5.1.4), and the
#: pause after it.
_HELD, _REPEATED, _PAUSE = 5, 3, 4


class Mouth:
    """Says silence unless told otherwise. ``event_type`` is the payload type of telephone events, None: the far
    end takes none."""

    def __init__(self, *, ssrc: int, law: Law, event_type: int | None) -> None:
        self._ssrc = ssrc
        self._payload_type = 8 if law is Law.PCMA else 0
        self._law = law
        self._event_type = event_type
        self._silence = encode(law, np.zeros(FRAME, dtype=np.int16)).tobytes()
        self._said: deque[bytes] = deque()
        self._keys: deque[str] = deque()
        self._event: tuple[int, int] | None = None  # number of the key, packets sent of it
        self._pause = 0
        self._sequence = ssrc & 0xFFFF
        self.first = self._sequence + 1 & 0xFFFF  # the number of the first packet
        self._clock = ssrc & 0xFFFFFF
        self._event_clock = 0
        self._started = False
        self.sent = 0

    @property
    def presses(self) -> bool:
        """Whether the far end takes keys by RFC 4733."""
        return self._event_type is not None

    @property
    def speaking(self) -> bool:
        """Whether something is left to say."""
        return bool(self._said)

    @property
    def pressing(self) -> bool:
        """Whether keys are left to press."""
        return bool(self._keys) or self._event is not None

    def say(self, pcm: Pcm) -> None:
        """Say this after what is being said."""
        self._said.extend(encode(self._law, frame).tobytes() for frame in frames_of(pcm))

    def press(self, keys: str) -> None:
        """Press these keys, one after the other; raises KeyError for what is no key."""
        for key in keys:
            KEYS[key]
        self._keys.extend(keys)

    def packets(self) -> tuple[list[bytes], bool]:
        """The packets of the next 20 ms, and whether a key ends with the first of them."""
        self._clock = (self._clock + FRAME) & 0xFFFFFFFF
        if self._event is None and self._keys and self._pause == 0:
            self._event = KEYS[self._keys.popleft()], 0
            self._event_clock = self._clock
        self._pause = max(0, self._pause - 1)
        if self._event is None or self._event_type is None:
            self._event = None
            marker = 0 if self._started else _MARKER
            self._started = True
            return [self._packet(marker | self._payload_type, self._clock, self._frame())], False
        number, held = self._event
        ends = held + 1 == _HELD
        marker = _MARKER if held == 0 else 0
        body = _EVENT.pack(number, (_END if ends else 0) | _VOLUME, (held + 1) * FRAME)
        self._event = None if ends else (number, held + 1)
        if ends:
            self._pause = _PAUSE
        times = _REPEATED if ends else 1
        return [self._packet(marker | self._event_type, self._event_clock, body) for _ in range(times)], ends

    def _frame(self) -> bytes:
        return self._said.popleft() if self._said else self._silence

    def _packet(self, kind: int, clock: int, body: bytes) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.sent += 1
        return _HEADER.pack(0x80, kind, self._sequence, clock, self._ssrc) + body
