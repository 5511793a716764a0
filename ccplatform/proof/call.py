"""One call of the prober: its sound both ways, and what happened in it."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from dataclasses import dataclass
from typing import Final

import numpy as np

from ccplatform.kernel.clock import Clock
from ccplatform.proof.ear import Ear, is_voice
from ccplatform.proof.mouth import Mouth
from ccplatform.proof.networks import Network
from ccplatform.proof.receipts import Receipts
from gateway.media.audio import Pcm
from gateway.media.g711 import Law
from gateway.media.port import LocalAudio, RemoteAudio

#: Linux: the wall time at which the kernel had a datagram, as seconds and nanoseconds.
_SO_TIMESTAMPNS: Final = 35
_TIMESPEC: Final = struct.Struct("@ll")
_MOST_BYTES: Final = 2048
_MOST_A_TURN: Final = 64
#: So many times two ports are looked for of which both are free.
_MOST_ATTEMPTS: Final = 20
#: Packets that are kept until the answer says whose they are: five seconds.
_MOST_EARLY: Final = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a call ended: by whom, and the SIP status that refused it (0: it was up). ``at`` is monotonic."""

    at: float
    by_remote: bool
    status: int = 0
    q850: int | None = None
    why: str = ""  # in words, where there are any


def sockets_at(host: str) -> tuple[socket.socket, socket.socket]:
    """Sockets at an even port and the next one, both free: for sound and for reports. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for attempt in range(_MOST_ATTEMPTS):
        one, other = (socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) for _ in range(2))
        try:
            one.bind((host, 0))
            port = one.getsockname()[1]
            other.bind((host, port ^ 1))
        except OSError:
            one.close()
            other.close()
            if attempt == _MOST_ATTEMPTS - 1:
                raise
        else:
            return (other, one) if port % 2 else (one, other)
    raise AssertionError


class Voice:
    """Both ways of a call's sound over UDP sockets of its own, clear unless it is :meth:`impair`-ed; what the far
    end reports of ours comes to the port after that of the sound (RFC 3550 section 11).

    Arrivals are the kernel's, so that a late turn of this process makes nobody else look slow. Only the address
    that was negotiated is heard. Where nothing came from there yet, another port of the same host, or of ``peer``,
    whom the call is with, is taken for it, once (symmetric RTP through a NAT, RFC 4961); packets that overtook the
    answer are judged when it is there.
    """

    def __init__(self, host: str, *, ssrc: int, clock: Clock, peer: str = "") -> None:
        self.ear = Ear()
        self.mouth: Mouth | None = None
        self.receipts: Receipts | None = None
        self.key_ended_at: float | None = None
        self.spoke_at: float | None = None  # when the first packet of something to say left
        self._clock = clock
        self._ssrc = ssrc
        self._outward: tuple[Network, ...] = ()
        self._inward: tuple[Network, ...] = ()
        self._generator = np.random.default_rng()
        self._remote: tuple[str, int] | None = None
        self._peer = peer
        self._negotiated: tuple[str, int] | None = None
        self._source: tuple[str, int] | None = None  # whom we hear
        self._early: list[tuple[bytes, float, tuple[str, int]]] = []
        self.foreign = 0  # packets from elsewhere
        self._socket, self._reports = sockets_at(host)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._read)
        self._loop.add_reader(self._reports.fileno(), self._read_reports)

    @property
    def local(self) -> LocalAudio:
        """Where we want the far end's sound."""
        host, port = self._socket.getsockname()[:2]
        return LocalAudio(host=host, port=port)

    @property
    def speaks(self) -> bool:
        """Whether there is somebody to speak to."""
        return self.mouth is not None

    @property
    def presses(self) -> bool:
        """Whether the far end takes keys by RFC 4733."""
        return self.mouth is not None and self.mouth.presses

    @property
    def pressing(self) -> bool:
        """Whether keys are left to press."""
        return self.mouth is not None and self.mouth.pressing

    def say(self, pcm: Pcm) -> None:
        """Say this after what is being said; nothing where nobody is there."""
        if self.mouth is not None:
            self.mouth.say(pcm)

    def press(self, keys: str) -> None:
        """Press these keys; nothing where nobody is there."""
        if self.mouth is not None:
            self.mouth.press(keys)

    def impair(self, network: Network | None, seed: int, way: Network | None = None) -> None:
        """Let what is sent go through a network; what is sent and what comes goes through that on the ``way``."""
        self._generator = np.random.default_rng(seed)
        self._inward = () if way is None else (way,)
        self._outward = self._inward if network is None else (network, *self._inward)

    def connect(self, remote: RemoteAudio) -> None:
        """Begin to send."""
        law = Law.PCMA if remote.codec == "PCMA" else Law.PCMU
        if self.mouth is None:
            self.mouth = Mouth(ssrc=self._ssrc, law=law, event_type=remote.dtmf_payload_type)
            self.receipts = Receipts(ssrc=self._ssrc, first=self.mouth.first)
        self._remote = remote.host, remote.port
        if self._negotiated != self._remote:
            self._negotiated, self._source = self._remote, None
        early, self._early = self._early, []
        for data, at, source in early:
            self._hear(data, at, source)

    def tick(self, now: float) -> None:
        """Send what is due at monotonic ``now``; called every 20 ms."""
        if self.mouth is None or self._remote is None:
            return
        spoke = self.mouth.speaking
        packets, key_ends = self.mouth.packets()
        if spoke and self.spoke_at is None:
            self.spoke_at = now
        for packet in packets:
            self._send_by_network(packet, now)
        if key_ends:
            self.key_ended_at = self._clock.now()

    def close(self) -> None:
        """Neither hear nor say anything any more."""
        self._remote = None
        for each in (self._socket, self._reports):
            self._loop.remove_reader(each.fileno())
            each.close()

    def _send_by_network(self, packet: bytes, now: float) -> None:
        if not self._outward:
            self._send(packet)
            return
        fate = self._fate(self._outward)
        if fate != np.inf:
            self._clock.call_at(now + fate, lambda: self._send(packet))

    def _send(self, packet: bytes) -> None:
        if self._remote is None:
            return
        try:
            self._socket.sendto(packet, self._remote)
        except OSError:  # the far end closed its socket, or ours is full: RTP may be lost
            return

    def _read(self) -> None:
        for _ in range(_MOST_A_TURN):
            try:
                data, extra, _, source = self._socket.recvmsg(_MOST_BYTES, 64)
            except BlockingIOError:
                return
            except OSError:  # told of a packet that could not be delivered
                continue
            self._hear(data, self._arrival(extra), (source[0], source[1]))

    def _read_reports(self) -> None:
        for _ in range(_MOST_A_TURN):
            try:
                data, source = self._reports.recvfrom(_MOST_BYTES)
            except OSError:  # nothing more, or told of a packet that could not be delivered
                return
            if self.receipts and self.mouth and self._remote and source[0] in (self._remote[0], self._peer):
                self.receipts.packet(data, self.mouth.sent)

    def _hear(self, data: bytes, at: float, source: tuple[str, int]) -> None:
        if self._negotiated is None:
            if len(self._early) < _MOST_EARLY:
                self._early.append((data, at, source))
            return
        if source == self._negotiated or (
            self._source is None and source[0] in (self._negotiated[0], self._peer) and is_voice(data)
        ):
            self._source = source
        if source == self._source:
            self._arrive(data, at)
        else:
            self.foreign += 1

    def _arrive(self, data: bytes, at: float) -> None:
        """Hear it, by the network on the way to us, if there is one."""
        if not self._inward:
            self.ear.packet(data, at)
            return
        fate = self._fate(self._inward)
        if fate != np.inf:
            self._clock.call_at(at + fate, lambda: self._late(data, at + fate))

    def _fate(self, networks: tuple[Network, ...]) -> float:
        """Seconds that a packet takes through all of them; infinite: it is lost."""
        return sum(float(network.fates(self._generator, 1)[0]) for network in networks)

    def _late(self, data: bytes, at: float) -> None:
        self.ear.packet(data, at)

    def _arrival(self, extra: list[tuple[int, int, bytes]]) -> float:
        if not extra:
            return self._clock.now()
        seconds, nanoseconds = _TIMESPEC.unpack(extra[0][2])
        stamp: float = seconds + nanoseconds / 1e9
        return self._clock.now() - max(0.0, time.time() - stamp)
