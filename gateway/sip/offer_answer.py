"""Offer and answer (RFC 3264) of one audio stream: PCMA, PCMU (RFC 3551) and telephone-event (RFC 4733).

One :class:`AudioNegotiation` for each leg, so that each side of a call has its own codec. The answer takes the
first codec of the offer that we speak. Media of other kinds are refused with port 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from gateway.errors import SdpError
from gateway.media.port import LocalAudio, RemoteAudio
from gateway.sip.sdp import Attribute, MediaDescription, Origin, SessionDescription, parse_sdp

#: Static payload types (RFC 3551) of the codecs that we speak, in the order of our offers.
CODECS: Final = {"PCMA": 8, "PCMU": 0}
#: The payload type that our offers give telephone-event.
EVENT_PAYLOAD_TYPE: Final = 101
PTIME_MS: Final = 20

_STATIC: Final = {8: "PCMA", 0: "PCMU"}
_PROTOCOLS: Final = ("RTP/AVP", "RTP/AVPF")
#: What we do when the peer does that: the answer to a direction.
_MIRROR: Final = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
_NOWHERE: Final = ("0.0.0.0", "::")  # RFC 2543 hold


@dataclass(frozen=True, slots=True)
class _Audio:
    """One codec chosen out of a peer's m= line."""

    codec: str
    payload_type: int
    event_payload_type: int | None


class AudioNegotiation:
    """The session of one leg: what we offered or answered, and the peer's side of it."""

    def __init__(self, local: LocalAudio, session_id: int) -> None:
        self._local = local
        self._session_id = session_id
        self._version = 0
        self._sections: list[MediaDescription] = []
        self.remote: RemoteAudio | None = None

    # --- the three moves ----------------------------------------------------------------------------------

    def offer(self) -> bytes:
        """Our offer: both codecs, keys, both directions. Sections that were refused before stay refused."""
        formats = [*map(str, CODECS.values()), str(EVENT_PAYLOAD_TYPE)]
        attributes: list[Attribute] = [("rtpmap", f"{number} {name}/8000") for name, number in CODECS.items()]
        attributes += _event_attributes(EVENT_PAYLOAD_TYPE)
        audio = self._section("RTP/AVP", formats, [*attributes, ("ptime", str(PTIME_MS)), ("sendrecv", None)])
        refused = [media if media.port == 0 else audio for media in self._sections]
        return self._description(refused if audio in refused else [audio])

    def answer(self, offer: bytes) -> bytes:
        """Answer a peer's offer and take :attr:`remote` from it; raises :class:`SdpError` and changes nothing."""
        description = parse_sdp(offer)
        sections: list[MediaDescription] = []
        remote: RemoteAudio | None = None
        reason = "no audio stream is offered"
        for media in description.media:
            if remote is None:
                try:
                    section, remote = self._accept(description, media)
                    sections.append(section)
                    continue
                except SdpError as error:
                    reason = str(error) if media.kind == "audio" else reason
            sections.append(
                MediaDescription(kind=media.kind, port=0, protocol=media.protocol, formats=media.formats[:1])
            )
        if remote is None:
            raise SdpError(reason)
        self.remote = remote
        return self._description(sections)

    def take_answer(self, answer: bytes) -> None:
        """Take :attr:`remote` from the answer to our offer; raises :class:`SdpError` and changes nothing."""
        description = parse_sdp(answer)
        if len(description.media) != len(self._sections):
            raise SdpError(f"{len(description.media)} m= lines answer {len(self._sections)}")
        for ours, media in zip(self._sections, description.media, strict=True):
            if ours.port:
                self.remote = self._remote(description, media, _choose(media))
                return
        raise SdpError("no audio stream was offered")

    # --- pieces -------------------------------------------------------------------------------------------

    def _accept(
        self, description: SessionDescription, media: MediaDescription
    ) -> tuple[MediaDescription, RemoteAudio]:
        chosen = _choose(media)
        remote = self._remote(description, media, chosen)
        section = self._section(
            media.protocol,
            [str(chosen.payload_type)],
            [("rtpmap", f"{chosen.payload_type} {chosen.codec}/8000")],
        )
        if chosen.event_payload_type is not None:
            section.formats.append(str(chosen.event_payload_type))
            section.attributes += _event_attributes(chosen.event_payload_type)
        direction = _MIRROR[media.direction(description.direction())]
        section.attributes += [("ptime", str(PTIME_MS)), (direction, None)]
        return section, remote

    def _remote(self, description: SessionDescription, media: MediaDescription, chosen: _Audio) -> RemoteAudio:
        address = media.address or description.address
        if address is None:
            raise SdpError("no c= line for the audio stream")
        if media.port == 0:
            raise SdpError("the audio stream is refused (port 0)")
        direction = media.direction(description.direction())
        held = address in _NOWHERE
        return RemoteAudio(
            host=address,
            port=media.port,
            codec=chosen.codec,
            payload_type=chosen.payload_type,
            dtmf_payload_type=chosen.event_payload_type,
            sends=direction in ("sendrecv", "sendonly"),
            receives=direction in ("sendrecv", "recvonly") and not held,
            ptime_ms=_ptime(media),
        )

    def _section(self, protocol: str, formats: list[str], attributes: list[Attribute]) -> MediaDescription:
        return MediaDescription(
            kind="audio", port=self._local.port, protocol=protocol, formats=formats, attributes=attributes
        )

    def _description(self, sections: list[MediaDescription]) -> bytes:
        if sections != self._sections:  # The version counts changes only (RFC 3264 section 8).
            self._sections = sections
            self._version += 1
        origin = Origin(username="-", session_id=self._session_id, version=self._version, address=self._local.host)
        return SessionDescription(origin=origin, address=self._local.host, media=sections).encode()

    # --- over a restart -----------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """JSON-able data with which a re-INVITE can still be answered."""
        return {
            "host": self._local.host,
            "port": self._local.port,
            "session_id": self._session_id,
            "version": self._version,
        }

    @classmethod
    def restore(cls, data: dict[str, Any]) -> AudioNegotiation:
        """The negotiation that :meth:`snapshot` described."""
        negotiation = cls(LocalAudio(host=str(data["host"]), port=int(data["port"])), int(data["session_id"]))
        negotiation._version = int(data["version"])
        return negotiation


