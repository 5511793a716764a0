"""The peers of all legs for ``bench.media``: one process that plays thousands of phones.

What is done per packet is in ``media_load.c``, compiled for the run, so that the load costs little more than its
system calls; what it could not pace it tells (:class:`LoadResult`). Peer 2n talks A-law, peer 2n + 1 µ-law. They
begin within two seconds, and their packets are spread over the 20 ms in :data:`BATCHES` groups, as on a network.
Every :data:`MARK_EVERY` rounds a call gets a *mark*, one loud frame from one side, stamped as it is sent: the
kernel's receipt of a loud packet on the other side ends the measurement of its way. A peer that hears encrypted
packets only sends marks.
"""

from __future__ import annotations

import ctypes
import gc
import os
import socket
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import numpy as np
from pylibsrtp import Policy, Session

from gateway.media.addresses import SOCKADDR, address_key, sockaddr
from gateway.media.audio import FRAME, Array
from gateway.media.g711 import Law, encode
from gateway.media.packet_io import stamp_arrivals
from gateway.media.rtp import HEADER_BYTES
from gateway.media.srtp import PROFILES
from hatch_build import build

BATCHES: Final = 10
MARK_EVERY: Final = 25
#: Seconds after its time at which a group of packets is late, and the share of such groups from which the load and
#: not the engine sets what is measured.
LATE_SECONDS: Final = 0.005
MOST_LATE: Final = 0.01
_BEGIN_ROUNDS: Final = 100  # in which the phones begin to talk, one after the other
_ALL_EVERY: Final = 16  # rounds after which sockets are read until they are empty
_SOURCE: Final = Path(__file__).with_name("media_load.c")
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

_ARRAYS: Final = ("fds", "engine", "packets", "lengths", "sounds", "law", "deaf", "marked_at")
_RESULTS: Final = ("first", "last", "got", "delays")
_NUMBERS: Final = ("count", "size", "every", "room", "heard", "sent", "talking")


class _Phones(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in (*_ARRAYS, *_RESULTS)),
        *((name, ctypes.c_int64) for name in _NUMBERS),
    )


def is_secured(row: int) -> bool:
    """Which peers encrypt, where any do."""
    return row % 2 == 1


@dataclass(kw_only=True)
class LoadResult:
    """What the peers saw in the measured time. ``sent`` and ``received`` are packets, delays seconds.

    ``late_share`` of all groups of packets left more than 5 ms late, one in a hundred ``late_p99`` seconds or
    more; ``cpu`` is the share of a core that the load took.
    """

    seconds: float
    sent: int
    received: int
    lost: int  # gaps in the sequence numbers of what the engine sent
    late_share: float
    late_p99: float
    cpu: float
    delays: list[float] = field(repr=False)

    @property
    def paced(self) -> bool:
        """Whether the packets left as they should: else the load is what was measured."""
        return self.late_share <= MOST_LATE


