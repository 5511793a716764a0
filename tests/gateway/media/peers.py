"""RTP peers made of one socket each, and an engine that is driven tick by tick without waiting."""

from __future__ import annotations

import random
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ccplatform.contracts.words import CallId, LegId
from ccplatform.kernel.clock import VirtualClock
from gateway.media.audio import FRAME, RATE, Pcm
from gateway.media.engine import Engine
from gateway.media.g711 import Law, decode, encode
from gateway.media.legs import Leg
from gateway.media.port import LocalAudio, MediaEvent, RemoteAudio
from gateway.media.settings import MediaSettings

HEADER = struct.Struct("!BBHII")
EVENT_TYPE = 101


@dataclass(frozen=True)
class Packet:
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse(data: bytes) -> Packet:
    _, kind, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    return Packet(kind & 0x7F, bool(kind & 0x80), sequence, timestamp, ssrc, data[HEADER.size :])


def tone(hertz: float, seconds: float, peak: float = 8000.0, start: int = 0) -> Pcm:
    time_ = (start + np.arange(round(seconds * RATE))) / RATE
    return np.rint(peak * np.sin(2 * np.pi * hertz * time_)).astype(np.int16)


def level(pcm: Pcm, hertz: float) -> float:
    """Peak of the sine of that frequency in ``pcm`` (one bin of a Fourier transform: Goertzel's)."""
    if not len(pcm):
        return 0.0
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(pcm)) / RATE)
    return float(2 * abs(np.dot(pcm.astype(np.float64), wave)) / len(pcm))


def steady_level(pcm: Pcm, hertz: float) -> float:
    """Median level of windows of 50 ms: what a listener hears when the buffer now and then adds or drops 10 ms."""
    windows = [level(pcm[start : start + 400], hertz) for start in range(0, len(pcm) - 399, 400)]
    return float(np.median(windows)) if windows else 0.0


