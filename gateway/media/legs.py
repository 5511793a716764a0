"""The legs of a worker: their ports, their peers, their life."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from ccplatform.contracts.legs import LegQuality
from ccplatform.contracts.words import CallId, LegId
from gateway.media.addresses import NOWHERE, is_ipv6, key_of_address
from gateway.media.audio import TICK_SECONDS
from gateway.media.codecs import CODECS, Codec
from gateway.media.errors import CannotOpenLeg, CodecMissing
from gateway.media.g711 import Law
from gateway.media.keys import KeyMerger, Way
from gateway.media.leg_security import LegSecurity
from gateway.media.parts import Parts
from gateway.media.port import LocalAudio, RemoteAudio
from gateway.media.ports import PortAllocator, PortPair
from gateway.media.rtcp_session import RtcpSession
from gateway.media.settings import MediaSettings
from gateway.media.sources import Kind
from gateway.media.telephone_event import DigitListener, DigitSender

_PAYLOAD_TYPES: Final = range(128)

_log = structlog.get_logger("media")


@dataclass(slots=True, kw_only=True)
class Leg:
    """One party's audio. What changes 50 times a second is in the rows of the engine's parts."""

    id: LegId
    call: CallId
    row: int
    ports: PortPair
    rtcp: RtcpSession
    digits_in: DigitListener
    digits_out: DigitSender
    remote: RemoteAudio | None = None
    security: LegSecurity | None = None
    room: str | None = None
    keys: KeyMerger = field(default_factory=KeyMerger)

    @property
    def gives_consent(self) -> bool:
        """Whether the peer checks all the time that we are there, on hold as well (RFC 7675)."""
        return self.security is not None and self.security.ice is not None

    def address_of(self, remote: RemoteAudio) -> int:
        """Where a peer is by signalling; nowhere when the leg's sockets cannot send there."""
        key = _key_of(remote)
        return key if key != NOWHERE and is_ipv6(key) is self.ports.ipv6 else NOWHERE

    @property
    def rtcp_mux(self) -> bool:
        """Whether RTCP shares the port of RTP."""
        return self.remote is not None and self.remote.rtcp_mux


