"""Session descriptions (RFC 8866): parse and build. Offer and answer are in :mod:`gateway.sip.offer_answer`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from gateway.errors import SdpError
from gateway.sip.syntax import is_token, readable

MAX_LINES: Final = 500
MAX_MEDIA: Final = 16
MAX_FORMATS: Final = 64
#: No address of IPv4 or IPv6 has as many characters.
_LONGEST_ADDRESS: Final = 64
DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")

Attribute = tuple[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The ``o=`` line."""

    username: str
    session_id: int
    version: int
    address: str


@dataclass(slots=True, kw_only=True)
class MediaDescription:
    """One ``m=`` section. ``address`` is that of its own ``c=`` line, None when the session's counts."""

    kind: str
    port: int
    protocol: str
    formats: list[str]
    address: str | None = None
    attributes: list[Attribute] = field(default_factory=list)

    def attribute(self, name: str) -> str | None:
        """The value of the first attribute of that name; empty text for a flag, None when missing."""
        return _attribute(self.attributes, name)

    def direction(self, default: str) -> str:
        """sendrecv, sendonly, recvonly or inactive."""
        return _direction(self.attributes) or default


@dataclass(slots=True, kw_only=True)
class SessionDescription:
    """A session description, as far as calls need it."""

    origin: Origin
    address: str | None = None
    attributes: list[Attribute] = field(default_factory=list)
    media: list[MediaDescription] = field(default_factory=list)

    def attribute(self, name: str) -> str | None:
        """The value of the session's first attribute of that name; empty text for a flag, None when missing."""
        return _attribute(self.attributes, name)

    def direction(self) -> str:
        """The direction that counts for media without one of their own."""
        return _direction(self.attributes) or "sendrecv"

    def encode(self) -> bytes:
        """The description as it goes on the wire."""
        o, address = self.origin, self.address or self.origin.address
        lines = [
            "v=0",
            f"o={o.username} {o.session_id} {o.version} IN {_family(o.address)} {o.address}",
            "s=-",
            f"c=IN {_family(address)} {address}",
            "t=0 0",
            *map(_attribute_line, self.attributes),
        ]
        for media in self.media:
            lines.append(f"m={media.kind} {media.port} {media.protocol} {' '.join(media.formats)}")
            if media.address is not None:
                lines.append(f"c=IN {_family(media.address)} {media.address}")
            lines += map(_attribute_line, media.attributes)
        return ("\r\n".join(lines) + "\r\n").encode("utf-8", "replace")


def _attribute(attributes: list[Attribute], name: str) -> str | None:
    return next((value or "" for key, value in attributes if key == name), None)


def _direction(attributes: list[Attribute]) -> str | None:
    return next((key for key, _ in attributes if key in DIRECTIONS), None)


def _attribute_line(attribute: Attribute) -> str:
    name, value = attribute
    return f"a={name}" if value is None else f"a={name}:{value}"


def _family(address: str) -> str:
    return "IP6" if ":" in address else "IP4"


@lru_cache(maxsize=16)  # an offer is read when its call arrives, and again when it is answered
def parse_sdp(body: bytes) -> SessionDescription:
    """Read a session description; raises :class:`SdpError` that names the line. Unknown lines are left out.

    What comes is not to be changed: who reads the same bytes next gets the same object.
    """
    lines = body.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(lines) > MAX_LINES:
        raise SdpError(f"more than {MAX_LINES} lines")
    if lines[0].strip() != "v=0":
        raise SdpError("line 1: v=0 is missing")
    session: SessionDescription | None = None
    attributes: list[Attribute] = []  # of the section that we are in
    for number, line in enumerate(lines[1:], 2):
        kind, equals, value = line.partition("=")
        if not equals or len(kind) != 1:
            raise SdpError(f"line {number}: {readable(line)[:30]!r} is not type=value")
        if kind == "a" and session is not None:
            name, colon, text = value.strip().partition(":")
            if not name:
                raise SdpError(f"line {number}: an attribute without a name")
            attributes.append((name, text if colon else None))
            continue
        try:
            session = _take(session, kind, value.strip())
        except SdpError as error:
            raise SdpError(f"line {number}: {error}") from None
        attributes = (session.media[-1] if session.media else session).attributes
    if session is None:
        raise SdpError("the o= line is missing")
    return session


def _take(session: SessionDescription | None, kind: str, value: str) -> SessionDescription:
    if session is None:
        if kind != "o":
            raise SdpError("the o= line is missing")
        return SessionDescription(origin=_parse_origin(value))
    media = session.media[-1] if session.media else None
    if kind == "m":
        if len(session.media) >= MAX_MEDIA:
            raise SdpError(f"more than {MAX_MEDIA} m= lines")
        session.media.append(_parse_media(value))
    elif kind == "c":
        if media is None:
            session.address = _parse_address(value)
        else:
            media.address = _parse_address(value)
    return session


def _parse_origin(value: str) -> Origin:
    parts = value.split()
    if len(parts) != 6 or not _is_number(parts[1]) or not _is_number(parts[2]):
        raise SdpError("o= must be: user, session id, version, IN, family, address")
    return Origin(username=parts[0], session_id=int(parts[1]), version=int(parts[2]), address=parts[5])


def _parse_address(value: str) -> str:
    parts = value.split()
    if len(parts) != 3 or parts[0] != "IN" or parts[1] not in ("IP4", "IP6"):
        raise SdpError("c= must be: IN, IP4 or IP6, address")
    text = parts[2].partition("/")[0]
    return _unicast(text[:_LONGEST_ADDRESS], parts[1])


@lru_cache(maxsize=1024)
def _unicast(text: str, kind: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise SdpError(f"{readable(text)[:40]!r} is not an IP address; host names are not looked up") from None
    if (kind == "IP6") != (address.version == 6) or address.is_multicast or "%" in text:
        raise SdpError(f"{text} cannot be used as an {kind} unicast address")
    return str(getattr(address, "ipv4_mapped", None) or address)  # RFC 5118 section 4.9


def _parse_media(value: str) -> MediaDescription:
    parts = value.split()
    if len(parts) < 4:
        raise SdpError("m= must be: kind, port, protocol, formats")
    kind, port_text, protocol, *formats = parts
    port_text = port_text.partition("/")[0]
    if not is_token(kind) or not _is_number(port_text) or int(port_text) > 65535:
        raise SdpError(f"bad port {readable(port_text)[:20]!r} of an m= line")
    if len(formats) > MAX_FORMATS:
        raise SdpError(f"more than {MAX_FORMATS} formats in an m= line")
    return MediaDescription(kind=kind.lower(), port=int(port_text), protocol=protocol, formats=formats)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20