class Phones:
    """Sockets and streams of the peers; ``ports`` are those of the engine, one per peer."""

    def __init__(self, ports: list[int], sockets: list[socket.socket], rounds: int, secured: bool = False) -> None:
        count = len(ports)
        rows = np.arange(count)
        for udp in sockets:
            stamp_arrivals(udp)
        packets: Array = np.zeros(count, dtype=_PACKET)
        packets["flags"], packets["ssrc"] = 0x80, rows + 1
        packets["type"] = np.where(rows % 2, 0, 8)
        self._bytes = packets.view(np.uint8).reshape(count, _SECURED_BYTES)
        engine: Array = np.zeros(count, dtype=SOCKADDR)
        for row, port in enumerate(ports):
            engine[row] = sockaddr(address_key("127.0.0.1", port))
        rng = np.random.default_rng(7)
        noise = [(rng.standard_normal(FRAME) * peak).astype(np.int16) for peak in (200, 8000)]
        libsrtp = PROFILES[SRTP_PROFILE].libsrtp
        self._sessions = {
            row: Session(Policy(PEER_KEY, Policy.SSRC_ANY_OUTBOUND, 0, libsrtp))
            for row in range(count)
            if secured and is_secured(row)
        }
        encrypted = np.isin(rows, list(self._sessions))
        room = count * (rounds // MARK_EVERY + 2)
        self._arrays: dict[str, Array] = {
            "fds": np.array([udp.fileno() for udp in sockets], dtype=np.int32),
            "engine": engine,
            "packets": self._bytes,
            "lengths": np.where(encrypted, _SECURED_BYTES, _PACKET_BYTES),
            "sounds": np.stack([encode(law, pcm) for pcm in noise for law in (Law.PCMA, Law.PCMU)]),
            "law": (rows % 2).astype(np.uint8),
            "deaf": encrypted,
            "marked_at": np.zeros(count),
            "first": np.zeros(count, dtype=np.int64),
            "last": np.zeros(count, dtype=np.int64),
            "got": np.zeros(count, dtype=np.int64),
            "delays": np.zeros(room),
        }
        places = (self._arrays[name].ctypes.data for name in (*_ARRAYS, *_RESULTS))
        self._phones = _Phones(*places, count, _SECURED_BYTES, MARK_EVERY, room)
        self._library = _compiled()

    def let_talk(self, round_: int) -> None:
        """Let some more phones begin, until all talk."""
        self._phones.talking = min(self._phones.count, self._phones.count * (round_ + 1) // _BEGIN_ROUNDS)

    def begin(self) -> None:
        """Forget what was counted so far."""
        self._arrays["got"][:] = 0
        self._phones.heard = self._phones.sent = 0

    def send(self, round_: int, group: int) -> None:
        """One packet of each peer of a group."""
        phones = ctypes.byref(self._phones)
        self._library.load_write(phones, round_, group, BATCHES)
        if self._sessions:
            for row in self._sessions.keys() & set(range(group, self._phones.talking, BATCHES)):
                self._protect(row)
        self._library.load_send(phones, round_, group, BATCHES)

    def flood(self, packets: int) -> None:
        """Send the last packet of the first peer again and again."""
        self._library.load_flood(ctypes.byref(self._phones), packets)

    def receive(self, group: int, all_: bool) -> None:
        """Take one packet of each peer of a group, or all that are there."""
        self._library.load_receive(ctypes.byref(self._phones), group, BATCHES, all_)

    def result(self, seconds: float, lateness: Array, cpu: float) -> LoadResult:
        """What was counted since :meth:`begin`; ``lateness`` of each group, seconds."""
        got, phones = self._arrays["got"], self._phones
        span = (self._arrays["last"] - self._arrays["first"]) & 0xFFFF
        return LoadResult(
            seconds=seconds,
            sent=phones.sent,
            received=int(got.sum()),
            lost=int((span + 1 - got)[got > 0].sum()),
            late_share=float(np.mean(lateness > LATE_SECONDS)),
            late_p99=float(np.percentile(lateness, 99)),
            cpu=cpu,
            delays=self._arrays["delays"][: phones.heard].tolist(),
        )

    def _protect(self, row: int) -> None:
        packet = self._sessions[row].protect(self._bytes[row, :_PACKET_BYTES].tobytes())
        self._bytes[row] = np.frombuffer(packet, dtype=np.uint8)


def _compiled() -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "load.so"
        if not build(library, _SOURCE):
            raise SystemExit("bench.media needs a C compiler for its load")
        loaded = ctypes.CDLL(str(library))
    for name, numbers in (("write", 3), ("send", 3), ("flood", 1), ("receive", 3)):
        function = getattr(loaded, f"load_{name}")
        function.argtypes = [ctypes.POINTER(_Phones), *[ctypes.c_int64] * numbers]
        function.restype = None
    return loaded


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
    warm_rounds, rounds = round(warm_up * 50), round((warm_up + seconds) * 50)
    phones = Phones(ports, sockets, rounds, secured)
    lateness = np.zeros((rounds, BATCHES))
    gc.freeze()
    begin, measured_from, cpu = time.monotonic() + 0.05, 0.0, 0.0
    for round_ in range(rounds):
        if round_ == warm_rounds:
            out.send("warm")
            phones.begin()
            measured_from, cpu = time.monotonic(), time.process_time()
        phones.let_talk(round_)
        for group in range(BATCHES):
            due = begin + (round_ + group / BATCHES) * 0.02
            left = due - time.monotonic()
            if left > 0:
                time.sleep(left)
            lateness[round_, group] = time.monotonic() - due
            phones.send(round_, group)
            if flood:
                phones.flood(flood // (50 * BATCHES))
            phones.receive(group, round_ % _ALL_EVERY == 0)
    measured = time.monotonic() - measured_from
    cpu = (time.process_time() - cpu) / measured
    out.send("done")
    time.sleep(0.1)
    for group in range(BATCHES):
        phones.receive(group, True)
    out.send(phones.result(measured, lateness[warm_rounds:], cpu))
