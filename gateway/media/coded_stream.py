"""What one peer sends in a codec whose decoder keeps state: each payload is decoded once, in the order of sending.

A packet that follows the last one is decoded as it comes. Behind a gap packets wait for what is missing, for as
long as the jitter buffer has something to play; then the gap is filled with what the codec can recover, and
what comes later for it is dropped: a decoder cannot go back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from gateway.media.audio import Pcm
from gateway.media.codecs import Codec, Coder
from gateway.media.reception import signed16, signed32

#: Packets that may wait behind a gap: more than a jitter buffer holds.
_MAX_WAITING: Final = 64
#: Longest gap in the timestamps that a codec is asked to fill, seconds; in a longer one only the end.
_LONGEST_GAP: Final = 0.06
_USUAL_GAP: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedPacket:
    """A payload with what its header said. ``due``: seconds from its arrival to the take of :attr:`tick`."""

    sequence: int
    timestamp: int
    marker: bool
    begins: bool
    payload: bytes
    due: float
    tick: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """Sound at the codec's rate, and the RTP timestamp of its first sample."""

    packet: CodedPacket
    timestamp: int
    pcm: Pcm


class CodedStream:
    """The incoming stream of one leg."""

    def __init__(self, codec: Codec, coder: Coder) -> None:
        self._codec = codec
        self._coder = coder
        self._waiting: dict[int, CodedPacket] = {}  # by sequence number
        self._next: int | None = None  # the sequence number that is decoded next
        self._end = 0  # timestamp of what follows the last piece
        self.late = 0
        self._malformed = 0

    def put(self, packet: CodedPacket) -> None:
        """Take a packet; strangers and duplicates were sorted out before."""
        if self._next is None or packet.begins:
            self._waiting.clear()
            self._next, self._end = packet.sequence, packet.timestamp
        if signed16(packet.sequence - self._next) < 0:
            self.late += 1
        elif len(self._waiting) < _MAX_WAITING:
            self._waiting[packet.sequence] = packet

    def decode(self, needed: bool) -> list[Decoded]:
        """What follows the last packet without a gap; when it is ``needed``, what waits behind a gap as well."""
        if not self._waiting or self._next is None:
            return []
        pieces: list[Decoded] = []
        if needed and self._next not in self._waiting:
            self._give_up(self._next, pieces)
        while (packet := self._waiting.pop(self._next, None)) is not None:
            self._next = (packet.sequence + 1) & 0xFFFF
            self._append(pieces, packet, packet.timestamp, self._coder.decode(packet.payload))
        return pieces

    def take_malformed(self) -> int:
        """How many payloads could not be decoded since this was asked last."""
        count, self._malformed = self._malformed, 0
        return count

    def _give_up(self, expected: int, pieces: list[Decoded]) -> None:
        """Go on with the first packet behind the gap, and with what the codec can tell of the gap."""
        packet = min(self._waiting.values(), key=lambda waiting: signed16(waiting.sequence - expected))
        self._next = packet.sequence
        clock, rate = self._codec.clock, self._codec.rate
        gap = signed32(packet.timestamp - self._end)
        if gap > _LONGEST_GAP * clock:
            gap = round(_USUAL_GAP * clock)
        pcm = self._coder.recover(packet.payload, gap * rate // clock)
        if len(pcm):
            self._append(pieces, replace(packet, marker=False), packet.timestamp - gap, pcm)

    def _append(self, pieces: list[Decoded], packet: CodedPacket, timestamp: int, pcm: Pcm) -> None:
        if not len(pcm):
            self._malformed += 1
            return
        pieces.append(Decoded(packet, timestamp & 0xFFFFFFFF, pcm))
        self._end = timestamp + len(pcm) * self._codec.clock // self._codec.rate
