"""The peers of all legs for ``bench.media``: one process that plays thousands of phones.

It uses the engine's own packet path, so it is about as fast as what it measures; what it cannot pace it tells
(``late_share``). Peer 2n talks A-law, peer 2n + 1 µ-law. Their packets are spread over the 20 ms in
:data:`BATCHES` groups, as on a network. Every :data:`MARK_EVERY` rounds a call gets a *mark*, one loud frame from
one side: the receipt of a loud packet on the other side ends the measurement of its way.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Final

import numpy as np
from pylibsrtp import Policy, Session

from gateway.media.audio import FRAME, Array, Mask
from gateway.media.g711 import Law, encode
from gateway.media.native import find_hot_path
from gateway.media.packet_io import SOCKADDR, Batch, Receiver, address_key, stamp_arrivals
from gateway.media.rtp import HEADER_BYTES
from gateway.media.srtp import PROFILES

BATCHES: Final = 10
MARK_EVERY: Final = 25
_PACKET_BYTES: Final = HEADER_BYTES + FRAME
_PACKET: Final = np.dtype(
    [
        ("flags", "u1"),
        ("type", "u1"),
        ("sequence", ">u2"),
        ("timestamp", ">u4"),
        ("ssrc", ">u4"),
        ("payload", "u1", (FRAME,)),
        ("tag", "u1", (10,)),  # of SRTP
    ]
)
_SECURED_BYTES: Final = _PACKET.itemsize
#: How the secured legs are encrypted (RFC 4568); what the engine sends, and what its peers do.
SRTP_PROFILE: Final = "AES_CM_128_HMAC_SHA1_80"
ENGINE_KEY: Final = b"e" * PROFILES[SRTP_PROFILE].master_bytes
PEER_KEY: Final = b"p" * PROFILES[SRTP_PROFILE].master_bytes
#: Bytes of a payload that are looked at for a mark.
_LOOK: Final = slice(HEADER_BYTES, _PACKET_BYTES)


def is_secured(row: int) -> bool:
    """Which peers encrypt, where any do."""
    return row % 2 == 1


@dataclass(kw_only=True)
class LoadResult:
    """What the peers saw in the measured time. ``sent`` and ``received`` are packets, delays seconds."""

    seconds: float
    sent: int
    received: int
    lost: int  # gaps in the sequence numbers of what the engine sent
    late_share: float  # rounds that began more than 5 ms late
    delays: list[float] = field(repr=False)


class Phones:
    """Sockets and streams of the peers; ``ports`` are those of the engine, one per peer."""

    def __init__(self, ports: list[int], sockets: list[socket.socket], secured: bool) -> None:
        count = len(ports)
        self._path = find_hot_path(True)
        self._receiver = Receiver(self._path, 8)
        for row, udp in enumerate(sockets):
            stamp_arrivals(udp)
            self._receiver.add(udp.fileno(), row)
        self._fds = np.array([udp.fileno() for udp in sockets], dtype=np.int32)
        self._names: Array = np.zeros(count, dtype=SOCKADDR)
        for row, port in enumerate(ports):
            self._names[row] = (socket.AF_INET, port, 0x7F000001, 0)
        self._sources = address_key(0x7F000001, 0) | np.array(ports, dtype=np.int64)
        self._packets: Array = np.zeros(count, dtype=_PACKET)
        self._bytes = self._packets.view(np.uint8).reshape(count, _SECURED_BYTES)
        self._lengths = np.full(count, _PACKET_BYTES, dtype=np.int64)
        rows = np.arange(count)
        self._packets["flags"], self._packets["ssrc"] = 0x80, rows + 1
        self._packets["type"] = np.where(rows % 2, 0, 8)
        self._flip = np.where(rows % 2, 0xFF, 0x55).astype(np.uint8)
        rng = np.random.default_rng(7)
        quiet, loud = ((rng.standard_normal(FRAME) * peak).astype(np.int16) for peak in (200, 8000))
        self._sounds = [np.stack([encode(law, pcm) for law in (Law.PCMA, Law.PCMU)]) for pcm in (quiet, loud)]
        self._groups = [np.arange(group, count, BATCHES) for group in range(BATCHES)]
        self._marked_at = np.zeros(count)
        self._first = np.full(count, -1, dtype=np.int64)
        self._last = np.zeros(count, dtype=np.int64)
        self._got = np.zeros(count, dtype=np.int64)
        self._sent = 0
        libsrtp = PROFILES[SRTP_PROFILE].libsrtp
        self._sessions = {
            row: (
                Session(Policy(PEER_KEY, Policy.SSRC_ANY_OUTBOUND, 0, libsrtp)),
                Session(Policy(ENGINE_KEY, Policy.SSRC_ANY_INBOUND, 0, libsrtp)),
            )
            for row in range(count)
            if secured and is_secured(row)
        }
        self._lengths[list(self._sessions)] = _SECURED_BYTES
        self._told = np.zeros(count, dtype=np.int64)
        self.delays: list[float] = []

    def begin(self) -> None:
        """Forget what was counted so far."""
        self._first[:], self._got[:], self._sent = -1, 0, 0
        self.delays.clear()

    def send(self, round_: int, group: int) -> None:
        """One packet of each peer of a group."""
        rows = self._groups[group]
        packets = self._packets
        packets["sequence"][rows] = round_ & 0xFFFF
        packets["timestamp"][rows] = round_ * FRAME & 0xFFFFFFFF
        marked = (round_ + rows // 2) % (2 * MARK_EVERY) == MARK_EVERY * (rows % 2)
        packets["payload"][rows] = np.where(
            marked[:, np.newaxis], self._sounds[1][rows % 2], self._sounds[0][rows % 2]
        )
        for row in self._sessions.keys() & set(rows.tolist()):
            self._protect(row)
        self._marked_at[rows[marked] ^ 1] = time.monotonic()
        self._path.send(self._fds[rows], rows, self._bytes, self._lengths, self._names, self._told)
        self._sent += len(rows)

    def flood(self, packets: int) -> None:
        """Send the last packet of the first peer again and again."""
        rows = np.zeros(packets, dtype=np.int64)
        self._path.send(self._fds[rows], rows, self._bytes, self._lengths, self._names, self._told)

    def receive(self) -> None:
        """Take what has arrived, look for marks and gaps."""
        batch = self._receiver.read(time.time(), time.monotonic())
        ours = batch.source == self._sources[batch.row]  # ports are used again: others may still send to them
        if not ours.all():
            batch = batch.only(np.flatnonzero(ours))
        for turn in range(int(batch.turn.max(initial=-1)) + 1):
            self._count(batch, batch.turn == turn)
        rows = batch.row
        waiting = self._marked_at[rows] > 0
        if waiting.any():
            for index in np.flatnonzero(waiting).tolist():
                if (sessions := self._sessions.get(int(rows[index]))) is not None:
                    clear = sessions[1].unprotect(batch.packets[index, : batch.length[index]].tobytes())
                    batch.packets[index, : len(clear)] = np.frombuffer(clear, dtype=np.uint8)
            codes = batch.packets[waiting, _LOOK] ^ self._flip[rows[waiting], np.newaxis]
            loud = ((codes & 0x70) >= 0x50).sum(axis=1) >= 8
            heard, arrival = rows[waiting][loud], batch.arrival[waiting][loud]
            self.delays += np.maximum(arrival - self._marked_at[heard], 0).tolist()
            self._marked_at[heard] = 0

    def result(self, seconds: float, late_share: float) -> LoadResult:
        """What was counted since :meth:`begin`."""
        heard = self._first >= 0
        expected = ((self._last - self._first) & 0xFFFF)[heard] + 1
        return LoadResult(
            seconds=seconds,
            sent=self._sent,
            received=int(self._got.sum()),
            lost=int(expected.sum() - self._got.sum()),
            late_share=late_share,
            delays=self.delays,
        )

    def _protect(self, row: int) -> None:
        packet = self._sessions[row][0].protect(self._bytes[row, :_PACKET_BYTES].tobytes())
        self._bytes[row] = np.frombuffer(packet, dtype=np.uint8)

    def _count(self, batch: Batch, chosen: Mask) -> None:
        rows = batch.row[chosen]
        packets = batch.packets[chosen, :4]
        sequence = packets[:, 2].astype(np.int64) << 8 | packets[:, 3]
        self._first[rows] = np.where(self._first[rows] < 0, sequence, self._first[rows])
        self._last[rows] = sequence
        self._got[rows] += 1


def play_peers(
    ports: list[int],
    sockets: list[socket.socket],
    core: int,
    seconds: float,
    warm_up: float,
    flood: int,
    secured: bool,
    out: Connection,
) -> None:
    """The load process, which also sends ``flood`` packets a second to the first leg; peers may be ``secured``.

    It tells ``"warm"`` when the measured time begins, ``"done"`` at its end, then the result.
    """
    os.sched_setaffinity(0, {core})
    phones = Phones(ports, sockets, secured)
    warm_rounds, rounds = round(warm_up * 50), round((warm_up + seconds) * 50)
    begin, late, measured_from = time.monotonic() + 0.05, 0, 0.0
    for round_ in range(rounds):
        if round_ == warm_rounds:
            out.send("warm")
            phones.begin()
            late, measured_from = 0, time.monotonic()
        for group in range(BATCHES):
            due = begin + (round_ + group / BATCHES) * 0.02
            left = due - time.monotonic()
            if left > 0:
                time.sleep(left)
            late += group == 0 and left < -0.005
            phones.send(round_, group)
            if flood:
                phones.flood(flood // (50 * BATCHES))
            if group % 5 == 4:
                phones.receive()
    measured = time.monotonic() - measured_from
    out.send("done")
    time.sleep(0.1)
    phones.receive()
    out.send(phones.result(measured, late / (rounds - warm_rounds)))
