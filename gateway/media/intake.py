"""From packets to jitter buffers: one batch of what all legs received since the last tick."""

from __future__ import annotations

import numpy as np

from gateway.media.addresses import NOWHERE, key_at, same
from gateway.media.audio import RATE, Array, Rows
from gateway.media.hot_path import LARGEST_PAYLOAD, SMALLEST_PAYLOAD, Streams
from gateway.media.legs import LegBook
from gateway.media.packet_io import Batch
from gateway.media.parts import Parts
from gateway.media.rtp import HEADER_BYTES, Headers, parse
from gateway.media.sources import Kind


class Intake:
    """Sorts packets out: garbage, strangers, audio, telephone-events."""

    def __init__(self, parts: Parts, legs: LegBook) -> None:
        self._parts = parts
        self._legs = legs
        self._streams: Streams | None = None
        self._capacity = 0
        self.pressed: set[int] = set()  # rows of legs whose peer presses a key

    def take(self, wall: float, now: float) -> None:
        """Read what has arrived until ``now`` and put it where it belongs."""
        parts, streams = self._parts, self._known_streams()
        parts.jitter.update(streams)
        batch = parts.receiver.read(wall, now, streams)
        total = len(batch.row)
        if not total:
            return
        slots = parts.receiver.slots
        parts.transforms.unprotect(batch)
        parts.hot_path.admit(slots, total, streams, now)
        others = np.flatnonzero(~slots.ordinary[:total])
        if len(others):
            self._sort(batch if len(others) == total else batch.only(others), now)

    def _known_streams(self) -> Streams:
        """What the hot path is told of the streams; the arrays are others when the rows have grown."""
        parts = self._parts
        if self._streams is None or self._capacity != parts.table.capacity:
            self._capacity = parts.table.capacity
            self._streams = parts.jitter.describe(
                (
                    *(*parts.sources.streams(), parts.transforms.protected, *parts.reception.streams()),
                    *(parts.concealer.muted, parts.wide.narrow, *parts.jitter.streams()),
                )
            )
        return self._streams

    def _sort(self, batch: Batch, now: float) -> None:
        """Packets that may be anything."""
        sources = self._parts.sources
        headers = parse(batch.packets, batch.length, batch.truncated)
        kind = sources.kind[batch.row, headers.payload_type]
        _count(sources.malformed, batch.row[~headers.valid & (batch.length >= 0)])
        understood = headers.valid & (kind != Kind.UNKNOWN)
        _count(sources.unknown_type, batch.row[headers.valid & ~understood])
        trusted = same(batch.source, sources.source[batch.row])
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
            row, source = int(batch.row[index]), key_at(batch.source, index)
            if sources.source_of(row) != source:  # may have become the leg's source within this batch
                ssrc, sequence = int(headers.ssrc[index]), int(headers.sequence[index])
                leg = self._legs.by_row[row]
                if leg.security is not None:
                    self._legs.follow(leg, source)
                    trusted[index] = True
                    continue
                if not sources.may_latch(row, source, ssrc, sequence, now):
                    sources.strangers[row] += 1
                    continue
                leg.rtcp.aim(NOWHERE)
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
        """Decode packets, no leg twice, and put them into the jitter buffers."""
        parts, rows = self._parts, batch.row[chosen]
        timestamp, lengths = headers.timestamp[chosen], headers.payload_length[chosen]
        parts.concealer.muted[rows] = False
        parts.wide.narrow[rows] = True
        parts.reception.measure(rows, timestamp, batch.arrival[chosen])
        lead = (now - batch.arrival[chosen]) * RATE
        for length in sorted(set(lengths.tolist())):  # np.unique would load numpy.ma: 12 to 70 ms
            which = lengths == length
            if not SMALLEST_PAYLOAD <= length <= LARGEST_PAYLOAD:
                _count(parts.sources.malformed, rows[which])
                continue
            index = chosen[which]
            parts.jitter.place(
                rows[which],
                timestamp[which],
                parts.hot_path.decode(kind[index], batch.packets, index, length),
                headers.marker[index],
                begins[which],
                lead[which],
            )


def _payload(batch: Batch, headers: Headers, index: int) -> bytes:
    end = HEADER_BYTES + int(headers.payload_length[index])
    return batch.packets[index, HEADER_BYTES:end].tobytes()


def _count(counters: Array, rows: Rows) -> None:
    if len(rows):
        np.add.at(counters, rows, 1)