def _event_attributes(payload_type: int) -> list[Attribute]:
    return [("rtpmap", f"{payload_type} telephone-event/8000"), ("fmtp", f"{payload_type} 0-15")]


def _choose(media: MediaDescription) -> _Audio:
    """The first codec of an m= line that we speak, and its telephone-event at the same clock rate."""
    if media.kind != "audio":
        raise SdpError(f"{media.kind} is not served")
    if media.protocol not in _PROTOCOLS:
        raise SdpError(f"transport {media.protocol[:20]} is not served, RTP/AVP is")
    names = _rtpmap(media)
    events = next((n for n in names if names[n] == "TELEPHONE-EVENT/8000"), None)
    for number, name in names.items():
        codec, _, rate = name.partition("/")
        if codec in CODECS and rate in ("8000", "8000/1"):
            return _Audio(codec, number, events)
    offered = ", ".join(sorted({name.partition("/")[0] for name in names.values()})) or "none"
    raise SdpError(f"no common codec: PCMA and PCMU are spoken, offered: {offered[:80]}")


def _rtpmap(media: MediaDescription) -> dict[int, str]:
    """Payload type → NAME/rate in the m= line's order; static types need no rtpmap."""
    mapped: dict[str, str] = {}
    for key, value in media.attributes:
        if key == "rtpmap" and value:
            number, _, name = value.partition(" ")
            mapped[number] = name.strip().upper()
    names: dict[int, str] = {}
    for text in media.formats:
        if not (text.isascii() and text.isdigit()) or len(text) > 3 or int(text) > 127:
            raise SdpError(f"{text[:20]!r} is not a payload type")
        number_ = int(text)
        name = mapped.get(text) or (f"{_STATIC[number_]}/8000" if number_ in _STATIC else "")
        if name:
            names.setdefault(number_, name)
    return names


def _ptime(media: MediaDescription) -> int:
    text = media.attribute("ptime") or ""
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else PTIME_MS
    return value if 10 <= value <= 60 else PTIME_MS