class LegBook:
    """Opens, connects and closes legs. ``digit(leg, digit, way, ended_at)`` is called for keys of the peers."""

    def __init__(
        self,
        *,
        settings: MediaSettings,
        parts: Parts,
        ports: range,
        digit: Callable[[Leg, str, Way, float], None],
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._ports = PortAllocator(ports, bind_ip=settings.bind_ip, bind_ip6=settings.bind_ip6)
        self._digit = digit
        self.by_id: dict[LegId, Leg] = {}
        self.by_row: dict[int, Leg] = {}

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[Leg]:
        return iter(self.by_id.values())

    def check_ports(self) -> None:
        """Raise CannotOpenLeg if there is no port for any leg."""
        self._ports.check()

    def of_call(self, call: CallId) -> list[Leg]:
        """The legs of a call."""
        return [leg for leg in self if leg.call == call]

    def reserve(self, count: int, fingerprint: str = "", *, ipv6: bool = False) -> tuple[LocalAudio, ...]:
        """Addresses for legs to come, so many or as many as there are; ``fingerprint`` as of :meth:`open`."""
        ports = self._ports.reserve(min(count, self._parts.table.left), ipv6=ipv6)
        return tuple(self._local(port, fingerprint, ipv6) for port in ports)

    def let_go(self) -> None:
        """Nobody will use the reserved addresses."""
        self._ports.let_go()

    def open(
        self,
        call: CallId,
        leg_id: LegId,
        fingerprint: str = "",
        *,
        reserved: int | None = None,
        ipv6: bool = False,
    ) -> LocalAudio:
        """Reserve a row and ports, or take those that were reserved; raises CannotOpenLeg. ``fingerprint``: of the
        certificate for DTLS."""
        if leg_id in self.by_id:
            raise CannotOpenLeg(f"leg {leg_id} is open already")
        row = self._parts.table.take()
        try:
            ports = self._ports.open(ipv6=ipv6) if reserved is None else self._ports.take(reserved)
        except CannotOpenLeg:
            self._parts.table.give_back(row)
            raise
        leg = Leg(
            id=leg_id,
            call=call,
            row=row,
            ports=ports,
            rtcp=RtcpSession(row=row, reports=self._parts.reports),
            digits_in=DigitListener(lambda digit, ended_at: self._digit(leg, digit, Way.EVENTS, ended_at)),
            digits_out=DigitSender(row, self._settings.max_digits),
        )
        self.by_id[leg_id] = self.by_row[row] = leg
        self._parts.receiver.add(ports.rtp.fileno(), row)
        self._parts.sender.begin(
            row,
            ports.rtp.fileno(),
            ssrc=secrets.randbits(32),
            sequence=secrets.randbits(15),
            clock=secrets.randbits(32),
            connectable=not self._settings.binds_all(ipv6=ports.ipv6),
        )
        return self._local(ports.port, fingerprint, ports.ipv6)

    def _local(self, port: int, fingerprint: str, ipv6: bool) -> LocalAudio:
        return LocalAudio(host=self._settings.sdp_host(ipv6=ipv6), port=port, fingerprint=fingerprint)

    def connect(self, leg: Leg, remote: RemoteAudio, now: float) -> None:
        """Set the peer's side; an address or codec that cannot be used leaves the leg mute."""
        codec = CODECS.get(remote.codec)
        source = leg.address_of(remote) if leg.security is None else leg.security.source()
        if remote.dtmf_payload_type not in _PAYLOAD_TYPES:
            remote = replace(remote, dtmf_payload_type=None)
        leg.remote = remote
        self._parts.dtmf.listen(leg.row, self._listens(remote))
        if codec is None or remote.payload_type not in _PAYLOAD_TYPES or not self._speak(leg, codec, remote):
            return
        sources, sender = self._parts.sources, self._parts.sender
        sources.accept_types(leg.row, _kinds(codec, remote))
        if leg.security is not None and leg.security.session is None:
            return  # no clock runs before there are keys: prompts would begin unheard
        if sources.expect(leg.row, source, now):
            leg.rtcp.aim(NOWHERE)
        else:
            source = sources.source_of(leg.row)  # the peer is where it was, perhaps behind a NAT
        sender.direct(leg.row, codec.law or Law.PCMU, remote.payload_type)
        self.aim(leg, source)

    def _speak(self, leg: Leg, codec: Codec, remote: RemoteAudio) -> bool:
        """Let the leg speak a codec; False where this worker cannot."""
        parts, row = self._parts, leg.row
        try:
            if codec.coder is None:
                parts.wide.leave(row)
            else:
                parts.wide.join(row, codec, remote.fmtp)
        except (CodecMissing, CannotOpenLeg) as error:
            _log.error("a leg cannot have its codec", leg=leg.id, codec=codec.name, reason=str(error))
            return False
        leg.digits_out.clock = remote.dtmf_clock
        parts.reception.clock[row] = codec.clock
        parts.sender.clock_step[row] = round(codec.clock * TICK_SECONDS)
        return True

    def _listens(self, remote: RemoteAudio) -> bool:
        """Whether keys may come as tones from such a peer."""
        wanted = self._settings.inband_dtmf
        return wanted == "always" or (wanted == "auto" and remote.dtmf_payload_type is None)

    def aim(self, leg: Leg, source: int) -> None:
        """The peer is at this address: send RTP there, and RTCP unless it told where."""
        sender = self._parts.sender
        sender.aim(leg.row, source)
        sender.enable(leg.row, source != NOWHERE and leg.remote is not None and leg.remote.receives)
        if source == NOWHERE:
            leg.rtcp.aim(NOWHERE)
        elif leg.rtcp.to == NOWHERE:
            leg.rtcp.aim(source if leg.rtcp_mux or source & 0xFFFF == 0xFFFF else source + 1)

    def follow(self, leg: Leg, source: int) -> None:
        """An authentic packet came from another address: the peer moved, unless ICE says where it is."""
        if leg.security is not None and leg.security.ice is None:
            leg.security.peer = source
            self._parts.sources.listen(leg.row, source, heard=bool(self._parts.sources.heard[leg.row]))
            leg.rtcp.aim(NOWHERE)
            self.aim(leg, source)

    def close(self, leg: Leg) -> LegQuality:
        """Free the leg and say what was measured on it."""
        quality = self.quality(leg)
        self._parts.receiver.remove(leg.ports.rtp.fileno())
        self._ports.give_back(leg.ports)
        self._parts.table.give_back(leg.row)
        del self.by_id[leg.id], self.by_row[leg.row]
        return quality

    def quality(self, leg: Leg) -> LegQuality:
        """What was measured so far."""
        reception, row = self._parts.reception, leg.row
        round_trip = leg.rtcp.round_trip_seconds
        jitter, place = self._parts.buffer_of(row)
        buffered = jitter.mean_delay(place)
        delay = None
        if buffered is not None:
            packet = (leg.remote.ptime_ms / 1000) if leg.remote else TICK_SECONDS
            delay = packet + buffered + (round_trip or 0.0) / 2
        repair = self._parts.concealer_of(row).report(place)
        return LegQuality(
            leg=leg.id,
            codec=leg.remote.codec if leg.remote else "",
            packets_received=int(reception.received[row]),
            packets_lost=reception.lost(row),
            packets_sent=int(self._parts.sender.packets_sent[row]),
            remote_packets_lost=leg.rtcp.remote_lost,
            jitter_seconds=float(reception.jitter[row] / reception.clock[row]),
            round_trip_seconds=round_trip,
            delay_seconds=delay,
            packets_discarded=int(jitter.discarded[place]),
            buffer_seconds=buffered,
            concealed_ratio=repair.concealed_ratio,
            burst_ratio=repair.burst_ratio,
        )


def _kinds(codec: Codec, remote: RemoteAudio) -> dict[int, Kind]:
    """What payload types mean: ours, where we chose them, before the peer's."""
    audio = Kind.CODED if codec.law is None else Kind(codec.law)
    meanings = (
        (remote.payload_type, audio),
        (remote.dtmf_payload_type, Kind.TELEPHONE_EVENT),
        (remote.noise_payload_type, Kind.COMFORT_NOISE),
        (remote.own_payload_type, audio),
        (remote.own_dtmf_payload_type, Kind.TELEPHONE_EVENT),
    )
    return {number: kind for number, kind in meanings if number is not None and number in _PAYLOAD_TYPES}


def _key_of(remote: RemoteAudio) -> int:
    """The peer's address; nowhere for one that nothing can be sent to (RFC 3264 section 8.4: 0.0.0.0)."""
    try:
        address = ipaddress.ip_address(remote.host)
    except ValueError:
        return NOWHERE
    usable = not address.is_unspecified and not address.is_multicast and 0 < remote.port <= 0xFFFF
    return key_of_address(address, remote.port) if usable else NOWHERE
