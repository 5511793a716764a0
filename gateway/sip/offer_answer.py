"""Offer and answer (RFC 3264) of one audio stream; its codecs are chosen in :mod:`gateway.sip.audio_formats`.

One :class:`AudioNegotiation` for each leg, so that each side of a call has its own codec. Media of other kinds
are refused with port 0. How the stream is protected is settled by :mod:`gateway.sip.media_protection`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gateway.errors import SdpError
from gateway.media.port import LocalAudio, RemoteAudio
from gateway.sip.audio_formats import AudioFormats, AudioPolicy, describe_offer, offered_types
from gateway.sip.media_protection import Agreed, Described, MediaProtection
from gateway.sip.sdp import Attribute, MediaDescription, Origin, SessionDescription, parse_sdp

PTIME_MS: Final = 20

#: What we do when the peer does that: the answer to a direction.
_MIRROR: Final = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_NOWHERE: Final = ("0.0.0.0", "::")  # RFC 2543 hold


class AudioNegotiation:
    """The session of one leg: what we offered or answered, and the peer's side of it."""

    def __init__(
        self, local: LocalAudio, session_id: int, policy: AudioPolicy, protection: MediaProtection
    ) -> None:
        self._local = local
        self._session_id = session_id
        self._policy = policy
        self._protection = protection
        self._version = 0
        self._payload_types: dict[str, int] = {}  # by rtpmap: what the peer called it
        self._sections: list[MediaDescription] = []
        self.remote: RemoteAudio | None = None

    @property
    def local(self) -> LocalAudio:
        """Our side."""
        return self._local

    @property
    def ipv6(self) -> bool:
        """Whether the media go over IPv6."""
        return is_ipv6(self._local.host)

    def move(self, local: LocalAudio) -> None:
        """Our side is at another address from now on; the next offer or answer says so."""
        self._local = local
        self._protection.move()

    # --- the three moves ----------------------------------------------------------------------------------

    def offer(self, first: str | None = None) -> bytes:
        """Our offer: all that we speak, the codec in use (or the one called ``first``) at its head. Sections that
        were refused before stay refused."""
        policy = self._policy.beginning_with(self.remote.codec if self.remote else first)
        formats, attributes = describe_offer(policy, self._payload_types)
        ours = self._protection.offer(self._local)
        attributes += [("ptime", str(PTIME_MS)), ("sendrecv", None), *ours.attributes]
        audio = self._section(ours.protocol, formats, attributes)
        refused = [media if media.port == 0 else audio for media in self._sections]
        return self._description(refused if audio in refused else [audio], ours)

    def answer(self, offer: bytes) -> bytes:
        """Answer a peer's offer and take :attr:`remote` from it; raises :class:`SdpError` and changes nothing."""
        sections, self.remote, payload_types, ours = self._agree(parse_sdp(offer))
        self._payload_types |= payload_types
        return self._description(sections, ours)

    def try_offer(self, offer: bytes) -> None:
        """Raise :class:`SdpError` for an offer that cannot be answered."""
        self._agree(parse_sdp(offer))

    def _agree(
        self, description: SessionDescription
    ) -> tuple[list[MediaDescription], RemoteAudio, dict[str, int], Described]:
        """The sections of the answer, the peer's side, what he calls the formats, and our side."""
        sections: list[MediaDescription] = []
        remote: RemoteAudio | None = None
        chosen: AudioFormats | None = None
        ours: Described | None = None
        reason = "no audio stream is offered"
        for media in description.media:
            if remote is None:
                try:
                    chosen, address = self._choose(media), self._address_of(description, media)
                    ours, agreed = self._protection.answer(description, media, self._local)
                    remote = _remote(description, media, address, chosen, agreed, {})
                    sections.append(self._accept(description, media, chosen, ours))
                    continue
                except SdpError as error:
                    reason = str(error) if media.kind == "audio" else reason
            sections.append(
                MediaDescription(kind=media.kind, port=0, protocol=media.protocol, formats=media.formats[:1])
            )
        if remote is None or chosen is None or ours is None:
            raise SdpError(reason)
        return sections, remote, chosen.payload_types, ours

    def take_answer(self, answer: bytes) -> None:
        """Take :attr:`remote` from the answer to our offer; raises :class:`SdpError` and changes nothing."""
        description = parse_sdp(answer)
        if len(description.media) != len(self._sections):
            raise SdpError(f"{len(description.media)} m= lines answer {len(self._sections)}")
        for ours, media in zip(self._sections, description.media, strict=True):
            if ours.port:
                chosen, address = self._choose(media), self._address_of(description, media)
                agreed = self._protection.take_answer(description, media)
                # Who answers may call a format otherwise than we did: he sends with our number (section 5.1).
                own_types = offered_types(self._policy, self._payload_types)
                self.remote = _remote(description, media, address, chosen, agreed, own_types)
                return
        raise SdpError("no audio stream was offered")

    # --- pieces -------------------------------------------------------------------------------------------

    def _accept(
        self, description: SessionDescription, media: MediaDescription, chosen: AudioFormats, ours: Described
    ) -> MediaDescription:
        formats, attributes = chosen.describe()
        direction = _MIRROR[media.direction(description.direction())]
        attributes += [("ptime", str(PTIME_MS)), (direction, None), *ours.attributes]
        return self._section(ours.protocol, formats, attributes)

    def _choose(self, media: MediaDescription) -> AudioFormats:
        if media.kind != "audio":
            raise SdpError(f"{media.kind} is not served")
        return AudioFormats.choose(media, self._policy)

    def _address_of(self, description: SessionDescription, media: MediaDescription) -> str:
        """Where the peer is: in the address family that the leg has, as an answer that of its offer (RFC 6157)."""
        address = media.address or description.address
        if address is None:
            raise SdpError("no c= line for the audio stream")
        if media.port == 0:
            raise SdpError("the audio stream is refused (port 0)")
        reachable = address in _NOWHERE or is_ipv6(address) is self.ipv6
        if not reachable and not self._protection.is_by_ice(description, media):
            raise SdpError(f"media go over {'IPv6' if self.ipv6 else 'IPv4'} here, not to {address}")
        return address

    def _section(self, protocol: str, formats: list[str], attributes: list[Attribute]) -> MediaDescription:
        return MediaDescription(
            kind="audio", port=self._local.port, protocol=protocol, formats=formats, attributes=attributes
        )

    def _description(self, sections: list[MediaDescription], ours: Described) -> bytes:
        if sections != self._sections:  # The version counts changes only (RFC 3264 section 8).
            self._sections = sections
            self._version += 1
        origin = Origin(username="-", session_id=self._session_id, version=self._version, address=self._local.host)
        description = SessionDescription(
            origin=origin, address=self._local.host, attributes=ours.session, media=sections
        )
        return description.encode()

    # --- over a restart -----------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """JSON-able data with which a re-INVITE can still be answered, and made."""
        return {
            "host": self._local.host,
            "port": self._local.port,
            "fingerprint": self._local.fingerprint,
            "protection": self._protection.snapshot(),
            "session_id": self._session_id,
            "version": self._version,
            "payload_types": self._payload_types,
            "sections": [[media.kind, media.port, media.protocol, media.formats] for media in self._sections],
        }

    @classmethod
    def restore(
        cls, data: dict[str, Any], policy: AudioPolicy, random_number: Callable[[int], int]
    ) -> AudioNegotiation:
        """The negotiation that :meth:`snapshot` described."""
        local = LocalAudio(host=str(data["host"]), port=int(data["port"]), fingerprint=str(data["fingerprint"]))
        protection = MediaProtection.restore(data["protection"], random_number)
        negotiation = cls(local, int(data["session_id"]), policy, protection)
        negotiation._version = int(data["version"])
        negotiation._payload_types = {str(name): int(number) for name, number in data["payload_types"].items()}
        negotiation._sections = [
            MediaDescription(kind=str(kind), port=int(port), protocol=str(protocol), formats=[*map(str, formats)])
            for kind, port, protocol, formats in data["sections"]
        ]
        return negotiation


