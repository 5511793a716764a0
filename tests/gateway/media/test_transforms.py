"""Packets changed between the wire and the engine: by a protection, and by a codec that is not G.711."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gateway.media.audio import FRAME, RATE, Array, Bytes, Mask, Rows
from gateway.media.g711 import Law
from gateway.media.hot_path import Heard
from gateway.media.packet_io import Batch
from gateway.media.parts import Parts
from gateway.media.rtp import HEADER_BYTES, Headers
from gateway.media.sending import Sender
from gateway.media.sources import Kind
from tests.gateway.media.peers import Rig, level, tone

_TAG = b"-tag-"


class _Masked:
    """A stand-in for SRTP: payload masked, a tag appended; without a tag it is garbage."""

    def __init__(self) -> None:
        self.pings = 0

    def unprotect(self, batch: Batch, chosen: Rows) -> None:
        for index in chosen.tolist():
            length = int(batch.length[index])
            data = batch.packets[index]
            if data[:length].tobytes() == b"ping":
                self.pings += 1
                batch.length[index] = -1
            elif data[length - len(_TAG) : length].tobytes() != _TAG:
                batch.length[index] = 0
            else:
                data[HEADER_BYTES:] ^= 0x5A
                batch.length[index] = length - len(_TAG)

    def protect(self, packets: Bytes, lengths: Array, rows: Rows) -> None:
        for row in rows.tolist():
            end = int(lengths[row])
            packets[row, HEADER_BYTES:end] ^= 0x5A
            packets[row, end : end + len(_TAG)] = np.frombuffer(_TAG, dtype=np.uint8)
            lengths[row] = end + len(_TAG)


class _Linear:
    """Eight-bit linear audio (RFC 3551 section 4.5.10), for one row."""

    def __init__(self, parts: Parts, row: int) -> None:
        self._parts = parts
        self._row = row

    def take(self, batch: Batch, headers: Headers, chosen: Rows, begins: Mask, now: float) -> None:
        pcm = (batch.packets[chosen, HEADER_BYTES : HEADER_BYTES + FRAME].astype(np.int16) - 128) * 256
        lead = (now - batch.arrival[chosen]) * RATE
        timestamp = headers.timestamp[chosen]
        self._parts.jitter.place(batch.row[chosen], timestamp, pcm, headers.marker[chosen], begins, lead)

    def speak(self, heard: Heard, sender: Sender) -> None:
        (frame,) = heard.of(np.array([self._row]))
        sender.put(self._row, (frame // 256 + 128).astype(np.uint8).tobytes() if frame.any() else b"")


def _mask(data: bytes) -> bytes:
    return data[:HEADER_BYTES] + bytes(octet ^ 0x5A for octet in data[HEADER_BYTES:])


def test_a_protection_sees_both_ways_of_marked_legs_only(rig: Rig) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b", Law.PCMU)
    rig.engine.routing.bridge(a, b)
    masked, transforms = _Masked(), rig.engine.parts.transforms
    transforms.protection = masked
    transforms.protected[a.row] = True
    said = tone(440, 0.4)
    for start in range(0, len(said), FRAME):
        caller.send(_mask(caller.audio(said[start : start + FRAME])) + _TAG)
        agent.say(said[start : start + FRAME])
        rig.tick()
    caller.send(b"ping")
    caller.send(caller.packet(bytes(160)))
    rig.tick()
    assert level(agent.heard()[1600:], 440) > 7000
    assert all(len(packet.payload) == FRAME + len(_TAG) for packet in caller.packets)
    assert all(packet.payload.endswith(_TAG) for packet in caller.packets)
    unmasked = [_mask(bytes(HEADER_BYTES) + packet.payload)[HEADER_BYTES:-5] for packet in caller.packets]
    caller.packets = [
        replace(packet, payload=payload) for packet, payload in zip(caller.packets, unmasked, strict=True)
    ]
    assert level(caller.heard()[1600:], 440) > 7000
    assert masked.pings == 1
    assert int(rig.engine.parts.sources.malformed[a.row]) == 1  # the one without a tag; the ping is none


def test_a_coding_decodes_and_encodes_the_legs_of_its_codec(rig: Rig) -> None:
    a, caller = rig.leg("a")
    b, agent = rig.leg("b")
    rig.engine.routing.bridge(a, b)
    parts = rig.engine.parts
    parts.transforms.coding = _Linear(parts, a.row)
    parts.sources.kind[a.row, 96] = Kind.CODED
    said = tone(440, 0.4)
    for start in range(0, len(said), FRAME):
        linear = (said[start : start + FRAME] // 256 + 128).astype(np.uint8).tobytes()
        caller.send(caller.packet(linear, payload_type=96))
        caller.timestamp = (caller.timestamp + FRAME) & 0xFFFFFFFF
        agent.say(said[start : start + FRAME])
        rig.tick()
    assert level(agent.heard()[1600:], 440) > 7000
    heard = np.concatenate([np.frombuffer(packet.payload, dtype=np.uint8) for packet in caller.packets])
    assert level((heard.astype(np.int16) - 128) * 256, 440) > 7000
    assert len(caller.packets) < len(agent.packets)  # silence was not sent
    assert rig.engine.packets_sent == len(caller.packets) + len(agent.packets)
