"""Encrypted legs: keys from SDP or from a DTLS handshake, connectivity checks answered, between the ticks.

A leg that is being secured has its socket read here, datagram by datagram, so that a handshake is neither held up
by the tick nor holds it up. With its first authentic media packet the socket goes to the tick, which hands back
what is no RTP. Until there are keys nothing is sent and nothing is heard; in the clear, never.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from ccplatform.kernel.clock import Clock
from gateway.media.addresses import NOWHERE, address_key, host_and_port
from gateway.media.demux import Protocol, protocol
from gateway.media.dtls import MAX_DATAGRAM, Certificate, Handshake, Step
from gateway.media.errors import BadSrtp, HandshakeFailed
from gateway.media.ice import IceLite
from gateway.media.leg_security import LegSecurity
from gateway.media.legs import Leg, LegBook
from gateway.media.parts import Parts
from gateway.media.port import DtlsPeer, LegNotSecured, LegSecured, MediaEvent, RemoteAudio, SdesKeys
from gateway.media.protection import SrtpProtection
from gateway.media.rtcp_exchange import RtcpExchange
from gateway.media.settings import MediaSettings
from gateway.media.srtp import PROFILES, MasterKeys, SrtpSession

#: What the ticks may hand back before it is looked at; a browser checks every few seconds.
_MAX_ASIDE: Final = 4096


class SecureLegs:
    """``emit`` gets LegSecured and LegNotSecured. :meth:`work` is to be called when :attr:`fd` is readable, and
    after each tick."""

    def __init__(
        self,
        *,
        settings: MediaSettings,
        parts: Parts,
        legs: LegBook,
        rtcp: RtcpExchange,
        clock: Clock,
        emit: Callable[[MediaEvent], None],
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._legs = legs
        self._rtcp = rtcp
        self._clock = clock
        self._emit = emit
        self._certificate = Certificate(clock.wall())
        self._poll = select.epoll()
        self._securing: dict[int, Leg] = {}  # by socket
        self._muted: list[int] = []  # sockets that brought enough for this tick
        self._set_aside: deque[tuple[Leg, Protocol, bytes, int]] = deque(maxlen=_MAX_ASIDE)
        self.protection = SrtpProtection(self._put_aside)
        parts.table.attach(self.protection)
        parts.transforms.protection = self.protection
        self.handshakes = 0
        self.failures = 0

    @property
    def fingerprint(self) -> str:
        """Of this worker's certificate, for SDP."""
        return self._certificate.fingerprint

    @property
    def fd(self) -> int:
        """Readable when :meth:`work` has something to do."""
        return self._poll.fileno()

    def close(self) -> None:
        """Free the poll object."""
        self._poll.close()

    # --- commands -----------------------------------------------------------------------------------------

    def connect(self, leg: Leg, remote: RemoteAudio) -> None:
        """Take the security that signalling agreed on; what it agreed on before goes on if it is the same."""
        now, before = self._clock.now(), leg.remote
        if leg.security is not None:
            leg.security.signal(leg.address_of(remote))
        if remote.dtls is not None:
            if leg.security is None or before is None or before.dtls is None:
                self._secure_by_dtls(leg, remote, remote.dtls, now, heard=None)
            elif before.dtls != remote.dtls:
                self._renew(leg, remote, remote.dtls, before.dtls, now)
        elif remote.sdes is not None:
            if leg.security is None or before is None or before.sdes != remote.sdes:
                self._secure_by_sdes(leg, remote, remote.sdes)
        else:
            self.remove(leg)

    def remove(self, leg: Leg) -> None:
        """The leg is closed, or in the clear from now on."""
        if leg.security is None:
            return
        self._hand_over(leg)
        leg.security = None
        self._parts.transforms.protected[leg.row] = False
        self.protection.forget(leg.row)

    def _secure_by_sdes(self, leg: Leg, remote: RemoteAudio, sdes: SdesKeys) -> None:
        profile = PROFILES.get(sdes.profile)
        before = leg.security
        security = self._begin(leg, LegSecurity(signalled=leg.address_of(remote)))
        if profile is None or {len(sdes.local), len(sdes.remote)} != {profile.master_bytes}:
            self._fail(leg, "unusable SDES keys")
            return
        keys = MasterKeys(profile=profile, local=sdes.local, remote=sdes.remote)
        security.session = SrtpSession(keys, before.session if before is not None else None)
        self.protection.use(leg.row, security, security.session)

    def _secure_by_dtls(
        self, leg: Leg, remote: RemoteAudio, dtls: DtlsPeer, now: float, *, heard: float | None
    ) -> None:
        """``heard``: when something last came of a talk that is taken to a new path. Its network may be away
        just now: it has as long as any peer that falls silent, and a handshake's time at least."""
        patience, silence = self._settings.handshake_seconds, self._settings.rtp_timeout_seconds
        security = self._begin(leg, LegSecurity(signalled=leg.address_of(remote), ice=_ice(dtls)))
        security.handshake = Handshake(self._certificate, fingerprint=dtls.fingerprint, active=dtls.active)
        # However often the path is renewed, the silence goes on: a call that nobody hears ends.
        since = now if heard is None else min(now, max(heard, now + patience - silence))
        security.give_up_at = now + patience if heard is None else since + max(silence, patience)
        self._parts.sources.last_heard[leg.row] = since
        fd = leg.ports.rtp.fileno()
        self._parts.receiver.remove(fd)
        self._poll.register(fd, select.EPOLLIN)
        self._securing[fd] = leg
        if security.ice is None:
            self._open(leg, security, security.signalled)

    def _renew(self, leg: Leg, remote: RemoteAudio, dtls: DtlsPeer, before: DtlsPeer, now: float) -> None:
        """A restart of ICE keeps the keys (RFC 8842 section 4); another certificate begins anew."""
        assert leg.security is not None
        if (dtls.fingerprint, dtls.active) != (before.fingerprint, before.active):
            self.remove(leg)
            heard = float(self._parts.sources.last_heard[leg.row])
            self._secure_by_dtls(leg, remote, dtls, now, heard=heard)
        elif dtls.ice is not None:
            security = leg.security
            security.peer = security.source()
            security.ice = _ice(dtls)

    def _begin(self, leg: Leg, security: LegSecurity) -> LegSecurity:
        self.remove(leg)
        leg.security = security
        self._parts.transforms.protected[leg.row] = True
        self._parts.sender.enable(leg.row, False)
        return security

    # --- between ticks ------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Let go on who brought enough for the last tick; end what takes too long."""
        for fd in self._muted:
            if fd in self._securing:
                self._poll.modify(fd, select.EPOLLIN)
        self._muted.clear()
        for leg in tuple(self._securing.values()):
            security = leg.security
            assert security is not None
            security.datagrams = 0
            if security.session is None and now >= security.give_up_at:
                checked = security.ice is None or security.ice.answered
                self._fail(leg, "no DTLS handshake in time" if checked else "no connectivity check in time")

    def work(self, until: float) -> None:
        """Take what has come, one datagram at least, then until the clock says ``until``."""
        self._repeat()
        while (datagram := self._next()) is not None:
            self._take(*datagram)
            if self._clock.now() >= until:
                return

    def _put_aside(self, row: int, kind: Protocol, datagram: bytes, source: int) -> None:
        self._set_aside.append((self._legs.by_row[row], kind, datagram, source))

    def _next(self) -> tuple[Leg, Protocol, bytes, int] | None:
        if self._set_aside:
            return self._set_aside.popleft()
        for fd, _ in self._poll.poll(0, 1):
            leg = self._securing[fd]
            assert leg.security is not None
            leg.security.datagrams += 1
            if leg.security.datagrams >= self._settings.max_packets_per_tick:
                self._poll.modify(fd, 0)
                self._muted.append(fd)
            try:
                data, (host, port, *_) = leg.ports.rtp.recvfrom(MAX_DATAGRAM)
            except OSError:  # an ICMP error of something that we sent
                return leg, Protocol.UNKNOWN, b"", NOWHERE
            return leg, protocol(data), data, address_key(host, port)
        return None

    def _take(self, leg: Leg, kind: Protocol, data: bytes, source: int) -> None:
        security = leg.security
        if security is None or self._legs.by_id.get(leg.id) is not leg:
            return  # closed since
        match kind:
            case _ if not data:
                return
            case Protocol.STUN:
                self._check(leg, security, data, source)
            case Protocol.DTLS if security.handshake is not None and security.may_shake_hands(source):
                self._step(leg, security, source, lambda handshake: handshake.receive(data))
            case Protocol.RTCP:
                self._rtcp.take(leg, data, source, self._clock.now())
            case Protocol.RTP:
                self._first_packet(leg, security, data)
            case _:
                self._parts.sources.strangers[leg.row] += 1

    def _check(self, leg: Leg, security: LegSecurity, data: bytes, source: int) -> None:
        if security.ice is None:
            self._parts.sources.strangers[leg.row] += 1
            return
        now, before = self._clock.now(), security.source()
        answer = security.ice.handle(data, source, now)
        if security.ice.last_check == now:
            self._parts.sources.last_heard[leg.row] = now
        if answer is not None:
            _send(leg, answer, source)
        nominated = security.ice.nominated
        if nominated is None or nominated == before:
            return
        if security.session is not None:
            self._reconnect(leg, now)
        elif security.handshake is not None:
            self._open(leg, security, nominated)

    # --- the handshake ------------------------------------------------------------------------------------

    def _open(self, leg: Leg, security: LegSecurity, source: int) -> None:
        """The peer's address is known: begin, if that is our part."""
        if source and not security.peer and leg.security is security:
            self._step(leg, security, source, lambda handshake: handshake.start())

    def _step(self, leg: Leg, security: LegSecurity, source: int, action: Callable[[Handshake], Step]) -> None:
        if security.handshake is None:
            return
        security.peer = source
        try:
            step = action(security.handshake)
        except HandshakeFailed as error:
            self._fail(leg, str(error))
            return
        for datagram in step.datagrams:
            _send(leg, datagram, source)
        now, wait = self._clock.now(), security.handshake.timeout()
        security.repeat_at = now + wait if wait is not None else None
        if step.keys is not None:
            self._secured(leg, security, step.keys, now)

    def _repeat(self) -> None:
        now = self._clock.now()
        for leg in tuple(self._securing.values()):
            security = leg.security
            if security is not None and security.repeat_at is not None and now >= security.repeat_at:
                self._step(leg, security, security.peer, lambda handshake: handshake.repeat())

    def _secured(self, leg: Leg, security: LegSecurity, keys: MasterKeys, now: float) -> None:
        self.handshakes += 1
        security.session = SrtpSession(keys)
        self.protection.use(leg.row, security, security.session)
        self._reconnect(leg, now)
        if leg.remote is not None and leg.remote.dtls is not None and leg.remote.dtls.active:
            self._hand_over(leg)  # the peer's last flight came: nothing will be repeated
        self._emit(LegSecured(leg=leg.id, profile=keys.profile.name))

    def _reconnect(self, leg: Leg, now: float) -> None:
        if leg.remote is not None:
            self._legs.connect(leg, leg.remote, now)

    def _first_packet(self, leg: Leg, security: LegSecurity, data: bytes) -> None:
        """The peer has the keys, or it would not send: from now on the tick reads the socket."""
        try:
            security.unprotect(data)
        except BadSrtp:
            self.protection.unauthentic[leg.row] += 1
            return
        self._hand_over(leg)

    def _hand_over(self, leg: Leg) -> None:
        fd = leg.ports.rtp.fileno()
        if self._securing.pop(fd, None) is None:
            return
        self._poll.unregister(fd)
        self._parts.receiver.add(fd, leg.row)
        if leg.security is not None:
            leg.security.handshake = leg.security.repeat_at = None

    def _fail(self, leg: Leg, reason: str) -> None:
        self.failures += 1
        self._hand_over(leg)
        self._emit(LegNotSecured(leg=leg.id, reason=reason))


def _ice(dtls: DtlsPeer) -> IceLite | None:
    if dtls.ice is None:
        return None
    return IceLite(ufrag=dtls.ice.ufrag, pwd=dtls.ice.pwd, remote_ufrag=dtls.ice.remote_ufrag)


def _send(leg: Leg, datagram: bytes, source: int) -> None:
    with suppress(OSError):  # lost like any datagram
        leg.ports.rtp.sendto(datagram, host_and_port(source))