def is_ipv6(host: str) -> bool:
    """Whether an address is one of IPv6."""
    return ":" in host


def _remote(
    description: SessionDescription,
    media: MediaDescription,
    address: str,
    chosen: AudioFormats,
    agreed: Agreed,
    own_types: dict[str, int],
) -> RemoteAudio:
    """The peer's side; ``own_types``: what we called the formats when the offer was ours, by rtpmap in upper case.
    An address of zeros means hold (RFC 2543), unless ICE finds the way."""
    direction = media.direction(description.direction())
    by_ice = agreed.dtls is not None and agreed.dtls.ice is not None
    return RemoteAudio(
        host=address,
        port=media.port,
        codec=chosen.codec.name,
        payload_type=chosen.payload_type,
        fmtp=chosen.fmtp,
        dtmf_payload_type=chosen.event_type,
        dtmf_clock=chosen.event_clock,
        noise_payload_type=chosen.noise_type,
        own_payload_type=own_types.get(chosen.codec.rtpmap.upper()),
        own_dtmf_payload_type=own_types.get(f"TELEPHONE-EVENT/{chosen.event_clock}"),
        sends=direction in ("sendrecv", "sendonly"),
        receives=direction in ("sendrecv", "recvonly") and (by_ice or address not in _NOWHERE),
        ptime_ms=_ptime(media),
        rtcp_mux=agreed.rtcp_mux,
        sdes=agreed.sdes,
        dtls=agreed.dtls,
    )


def _ptime(media: MediaDescription) -> int:
    text = media.attribute("ptime") or ""
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else PTIME_MS
    return value if 10 <= value <= 60 else PTIME_MS
