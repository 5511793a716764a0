"""A peer of an encrypted leg: a browser in small, and a phone with SDES."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pylibsrtp import Policy, Session

from gateway.media import stun
from gateway.media.dtls import Certificate, Handshake
from gateway.media.legs import Leg
from gateway.media.port import DtlsPeer, IceSides, RemoteAudio, SdesKeys
from gateway.media.srtp import PROFILES, MasterKeys, Profile
from tests.gateway.media.peers import Packet, Peer, Rig, parse

UFRAG, PWD, PEER_UFRAG = "ours", "passwordpasswordpassword", "peer"


@dataclass
class SecurePeer(Peer):
    """Says and hears through SRTP once it has keys; RTCP comes and goes on the port of RTP."""

    certificate: Certificate = field(default_factory=lambda: Certificate(datetime.datetime.now(datetime.UTC)))
    active: bool = True
    ice: bool = True
    expects: str = ""  # the fingerprint of the platform
    keys: MasterKeys | None = None
    handshake: Handshake | None = None
    answers: list[stun.StunMessage] = field(default_factory=list)
    reports: list[bytes] = field(default_factory=list)
    clear: list[bytes] = field(default_factory=list)  # what came and was not protected with the keys
    received: list[bytes] = field(default_factory=list)  # every datagram of the platform
    dropped: Callable[[bytes], bool] = lambda datagram: False

    def dtls_remote(self, **changes: Any) -> RemoteAudio:
        ice = IceSides(ufrag=UFRAG, pwd=PWD, remote_ufrag=PEER_UFRAG) if self.ice else None
        dtls = DtlsPeer(fingerprint=self.certificate.fingerprint, active=not self.active, ice=ice)
        return self.remote(**({"dtls": dtls, "rtcp_mux": True} | changes))

    def check(self, nominate: bool = True, pwd: str = PWD) -> None:
        attributes = {stun.USERNAME: f"{UFRAG}:{PEER_UFRAG}".encode(), stun.PRIORITY: bytes(4)}
        attributes |= {stun.USE_CANDIDATE: b""} if nominate else {}
        attributes[stun.ICE_CONTROLLING] = bytes(8)
        self.send(stun.build(stun.BINDING_REQUEST, bytes(12), attributes, pwd.encode()))

    def shake_hands(self) -> None:
        """Begin a handshake, or be ready for one."""
        self.handshake = Handshake(self.certificate, fingerprint=self.expects, active=self.active)
        for datagram in self.handshake.start().datagrams:
            self.send(datagram)

    def use(self, keys: MasterKeys) -> None:
        self.keys = keys
        self._out = _session(keys.profile, keys.local, Policy.SSRC_ANY_OUTBOUND)
        self._in = _session(keys.profile, keys.remote, Policy.SSRC_ANY_INBOUND)

    def audio(self, pcm: Any) -> bytes:
        packet = Peer.audio(self, pcm)
        return bytes(self._out.protect(packet)) if self.keys else packet

    def report(self, packet: bytes) -> bytes:
        return bytes(self._out.protect_rtcp(packet))

    def listen(self) -> None:
        while True:
            try:
                data, source = self.rtp.recvfrom(4096)
            except BlockingIOError:
                return
            if source[:2] != self.to:
                continue
            self.received.append(data)
            if not self.dropped(data):
                self._take(data)

    def _take(self, data: bytes) -> None:
        if data[0] < 4:
            self.answers.append(stun.parse(data))
        elif 20 <= data[0] < 64:
            if self.handshake is not None:
                step = self.handshake.receive(data)
                for datagram in step.datagrams:
                    self.send(datagram)
                if step.keys is not None:
                    self.use(step.keys)
        elif self.keys is None:
            self.clear.append(data)
        elif 192 <= data[1] <= 223:
            self.reports.append(bytes(self._in.unprotect_rtcp(data)))
        else:
            self.packets.append(self._packet(data))

    def _packet(self, data: bytes) -> Packet:
        return parse(bytes(self._in.unprotect(data)))


def _session(profile: Profile, key: bytes, ssrc_type: int) -> Session:
    return Session(Policy(key=key, ssrc_type=ssrc_type, srtp_profile=profile.libsrtp))


class SecureRig:
    """What a :class:`Rig` needs for encrypted legs."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def browser(self, name: str = "browser", **fields: Any) -> tuple[Leg, SecurePeer]:
        """A leg that waits for its peer's checks and handshake."""
        leg, local = self.rig.open(name)
        peer = SecurePeer(host=self.rig.host, expects=local.fingerprint, to=(local.host, local.port), **fields)
        self.rig.peers.append(peer)
        return leg, peer

    def connected(self, name: str = "browser", **fields: Any) -> tuple[Leg, SecurePeer]:
        """A leg whose handshake is done."""
        leg, peer = self.browser(name, **fields)
        self.rig.engine.connect_leg(leg, peer.dtls_remote())
        if not peer.active:
            peer.shake_hands()
        if peer.ice:
            peer.check()
            self.exchange()
        if peer.active:
            peer.shake_hands()
        self.exchange()
        assert peer.keys is not None
        return leg, peer

    def phone(self, profile: str = "AES_CM_128_HMAC_SHA1_80", **changes: Any) -> tuple[Leg, SecurePeer]:
        """A leg with keys from SDP."""
        leg, local = self.rig.open("phone")
        peer = SecurePeer(host=self.rig.host, ice=False, to=(local.host, local.port))
        self.rig.peers.append(peer)
        keys = sdes(profile)
        peer.use(MasterKeys(profile=PROFILES[profile], local=keys.remote, remote=keys.local))
        self.rig.engine.connect_leg(leg, peer.remote(sdes=keys, **changes))
        return leg, peer

    def exchange(self) -> None:
        """Let engine and peers talk until nobody has anything to say; no time passes."""
        for _ in itertools.repeat(None, 6):
            self.rig.engine.security.work(float("inf"))
            for peer in self.rig.peers:
                peer.listen()


def sdes(profile: str, salt: int = 0) -> SdesKeys:
    size = PROFILES[profile].master_bytes
    return SdesKeys(profile=profile, local=bytes([1 + salt] * size), remote=bytes([101 + salt] * size))
