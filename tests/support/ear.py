"""What a phone hears: every RTP packet with its arrival, turned into samples, and waits for sounds."""

from __future__ import annotations

import asyncio
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import numpy as np

from tests.support import audio, g711
from tests.support.g711 import RATE, Samples
from tests.support.milestone import PATIENCE, PeerError

KEYS: Final = "0123456789*#ABCD"
_HEADER: Final = struct.Struct("!BBHII")


class Packet(NamedTuple):
    """One RTP packet as it came; ``at`` is its monotonic arrival."""

    at: float
    sequence: int
    timestamp: int
    source: int
    payload_type: int
    payload: bytes


class HeardKey(NamedTuple):
    """A key pressed by the other side (RFC 4733)."""

    key: str
    at: float  # arrival of the first end packet
    seconds: float


class Recording(NamedTuple):
    """Samples by RTP timestamp, gaps as silence; sample 0 arrived at ``begins_at`` (monotonic)."""

    samples: Samples
    begins_at: float

    def since(self, at: float) -> Samples:
        """What arrived from an instant on."""
        return self.samples[max(0, round((at - self.begins_at) * RATE)) :]


def parse_rtp(data: bytes, at: float) -> Packet | None:
    """RFC 3550, 5.1; None for anything else."""
    if len(data) < 12 or data[0] >> 6 != 2:
        return None
    first, second, sequence, timestamp, source = _HEADER.unpack_from(data)
    start = 12 + 4 * (first & 15)
    if first & 0x10 and len(data) >= start + 4:
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    end = len(data) - (data[-1] if first & 0x20 else 0)
    return Packet(at, sequence, timestamp, source, second & 127, data[start:end])


class Listener(Protocol):
    """Watches packets in order; :meth:`hear` returns the arrival of the sound it waits for, once it is there."""

    def hear(self, packet: Packet, samples: Samples) -> float | None: ...


class _Sound:
    def hear(self, packet: Packet, samples: Samples) -> float | None:
        return packet.at if audio.level_dbm0(samples) > audio.AUDIBLE_DBM0 else None


class _Window:
    """A condition on the last ``seconds`` of samples; the sound began with the first packet of that window."""

    def __init__(self, holds: Callable[[Samples], bool], seconds: float, every: int) -> None:
        self._holds = holds
        self._samples = round(seconds * RATE)
        self._every = every
        self._count = 0
        self._held: deque[tuple[float, Samples]] = deque()
        self._held_samples = 0

    def hear(self, packet: Packet, samples: Samples) -> float | None:
        self._held.append((packet.at, samples))
        self._held_samples += samples.size
        while self._held_samples - self._held[0][1].size >= self._samples:
            self._held_samples -= self._held.popleft()[1].size
        self._count += 1
        if self._held_samples < self._samples or self._count % self._every:
            return None
        joined = np.concatenate([part for _, part in self._held])
        return self._held[0][0] if self._holds(joined) else None


