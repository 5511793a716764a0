"""What one encrypted leg knows: its keys, how they are agreed on, and where its peer proved to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gateway.media.dtls import Handshake
from gateway.media.errors import BadSrtp
from gateway.media.ice import IceLite
from gateway.media.srtp import SrtpSession

#: Streams that a peer may begin on one leg; libsrtp keeps memory for each.
MAX_STREAMS: Final = 32

_SSRC: Final = slice(8, 12)
_RTCP_SSRC: Final = slice(4, 8)


@dataclass(slots=True, kw_only=True, eq=False)
class LegSecurity:
    """``session`` is there once there are keys. Sources are numbers of
    :mod:`~gateway.media.addresses`."""

    signalled: int
    ice: IceLite | None = None
    session: SrtpSession | None = None
    handshake: Handshake | None = None
    peer: int = 0  # where the handshake is done with
    give_up_at: float = 0.0
    repeat_at: float | None = None
    datagrams: int = 0  # read since the last tick
    streams: set[int] = field(default_factory=set)

    def signal(self, source: int) -> None:
        """SDP gives this address, again or anew."""
        if source != self.signalled:
            self.signalled = source
            if self.ice is None:
                self.peer = 0

    def source(self) -> int:
        """Where the media go: the nominated pair, the peer of the handshake, or the address of SDP."""
        if self.ice is not None:
            return self.ice.nominated or self.peer
        return self.peer or self.signalled

    def may_shake_hands(self, source: int) -> bool:
        """Whether a DTLS datagram from there is looked at."""
        return self.ice.is_checked(source) if self.ice is not None else source == self.signalled

    def may_begin(self, ssrc: int) -> bool:
        """Whether the peer may have one more stream."""
        return ssrc in self.streams or len(self.streams) < MAX_STREAMS

    def unprotect(self, packet: bytes) -> bytes:
        """RTP of one SRTP packet, outside of the tick; raises :class:`BadSrtp`."""
        session = self._session_for(packet[_SSRC])
        plain = session.unprotect(packet)
        self.streams.add(int.from_bytes(packet[_SSRC], "big"))
        return plain

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """RTCP of an SRTCP packet; raises :class:`BadSrtp`."""
        session = self._session_for(packet[_RTCP_SSRC])
        plain = session.unprotect_rtcp(packet)
        self.streams.add(int.from_bytes(packet[_RTCP_SSRC], "big"))
        return plain

    def _session_for(self, ssrc: bytes) -> SrtpSession:
        if self.session is None:
            raise BadSrtp("there are no keys yet")
        if not self.may_begin(int.from_bytes(ssrc, "big")):
            raise BadSrtp(f"more than {MAX_STREAMS} streams")
        return self.session
