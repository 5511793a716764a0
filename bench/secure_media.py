"""What encryption costs the media engine; run with ``python -m bench.secure_media``.

One engine a mode, their ticks made in turn without waiting, so that other load of the machine meets all alike. The
peers of all legs live in the same process and are not counted. Two legs per call, bridged, G.711 at 20 ms. One leg
of each call is a phone in the clear, the other

* ``plain``: another one (what all the others are compared with);
* ``browser``: a browser that shook hands by DTLS and checks its connectivity every 2.5 s (AEAD_AES_128_GCM);
* ``sdes``: a phone with keys from SDP (AES_CM_128_HMAC_SHA1_80).

Printed is the CPU time of the engine (user and system, ticks and what is between them) per call, in per cent of a
core: the median of all ticks, and its difference to ``plain``. Then handshakes: CPU of the engine's side for each,
how many a core does in a second, and the longest step, which is what a tick can be late by. Last a storm: as many
browsers as asked for move here at once when another worker died, all together and at the pace of
``sip.moves_per_second``; the engine ticks and works between its ticks as its worker does, in real time.
"""

from __future__ import annotations

import argparse
import datetime
import os
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from pylibsrtp import Policy, Session

from ccplatform.contracts.words import CallId, LegId
from ccplatform.kernel.clock import SystemClock, VirtualClock
from gateway.media import stun
from gateway.media.dtls import Certificate, Handshake
from gateway.media.engine import Engine
from gateway.media.g711 import Law, encode
from gateway.media.port import DtlsPeer, IceSides, RemoteAudio, SdesKeys
from gateway.media.settings import MediaSettings
from gateway.media.srtp import PROFILES, MasterKeys
from gateway.sip.settings import SipSettings

_HEADER = struct.Struct("!BBHII")
_TICK = 0.02
_CHECK_TICKS = 125
_PWD = "p" * 24
_MODES = ("plain", "browser", "sdes")
_WARM_UP = 50
_SDES = "AES_CM_128_HMAC_SHA1_80"


@dataclass
class _Peer:
    """The other side of one leg."""

    ssrc: int
    to: tuple[str, int] = ("", 0)
    protect: Callable[[bytes], bytes] | None = None
    handshake: Handshake | None = None
    keys: MasterKeys | None = None
    udp: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    def __post_init__(self) -> None:
        self.udp.bind(("127.0.0.1", 0))
        self.udp.setblocking(False)

    def remote(self, **fields: object) -> RemoteAudio:
        port = int(self.udp.getsockname()[1])
        return RemoteAudio(host="127.0.0.1", port=port, codec="PCMA", payload_type=8, **fields)  # type: ignore[arg-type]

    def use(self, keys: MasterKeys) -> None:
        self.keys = keys
        policy = Policy(keys.local, Policy.SSRC_ANY_OUTBOUND, 0, keys.profile.libsrtp)
        self.protect = Session(policy).protect

    def say(self, round_: int, payload: bytes) -> None:
        packet = _HEADER.pack(0x80, 8, round_ & 0x7FFF, round_ * 160, self.ssrc) + payload
        self.udp.sendto(self.protect(packet) if self.protect else packet, self.to)

    def check(self) -> None:
        attributes = {stun.USERNAME: b"ours:peer", stun.PRIORITY: bytes(4), stun.USE_CANDIDATE: b""}
        attributes[stun.ICE_CONTROLLING] = bytes(8)
        self.udp.sendto(stun.build(stun.BINDING_REQUEST, bytes(12), attributes, _PWD.encode()), self.to)

    def listen(self) -> None:
        """Empty the socket; handshake datagrams are answered."""
        while True:
            try:
                data = self.udp.recv(2048)
            except BlockingIOError:
                return
            if self.handshake is not None and self.keys is None and 20 <= data[0] < 64:
                step = self.handshake.receive(data)
                for datagram in step.datagrams:
                    self.udp.sendto(datagram, self.to)
                if step.keys is not None:
                    self.use(step.keys)