class Ear:
    """Everything one phone received in one call."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.keys: list[HeardKey] = []
        self.first_packet_at: float | None = None
        self.first_audible_at: float | None = None
        self._codecs: dict[int, str] = {number: name for name, number in g711.PAYLOAD_TYPES.items()}
        self._dtmf: int | None = None
        self._key_timestamps: set[int] = set()
        self._waits: list[tuple[Listener, float, asyncio.Future[float]]] = []
        self._changed = asyncio.Event()
        self._sound = _Sound()

    def expect(self, codec: str, payload_type: int, dtmf: int | None) -> None:
        """What the session description agreed on."""
        self._codecs[payload_type] = codec
        self._dtmf = dtmf

    def receive(self, data: bytes, at: float) -> None:
        packet = parse_rtp(data, at)
        if packet is None:
            return
        if packet.payload_type == self._dtmf:
            self._key(packet)
            return
        self.packets.append(packet)
        if self.first_packet_at is None:
            self.first_packet_at = at
        if self.first_audible_at is not None and not self._waits:
            return
        samples = self._decode(packet)
        if self.first_audible_at is None:
            self.first_audible_at = self._sound.hear(packet, samples)
        for listener, since, future in list(self._waits):
            if at >= since and not future.done() and (heard := listener.hear(packet, samples)) is not None:
                future.set_result(heard)

    async def heard(
        self,
        *,
        tone: float | None = None,
        speech: bool = False,
        since: float | None = None,
        limit: float = PATIENCE,
    ) -> float:
        """Wait until a tone (100 ms of it), speech (1 s of it) or else any audible packet has arrived.

        ``since``: only what arrived from this monotonic instant on counts; without it the whole call does.
        Returns the arrival of its first packet; raises :class:`PeerError` that says what was heard instead.
        """
        what = "speech" if speech else "sound" if tone is None else f"tone of {tone:g} Hz"
        listener: Listener = self._sound
        if tone is not None:
            listener = _Window(lambda samples: audio.has_tone(samples, tone), 0.1, 1)
        elif speech:
            listener = _Window(lambda samples: audio.measure_speech(samples).speech(), 1.0, 5)
        found = await self._listen(listener, since or 0.0, limit)
        if found is None:
            raise PeerError(f"no {what} heard within {limit:g} s; {self.describe(since)}")
        return found

    async def silent_for(self, seconds: float, *, limit: float = PATIENCE) -> None:
        """Wait until nothing audible arrived for so long."""
        give_up = time.monotonic() + limit
        while await self._listen(self._sound, time.monotonic(), seconds) is not None:
            if time.monotonic() > give_up:
                raise PeerError(f"no {seconds:g} s of silence within {limit:g} s; {self.describe()}")

    async def heard_keys(self, keys: str, *, limit: float = PATIENCE) -> list[HeardKey]:
        """Wait until these keys, in this order, are the last ones that arrived."""
        try:
            async with asyncio.timeout(limit):
                while not "".join(heard.key for heard in self.keys).endswith(keys):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pressed = "".join(heard.key for heard in self.keys)
            raise PeerError(f"keys {keys!r} not heard within {limit:g} s; heard {pressed!r}") from None
        return self.keys[-len(keys) :]

    def recording(self) -> Recording:
        """All samples by RTP timestamp; a new source or a jump of more than 2 s is placed by its arrival."""
        if not self.packets:
            return Recording(np.zeros(0, dtype=np.int16), time.monotonic())
        origin = self.packets[0]
        base, base_timestamp, source = 0, origin.timestamp, origin.source
        placed: list[tuple[int, Samples]] = []
        for packet in self.packets:
            by_arrival = round((packet.at - origin.at) * RATE)
            ahead = (packet.timestamp - base_timestamp + 2**31) % 2**32 - 2**31
            if packet.source != source or abs(base + ahead - by_arrival) > 2 * RATE:
                base, base_timestamp, source, ahead = by_arrival, packet.timestamp, packet.source, 0
            placed.append((max(0, base + ahead), self._decode(packet)))
        samples = np.zeros(max(start + part.size for start, part in placed), dtype=np.int16)
        for start, part in placed:
            samples[start : start + part.size] = part
        return Recording(samples, origin.at)

    @property
    def lost(self) -> int:
        """Packets missing in the sequence numbers, per source."""
        total = 0
        for source in {packet.source for packet in self.packets}:
            numbers = np.array([packet.sequence for packet in self.packets if packet.source == source])
            steps = (np.diff(numbers) + 32768) % 65536 - 32768
            total += int(steps.sum()) - len(steps)
        return max(0, total)

    def describe(self, since: float | None = None) -> str:
        """What was heard, for failures."""
        if not self.packets:
            return "heard: not one audio packet"
        recording = self.recording()
        samples = recording.samples if since is None else recording.since(since)
        counted = [packet for packet in self.packets if packet.at >= (since or 0.0)]
        names = {self._codecs.get(packet.payload_type, f"type {packet.payload_type}") for packet in counted}
        return f"heard: {len(counted)} packets {'/'.join(sorted(names))}, {audio.describe(samples)}"

    async def _listen(self, listener: Listener, since: float, limit: float) -> float | None:
        for packet in self.packets:
            if packet.at >= since and (at := listener.hear(packet, self._decode(packet))) is not None:
                return at
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        wait = (listener, since, future)
        self._waits.append(wait)
        try:
            async with asyncio.timeout(limit):
                return await future
        except TimeoutError:
            return None
        finally:
            self._waits.remove(wait)

    def _decode(self, packet: Packet) -> Samples:
        codec = self._codecs.get(packet.payload_type)
        return np.zeros(0, dtype=np.int16) if codec is None else g711.decode(packet.payload, codec)

    def _key(self, packet: Packet) -> None:
        if len(packet.payload) < 4 or not packet.payload[1] & 0x80 or packet.timestamp in self._key_timestamps:
            return
        self._key_timestamps.add(packet.timestamp)
        duration = int.from_bytes(packet.payload[2:4])
        self.keys.append(HeardKey(KEYS[packet.payload[0] & 15], packet.at, duration / RATE))
        self._changed.set()