@dataclass
class Peer:
    """A phone: sends what it is given, keeps what it gets."""

    law: Law = Law.PCMA
    payload_type: int = 8
    event_type: int | None = EVENT_TYPE
    ssrc: int = 0x11223344
    sequence: int = 65530
    timestamp: int = 0xFFFFFF00
    host: str = "127.0.0.1"
    to: tuple[str, int] = ("", 0)
    packets: list[Packet] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rtp, self.rtcp = _pair(self.host)
        self.rtp.setblocking(False)
        self.rtcp.setblocking(False)

    @property
    def port(self) -> int:
        return int(self.rtp.getsockname()[1])

    def remote(self, **changes: Any) -> RemoteAudio:
        fields: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "codec": self.law.name,
            "payload_type": self.payload_type,
            "dtmf_payload_type": self.event_type,
        }
        return RemoteAudio(**(fields | changes))

    def packet(self, payload: bytes, payload_type: int | None = None, marker: bool = False) -> bytes:
        kind = (self.payload_type if payload_type is None else payload_type) | (0x80 if marker else 0)
        data = HEADER.pack(0x80, kind, self.sequence, self.timestamp, self.ssrc) + payload
        self.sequence = (self.sequence + 1) & 0xFFFF
        return data

    def audio(self, pcm: Pcm) -> bytes:
        """The next audio packet, not sent yet."""
        data = self.packet(encode(self.law, pcm).tobytes())
        self.timestamp = (self.timestamp + len(pcm)) & 0xFFFFFFFF
        return data

    def skip(self, pcm_length: int = FRAME) -> None:
        """A packet that the network lost."""
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.timestamp = (self.timestamp + pcm_length) & 0xFFFFFFFF

    def send(self, data: bytes) -> None:
        self.rtp.sendto(data, self.to)

    def say(self, pcm: Pcm) -> None:
        self.send(self.audio(pcm))

    def press(self, digit: str, ticks: int = 4, ends: int = 3) -> list[bytes]:
        """The packets of one key (RFC 4733): first, updates, ends."""
        code = "0123456789*#ABCD".index(digit)
        packets = []
        for index in range(ticks + ends):
            duration = min(index + 1, ticks) * FRAME
            payload = struct.pack("!BBH", code, 0x0A | (0x80 if index >= ticks else 0), duration)
            packets.append(self.packet(payload, EVENT_TYPE, marker=index == 0))
        self.timestamp = (self.timestamp + (ticks + ends) * FRAME) & 0xFFFFFFFF
        return packets

    def listen(self) -> None:
        """Take what has arrived."""
        while True:
            try:
                self.packets.append(parse(self.rtp.recv(2048)))
            except BlockingIOError:
                return

    def heard(self) -> Pcm:
        """All audio so far, in the order of arrival."""
        frames = [
            decode(self.law, np.frombuffer(packet.payload, dtype=np.uint8))
            for packet in self.packets
            if packet.payload_type == self.payload_type
        ]
        return np.concatenate(frames) if frames else np.zeros(0, dtype=np.int16)

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    """Two sockets on neighbouring ports."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(200):
        rtp = socket.socket(family, socket.SOCK_DGRAM)
        rtp.bind((host, 0))
        rtcp = socket.socket(family, socket.SOCK_DGRAM)
        try:
            rtcp.bind((host, rtp.getsockname()[1] + 1))
        except OSError:
            rtp.close()
            rtcp.close()
            continue
        return rtp, rtcp
    raise RuntimeError("no neighbouring ports are free")


class Rig:
    """An engine whose ticks the test makes; loopback delivers at once, so nothing has to be waited for. Its legs
    and peers are at ``host``."""

    def __init__(self, link_path: str = "", host: str = "127.0.0.1", **settings: Any) -> None:
        self.host = host
        self.clock = VirtualClock()
        self.events: list[MediaEvent] = []
        first = random.randrange(10_000, 19_000, 2)  # several test runs at once do not take each other's ports
        ports = f"{first}-{first + 999}"
        bound = {"bind_ip6": host} if ":" in host else {"bind_ip": host}
        self.settings = MediaSettings(**({"rtp_ports": ports, "jitter_start_ms": 20} | bound | settings))
        self.engine = Engine(
            settings=self.settings,
            ports=self.settings.ports_of(0),
            clock=self.clock,
            emit=self.events.append,
            link_path=link_path,
        )
        self.peers: list[Peer] = []

    def peer(self, law: Law = Law.PCMA, **fields: Any) -> Peer:
        peer = Peer(law=law, payload_type=8 if law is Law.PCMA else 0, **({"host": self.host} | fields))
        self.peers.append(peer)
        return peer

    def open(self, name: str, call: str = "call") -> tuple[Leg, LocalAudio]:
        local = self.engine.open_leg(CallId(call), LegId(name), ipv6=":" in self.host)
        return self.engine.legs.by_id[LegId(name)], local

    def leg(self, name: str, law: Law = Law.PCMA, call: str = "call", **fields: Any) -> tuple[Leg, Peer]:
        """A connected leg and its peer."""
        leg, local = self.open(name, call)
        peer = self.peer(law, **fields)
        peer.to = (local.host, local.port)
        self.engine.connect_leg(leg, peer.remote())
        return leg, peer

    def tick(self, skipped: int = 0, late: int = 0) -> None:
        self.clock.advance(0.02 * (1 + skipped + late))
        self.engine.tick(self.clock.now(), time.time(), skipped, late)
        self.engine.security.work(float("inf"))  # as the worker does between its ticks
        for peer in self.peers:
            peer.listen()

    def ticks(self, count: int) -> None:
        for _ in range(count):
            self.tick()

    def talk(self, *speeches: tuple[Peer, Pcm]) -> None:
        """Let peers say what they have to say, a packet of 20 ms per tick."""
        length = max(len(pcm) for _, pcm in speeches)
        for start in range(0, length, FRAME):
            for peer, pcm in speeches:
                if start < len(pcm):
                    peer.say(pcm[start : start + FRAME])
            self.tick()

    def told(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def close(self) -> None:
        self.engine.close()
        for peer in self.peers:
            peer.close()


def frames_of(pcm: Pcm) -> Iterable[Pcm]:
    for start in range(0, len(pcm), FRAME):
        yield pcm[start : start + FRAME]