class _Rig:
    """An engine and its peers. ``steps`` is the CPU time of each step and tick of the engine, seconds."""

    def __init__(
        self, calls: int, first_port: int = 10_000, clock: VirtualClock | SystemClock | None = None
    ) -> None:
        self.clock = clock or VirtualClock()
        ports = f"{first_port}-{first_port + 4 * calls + 99}"
        settings = MediaSettings(rtp_ports=ports, max_legs_per_worker=2 * calls + 2)
        self.engine = Engine(
            settings=settings, ports=settings.ports_of(0), clock=self.clock, emit=lambda event: None
        )
        self.certificate = Certificate(datetime.datetime.now(datetime.UTC))
        self.peers: list[_Peer] = []
        self.browsers: list[_Peer] = []
        self.steps: list[float] = []

    def open(self, name: str, call: int) -> tuple[_Peer, str]:
        """A leg and its peer; the fingerprint of the engine."""
        local = self.engine.open_leg(CallId(f"{call}"), LegId(name))
        peer = _Peer(ssrc=len(self.peers) + 1, to=(local.host, local.port))
        self.peers.append(peer)
        return peer, local.fingerprint

    def call(self, number: int, mode: str) -> None:
        """A bridged call."""
        legs = self.engine.legs.by_id
        a, b = LegId(f"{number}a"), LegId(f"{number}b")
        peer, _ = self.open(a, number)
        self.engine.connect_leg(legs[a], peer.remote())
        other, fingerprint = self.open(b, number)
        match mode:
            case "plain":
                self.engine.connect_leg(legs[b], other.remote())
            case "sdes":
                size = PROFILES[_SDES].master_bytes
                keys = SdesKeys(profile=_SDES, local=b"l" * size, remote=b"r" * size)
                other.use(MasterKeys(profile=PROFILES[_SDES], local=keys.remote, remote=keys.local))
                self.engine.connect_leg(legs[b], other.remote(sdes=keys))
            case "browser":
                self.shake_hands(b, other, fingerprint)
        self.engine.routing.bridge(legs[a], legs[b])

    def shake_hands(self, name: LegId, peer: _Peer, fingerprint: str) -> None:
        """Connectivity check and handshake."""
        ice = IceSides(ufrag="ours", pwd=_PWD, remote_ufrag="peer")
        dtls = DtlsPeer(fingerprint=self.certificate.fingerprint, active=False, ice=ice)
        self.engine.connect_leg(self.engine.legs.by_id[name], peer.remote(dtls=dtls, rtcp_mux=True))
        peer.check()
        self.work()
        self.greet(peer, fingerprint)
        for _ in range(4):
            self.work()
            peer.listen()
        if peer.keys is None:
            raise SystemExit("a handshake failed")
        peer.say(0, b"\xd5" * 160)
        self.work()
        self.browsers.append(peer)

    def greet(self, peer: _Peer, fingerprint: str) -> None:
        """The browser begins its handshake."""
        peer.handshake = Handshake(self.certificate, fingerprint=fingerprint, active=True)
        for datagram in peer.handshake.start().datagrams:
            peer.udp.sendto(datagram, peer.to)

    def work(self) -> None:
        """What the worker does between two ticks, datagram by datagram."""
        for _ in range(8):
            begin = time.process_time()
            self.engine.security.work(0.0)
            self.steps.append(time.process_time() - begin)

    def tick(self, round_: int, payload: bytes) -> None:
        """20 ms of everybody's talk."""
        for peer in self.peers:
            peer.say(round_, payload)
        for peer in self.browsers[round_ % _CHECK_TICKS :: _CHECK_TICKS]:
            peer.check()
        assert isinstance(self.clock, VirtualClock)
        self.clock.advance(_TICK)
        begin = time.process_time()
        self.engine.tick(self.clock.now(), time.time(), 0)
        self.engine.security.work(float("inf"))
        self.steps.append(time.process_time() - begin)
        for peer in self.peers:
            peer.listen()

    def lost(self) -> int:
        """Packets that did not count as heard."""
        lost = sum(self.engine.parts.reception.lost(leg.row) for leg in self.engine.legs)
        return lost + int(self.engine.security.protection.unauthentic.sum())

    def close(self) -> None:
        self.engine.close()
        for peer in self.peers:
            peer.udp.close()


