"""What one party of a call hears: RTP packets with their times of arrival, and what they tell. Pure."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.media.audio import AUDIBLE, FRAME, RATE, Bytes, Pcm
from gateway.media.g711 import Law, decode
from gateway.media.rtp import HEADER_BYTES

_WRAP: Final = 1 << 16
_HALF: Final = 1 << 15
#: Packets that are heard, an hour of them: who sends more is heard no further.
_MOST_PACKETS: Final = 50 * 3600
#: RTP payload types of G.711 (RFC 3551 table 4).
LAWS: Final = {0: Law.PCMU, 8: Law.PCMA}


@dataclass(frozen=True, slots=True)
class Heard:
    """One packet: monotonic seconds of its arrival, its extended sequence number and timestamp, its samples."""

    at: float
    sequence: int
    timestamp: int
    pcm: Pcm


class Ear:
    """Hears one stream of G.711; packets of other formats, of other streams, and garbage are left out.

    Audible is a packet with a sample above the peak of a sine of -50 dBm0, as everywhere in the platform.
    """

    def __init__(self) -> None:
        self.packets: list[Heard] = []
        self.received = 0
        self._audible: list[float] = []  # times of arrival
        self._ssrc: int | None = None
        self._first = self._highest = 0
        self._first_timestamp = 0
        self._seen: set[int] = set()

    def packet(self, data: bytes, at: float) -> bool:
        """Take a packet that arrived at monotonic ``at``; whether it is audible."""
        if not is_voice(data):
            return False
        if self.received >= _MOST_PACKETS:
            return False
        sequence, timestamp = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big")
        ssrc = int.from_bytes(data[8:12], "big")
        if ssrc != self._ssrc:  # a new stream is heard from its beginning; what was heard stays heard
            self._ssrc, self._first, self._highest = ssrc, sequence, sequence
            self._first_timestamp = timestamp
            self._seen.clear()
        number = self._highest + (sequence - self._highest + _HALF) % _WRAP - _HALF
        if number in self._seen:
            return False
        self._seen.add(number)
        self._highest = max(self._highest, number)
        self.received += 1
        codes: Bytes = np.frombuffer(data, dtype=np.uint8, offset=HEADER_BYTES)
        pcm = decode(LAWS[data[1] & 0x7F], codes)
        audible = bool((np.abs(pcm.astype(np.int32)) > AUDIBLE).any())
        if audible:
            self._audible.append(at)
        self.packets.append(Heard(at, number, timestamp, pcm))
        return audible

    @property
    def expected(self) -> int:
        """Packets that the far end sent of the present stream, by their numbers."""
        return self._highest - self._first + 1 if self._ssrc is not None else 0

    @property
    def lost(self) -> int:
        """Packets of the present stream that never came."""
        return max(0, self.expected - len(self._seen))

    def first_audible(self, since: float) -> float | None:
        """When the first audible packet came that came at or after ``since``."""
        place = bisect_left(self._audible, since)
        return self._audible[place] if place < len(self._audible) else None

    @property
    def last_audible_at(self) -> float | None:
        """When the last audible packet came."""
        return self._audible[-1] if self._audible else None

    def sound(self, begin: float, seconds: float) -> Pcm:
        """What came from ``begin`` on: the first packet where it arrived, the others in their places after it by
        timestamp; silence where nothing came."""
        pcm: Pcm = np.zeros(round(seconds * RATE), dtype=np.int16)
        chosen = [heard for heard in self.packets if begin <= heard.at < begin + seconds]
        if not chosen:
            return pcm
        first = chosen[0]
        offset = round((first.at - begin) * RATE)
        for heard in chosen:
            place = offset + ((heard.timestamp - first.timestamp + (1 << 31)) % (1 << 32) - (1 << 31))
            left, right = max(0, place), min(len(pcm), place + len(heard.pcm))
            if left < right:
                pcm[left:right] = heard.pcm[left - place : right - place]
        return pcm


def is_voice(data: bytes) -> bool:
    """Whether it is an RTP packet of G.711, as plain as those are."""
    return len(data) > HEADER_BYTES and data[0] >> 6 == 2 and not data[0] & 0x3F and data[1] & 0x7F in LAWS


def seconds_of(pcm: Pcm) -> float:
    """How long some sound is at 8 kHz."""
    return len(pcm) / RATE


def frames_of(pcm: Pcm) -> list[Pcm]:
    """Frames of 20 ms; the last one is filled up with silence."""
    whole = -(-len(pcm) // FRAME)
    padded: Pcm = np.zeros(whole * FRAME, dtype=np.int16)
    padded[: len(pcm)] = pcm
    return list(padded.reshape(whole, FRAME))
