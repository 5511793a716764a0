"""From packets to jitter buffers: one batch of what all legs received since the last tick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gateway.media.audio import RATE, Array, Rows
from gateway.media.hot_path import LARGEST_PAYLOAD, SMALLEST_PAYLOAD
from gateway.media.legs import LegBook
from gateway.media.packet_io import Batch, Slots
from gateway.media.parts import Parts
from gateway.media.rtp import HEADER_BYTES, Headers, parse
from gateway.media.sources import Kind


@dataclass(frozen=True, slots=True)
class _Audio:
    """What placing needs to know of some packets, one entry each."""

    timestamp: Array
    length: Array
    marker: Array
    begins: Array


class Intake:
    """Sorts packets out: garbage, strangers, audio, telephone-events."""

    def __init__(self, parts: Parts, legs: LegBook) -> None:
        self._parts = parts
        self._legs = legs
        self.packets = 0
        self.pressed: set[int] = set()  # rows of legs whose peer presses a key

    def take(self, wall: float, now: float) -> None:
        """Read what has arrived until ``now`` and put it where it belongs."""
        batch = self._parts.receiver.read(wall, now)
        if not len(batch.row):
            return
        self.packets += len(batch.row)
        parts, slots = self._parts, self._parts.receiver.slots
        parts.transforms.unprotect(batch)
        parts.hot_path.admit(slots, len(batch.row), self._streams(), now)
        ordinary = slots.ordinary[: len(batch.row)]
        if not ordinary.any():
            self._sort(batch, now)
            return
        self._place_ordinary(batch, slots, ordinary, now)
        if not ordinary.all():
            self._sort(batch.only(np.flatnonzero(~ordinary)), now)

    def _streams(self) -> tuple[Array, ...]:
        """The arrays of STREAM_ARRAYS."""
        parts = self._parts
        return parts.sources.streams() + parts.reception.streams() + (parts.concealer.muted,)

    def _place_ordinary(self, batch: Batch, slots: Slots, ordinary: Array, now: float) -> None:
        for turn in range(int(batch.turn[ordinary].max()) + 1):
            chosen = np.flatnonzero(ordinary & (batch.turn == turn))
            if len(chosen):
                nothing_new = np.zeros(len(chosen), dtype=np.bool_)
                audio = _Audio(slots.timestamp[chosen], slots.payload[chosen], slots.marker[chosen], nothing_new)
                self._place(batch, slots.law[chosen], chosen, audio, now)

    def _sort(self, batch: Batch, now: float) -> None:
        """Packets that may be anything."""
        sources = self._parts.sources
        headers = parse(batch.packets, batch.length, batch.truncated)
        kind = sources.kind[batch.row, headers.payload_type]
        _count(sources.malformed, batch.row[~headers.valid & (batch.length >= 0)])
        understood = headers.valid & (kind != Kind.UNKNOWN)
        _count(sources.unknown_type, batch.row[headers.valid & ~understood])
        trusted = batch.source == sources.source[batch.row]
        self._meet_strangers(batch, headers, np.flatnonzero(understood & ~trusted).tolist(), trusted, now)
        good = understood & trusted
        heard = batch.row[good]
        sources.heard[heard] = True
        sources.last_heard[heard] = now
        for turn in range(int(batch.turn[good].max(initial=-1)) + 1):
            chosen = np.flatnonzero(good & (batch.turn == turn))
            if len(chosen):
                self._take_turn(batch, headers, kind, chosen, now)

    def _meet_strangers(
        self, batch: Batch, headers: Headers, indexes: list[int], trusted: Array, now: float
    ) -> None:
        sources = self._parts.sources
        for index in indexes:
            row, source = int(batch.row[index]), int(batch.source[index])
            if sources.source[row] != source:  # may have become the leg's source within this batch
                ssrc, sequence = int(headers.ssrc[index]), int(headers.sequence[index])
                leg = self._legs.by_row[row]
                if leg.security is not None:
                    self._legs.follow(leg, source)
                    trusted[index] = True
                    continue
                if not sources.may_latch(row, source, ssrc, sequence, now):
                    sources.strangers[row] += 1
                    continue
                leg.rtcp_to = None
                self._legs.aim(leg, source)
            trusted[index] = True

    def _take_turn(self, batch: Batch, headers: Headers, kind: Array, chosen: Array, now: float) -> None:
        parts, rows = self._parts, batch.row[chosen]
        usable, begins = parts.reception.take(rows, headers.ssrc[chosen], headers.sequence[chosen])
        for row in rows[begins].tolist():
            self._legs.by_row[row].digits_in.begin()
        kinds = kind[chosen]
        audio = usable & (kinds <= Kind.PCMA)
        coded = usable & (kinds == Kind.CODED)
        silenced = usable & ~audio & ~coded
        if silenced.any():
            parts.concealer.muted[rows[silenced]] = True
            for index in chosen[usable & (kinds == Kind.TELEPHONE_EVENT)].tolist():
                self._take_event(batch, headers, index)
            for index in chosen[usable & (kinds == Kind.COMFORT_NOISE)].tolist():
                parts.concealer.noise.describe(int(batch.row[index]), _payload(batch, headers, index))
        if audio.any():
            self._take_audio(batch, headers, kind, chosen[audio], begins[audio], now)
        if coded.any() and parts.transforms.coding is not None:
            index = chosen[coded]
            parts.concealer.muted[batch.row[index]] = False
            parts.reception.measure(batch.row[index], headers.timestamp[index], batch.arrival[index])
            parts.transforms.coding.take(batch, headers, index, begins[coded], now)

    def _take_event(self, batch: Batch, headers: Headers, index: int) -> None:
        payload = _payload(batch, headers, index)
        leg = self._legs.by_row[int(batch.row[index])]
        self.pressed.add(leg.row)
        leg.digits_in.packet(payload, int(headers.timestamp[index]), float(batch.arrival[index]))

    def _take_audio(
        self, batch: Batch, headers: Headers, kind: Array, chosen: Rows, begins: Array, now: float
    ) -> None:
        parts, rows = self._parts, batch.row[chosen]
        parts.concealer.muted[rows] = False
        timestamp = headers.timestamp[chosen]
        parts.reception.measure(rows, timestamp, batch.arrival[chosen])
        audio = _Audio(timestamp, headers.payload_length[chosen], headers.marker[chosen], begins)
        self._place(batch, kind[chosen], chosen, audio, now)

    def _place(self, batch: Batch, laws: Array, chosen: Rows, audio: _Audio, now: float) -> None:
        """Decode packets, no leg twice, and put them into the jitter buffers."""
        parts, rows = self._parts, batch.row[chosen]
        if len(parts.wide):
            parts.wide.narrow[rows] = True
        lead = (now - batch.arrival[chosen]) * RATE
        lengths = audio.length
        for length in (int(lengths[0]),) if (lengths == lengths[0]).all() else np.unique(lengths).tolist():
            which = slice(None) if len(lengths) == np.count_nonzero(lengths == length) else lengths == length
            if not SMALLEST_PAYLOAD <= length <= LARGEST_PAYLOAD:
                _count(parts.sources.malformed, rows[which])
                continue
            parts.jitter.place(
                rows[which],
                audio.timestamp[which],
                parts.hot_path.decode(laws[which], batch.packets, chosen[which], length),
                audio.marker[which],
                audio.begins[which],
                lead[which],
            )


def _payload(batch: Batch, headers: Headers, index: int) -> bytes:
    end = HEADER_BYTES + int(headers.payload_length[index])
    return batch.packets[index, HEADER_BYTES:end].tobytes()


def _count(counters: Array, rows: Rows) -> None:
    if len(rows):
        np.add.at(counters, rows, 1)