def _compare(calls: int, ticks: int) -> None:
    rigs = {mode: _Rig(calls, 10_000 + 7_000 * place) for place, mode in enumerate(_MODES)}
    for mode, rig in rigs.items():
        for number in range(calls):
            rig.call(number, mode)
    noise = (np.random.default_rng(7).standard_normal(160) * 2000).astype(np.int16)
    payload = encode(Law.PCMA, noise).tobytes()
    for round_ in range(1, _WARM_UP + ticks):
        for rig in rigs.values():
            rig.tick(round_, payload)
    plain = 0.0
    for mode, rig in rigs.items():
        cost = float(np.median(rig.steps[-ticks:])) / _TICK / calls * 100
        plain = plain or cost
        print(f"{calls:7d} {mode:>8} {cost:11.4f} {cost - plain:17.4f} {rig.lost():6d}", flush=True)
        rig.close()


def _handshakes(count: int) -> None:
    rig = _Rig(count)
    pairs = [(LegId(f"{number}"), *rig.open(f"{number}", number)) for number in range(count)]
    each = []
    for name, peer, fingerprint in pairs:
        rig.steps.clear()
        rig.shake_hands(name, peer, fingerprint)
        each.append((sum(rig.steps), max(rig.steps)))
    whole, step = np.median(each, axis=0)
    longest = max(longest for _, longest in each)
    print(f"handshake with ICE: {whole * 1000:.2f} ms of CPU, {1 / whole:.0f} a second and core; ", end="")
    print(f"its longest step {step * 1000:.2f} ms, the longest of {count} {longest * 1000:.2f} ms")
    rig.close()


def _storm(browsers: int, per_second: int) -> None:
    """Browsers that are told to come here, ``per_second`` of them; 0: all at once."""
    rig = _Rig(browsers, clock=SystemClock())
    pairs = [(LegId(f"{number}"), *rig.open(f"{number}", number)) for number in range(browsers)]
    ice = IceSides(ufrag="ours", pwd=_PWD, remote_ufrag="peer")
    dtls = DtlsPeer(fingerprint=rig.certificate.fingerprint, active=False, ice=ice)
    shaking: dict[int, float] = {}  # who shakes hands, and since when
    invited, took = 0, list[float]()
    skipped, begin = 0, rig.clock.now()
    due = begin + _TICK
    while len(took) < browsers and rig.clock.now() < begin + 60:
        passed = rig.clock.now() - begin
        for number in range(invited, min(browsers, int(passed * per_second) + 1) if per_second else browsers):
            name, peer, fingerprint = pairs[number]
            rig.engine.connect_leg(rig.engine.legs.by_id[name], peer.remote(dtls=dtls, rtcp_mux=True))
            peer.check()
            rig.greet(peer, fingerprint)
            shaking[number], invited = rig.clock.now(), number + 1
        while (now := rig.clock.now()) < due:
            rig.engine.security.work(due - 0.002)
            for number in tuple(shaking):
                pairs[number][1].listen()
                if pairs[number][1].keys is not None:
                    took.append(rig.clock.now() - shaking.pop(number))
        late = int((now - due) / _TICK)
        skipped, due = skipped + late, due + (late + 1) * _TICK
        rig.engine.tick(now, time.time(), late)
    pace = f"{per_second} a second" if per_second else "all at once"
    seconds = rig.clock.now() - begin
    print(
        f"storm of {browsers} browsers, {pace}: {len(took)} talk after {seconds:.1f} s; a handshake took "
        f"{np.median(took) * 1000:.0f} ms, the longest {max(took) * 1000:.0f} ms; {skipped} ticks skipped"
    )
    rig.close()


def main() -> None:
    """Run the bench and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[100, 500])
    parser.add_argument("--ticks", type=int, default=250)
    parser.add_argument("--handshakes", type=int, default=200)
    parser.add_argument("--storm", type=int, default=300, help="browsers that move at once")
    options = parser.parse_args()
    print(
        f"# {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, {options.ticks} ticks a row, CPU time"
    )
    print("# calls     mode   cpu%/call   more than plain   lost")
    for calls in options.calls:
        _compare(calls, options.ticks)
    _handshakes(options.handshakes)
    for per_second in (0, SipSettings().moves_per_second):
        _storm(options.storm, per_second)


if __name__ == "__main__":
    main()
