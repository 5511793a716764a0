"""What one party of a call hears: packets or rows with their times of arrival, and what they tell. Pure."""

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


#: A packet whose timestamp parts from its arrival by more than this, seconds, was not delayed: the sender set his
#: clock anew, as some do who go from one voice to the next (RFC 3550, 5.1 lets no stream do it).
_JUMP_SECONDS: Final = 0.5
#: Streams that one party may send in a call.
_MOST_STREAMS: Final = 64


@dataclass(frozen=True, slots=True)
class Heard:
    """One packet: monotonic seconds of its arrival, its run, in which timestamps compare, and its samples."""

    at: float
    run: int
    timestamp: int
    pcm: Pcm


class _Stream:
    """What came from one source (SSRC)."""

    def __init__(self, sequence: int) -> None:
        self.first = self.highest = sequence
        self.seen: set[int] = set()
        self.last: Heard | None = None

    def is_new(self, sequence: int) -> bool:
        """Whether a packet of this number was not there yet."""
        number = self.highest + (sequence - self.highest + _HALF) % _WRAP - _HALF
        if number in self.seen:
            return False
        self.seen.add(number)
        self.highest = max(self.highest, number)
        return True

    def jumps(self, timestamp: int, at: float) -> bool:
        """Whether a packet's timestamp has nothing to do with those before."""
        last = self.last
        return last is None or abs(_samples(last.timestamp, timestamp) / RATE - (at - last.at)) > _JUMP_SECONDS


class Ear:
    """Hears one party in G.711, in packets or over a circuit; packets of other formats, and garbage, are left out.

    A far end may begin a new stream, or set its timestamps anew, when another one takes over: what was heard stays
    heard, and the new sound begins where it arrived. Audible is a packet with a sample above the peak of a sine of
    -50 dBm0, as everywhere in the platform.
    """

    def __init__(self) -> None:
        self.packets: list[Heard] = []
        self.received = 0
        self._audible: list[float] = []  # times of arrival
        self._streams: dict[int, _Stream] = {}
        self._circuit = _Stream(0)
        self._runs = 0

    def packet(self, data: bytes, at: float) -> bool:
        """Take a packet that arrived at monotonic ``at``; whether it is audible."""
        if not is_voice(data) or self.received >= _MOST_PACKETS:
            return False
        sequence, timestamp = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:8], "big")
        stream = self._stream(int.from_bytes(data[8:12], "big"), sequence)
        if stream is None or not stream.is_new(sequence):
            return False
        self.received += 1
        codes: Bytes = np.frombuffer(data, dtype=np.uint8, offset=HEADER_BYTES)
        return self._take(stream, timestamp, at, decode(LAWS[data[1] & 0x7F], codes))

    def row(self, octets: bytes, at: float) -> bool:
        """Take 20 ms of a circuit (A-law), which follow those before; whether they are audible."""
        if self.received >= _MOST_PACKETS:
            return False
        timestamp = self.received * FRAME
        self.received += 1
        codes: Bytes = np.frombuffer(octets, dtype=np.uint8)
        return self._take(self._circuit, timestamp, at, decode(Law.PCMA, codes))

    def _take(self, stream: _Stream, timestamp: int, at: float, pcm: Pcm) -> bool:
        if stream.jumps(timestamp, at):
            self._runs += 1
            run = self._runs
        else:
            assert stream.last is not None
            run = stream.last.run
        heard = Heard(at, run, timestamp, pcm)
        stream.last = heard
        self.packets.append(heard)
        audible = bool((np.abs(heard.pcm.astype(np.int32)) > AUDIBLE).any())
        if audible:
            self._audible.append(at)
        return audible

    def _stream(self, ssrc: int, sequence: int) -> _Stream | None:
        if ssrc not in self._streams and len(self._streams) < _MOST_STREAMS:
            self._streams[ssrc] = _Stream(sequence)
        return self._streams.get(ssrc)

    @property
    def expected(self) -> int:
        """Packets that the far end sent, by the numbers of its streams."""
        return sum(stream.highest - stream.first + 1 for stream in self._streams.values())

    @property
    def lost(self) -> int:
        """Packets that never came."""
        return sum(
            max(0, stream.highest - stream.first + 1 - len(stream.seen)) for stream in self._streams.values()
        )

    def first_audible(self, since: float) -> float | None:
        """When the first audible packet came that came at or after ``since``."""
        place = bisect_left(self._audible, since)
        return self._audible[place] if place < len(self._audible) else None

    @property
    def last_audible_at(self) -> float | None:
        """When the last audible packet came."""
        return self._audible[-1] if self._audible else None

    def sound(self, begin: float, seconds: float) -> Pcm:
        """What came from ``begin`` on: of each run the first packet where it arrived, the others in their places
        after it by timestamp; silence where nothing came."""
        pcm: Pcm = np.zeros(round(seconds * RATE), dtype=np.int16)
        firsts: dict[int, Heard] = {}
        for heard in self.packets:
            if not begin <= heard.at < begin + seconds:
                continue
            first = firsts.setdefault(heard.run, heard)
            place = round((first.at - begin) * RATE) + _samples(first.timestamp, heard.timestamp)
            left, right = max(0, place), min(len(pcm), place + len(heard.pcm))
            if left < right:
                pcm[left:right] = heard.pcm[left - place : right - place]
        return pcm


def _samples(since: int, timestamp: int) -> int:
    """From one RTP timestamp to another, either way."""
    return (timestamp - since + (1 << 31)) % (1 << 32) - (1 << 31)


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
