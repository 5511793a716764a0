"""STUN messages (RFC 8489) as ICE uses them (RFC 8445): parse, check and build, without IO."""

from __future__ import annotations

import hmac
import struct
import zlib
from dataclasses import dataclass
from typing import Final

from gateway.media.addresses import address_of
from gateway.media.errors import BadStun

BINDING_REQUEST: Final = 0x0001
BINDING_INDICATION: Final = 0x0011
BINDING_SUCCESS: Final = 0x0101
BINDING_ERROR: Final = 0x0111

USERNAME: Final = 0x0006
MESSAGE_INTEGRITY: Final = 0x0008
ERROR_CODE: Final = 0x0009
UNKNOWN_ATTRIBUTES: Final = 0x000A
XOR_MAPPED_ADDRESS: Final = 0x0020
PRIORITY: Final = 0x0024
USE_CANDIDATE: Final = 0x0025
FINGERPRINT: Final = 0x8028
ICE_CONTROLLED: Final = 0x8029
ICE_CONTROLLING: Final = 0x802A

#: Longest message that is looked at; a check of a browser has about 120 bytes.
MAX_STUN: Final = 640
MAX_ATTRIBUTES: Final = 32

_MAGIC: Final = 0x2112A442
_HEADER: Final = struct.Struct("!HHI12s")
_ATTRIBUTE: Final = struct.Struct("!HH")
_INTEGRITY_BYTES: Final = 20
_FINGERPRINT_BYTES: Final = 4
_FINGERPRINT_XOR: Final = 0x5354554E
_IPV4, _IPV6 = 1, 2
_COMPREHENSION_OPTIONAL: Final = 0x8000


@dataclass(frozen=True, slots=True, kw_only=True)
class StunMessage:
    """A message whose form is right. ``attributes`` are those before MESSAGE-INTEGRITY, the first of each type.

    ``signed`` and ``integrity`` serve :meth:`has_integrity`; ``fingerprinted`` says that a right FINGERPRINT
    ended it.
    """

    kind: int
    transaction: bytes
    attributes: dict[int, bytes]
    signed: bytes = b""
    integrity: bytes | None = None
    fingerprinted: bool = False

    def has_integrity(self, key: bytes) -> bool:
        """Whether MESSAGE-INTEGRITY is there and was made with ``key`` (RFC 8489 section 14.5)."""
        if self.integrity is None:
            return False
        return hmac.compare_digest(_integrity(self.signed, key), self.integrity)

    def unknown_required(self, known: frozenset[int]) -> tuple[int, ...]:
        """Comprehension-required attributes that are not ``known``."""
        return tuple(kind for kind in self.attributes if kind < _COMPREHENSION_OPTIONAL and kind not in known)


def parse(data: bytes) -> StunMessage:
    """Read a message; raises :class:`BadStun` with the reason."""
    if not _HEADER.size <= len(data) <= MAX_STUN:
        raise BadStun(f"{len(data)} bytes")
    kind, length, magic, transaction = _HEADER.unpack_from(data)
    if kind >> 14 or magic != _MAGIC or length % 4 or length != len(data) - _HEADER.size:
        raise BadStun("not a STUN header")
    attributes: dict[int, bytes] = {}
    signed, integrity, fingerprinted = b"", None, False
    at, count = _HEADER.size, 0
    while at < len(data):
        attribute, size = _ATTRIBUTE.unpack_from(data, at)
        value = data[at + _ATTRIBUTE.size : at + _ATTRIBUTE.size + size]
        end = at + _ATTRIBUTE.size + size + -size % 4
        count += 1
        if end > len(data) or count > MAX_ATTRIBUTES:
            raise BadStun("attributes too long or too many")
        if attribute == FINGERPRINT:
            if end != len(data) or value != _fingerprint(data[:at]):
                raise BadStun("wrong fingerprint")
            fingerprinted = True
        elif integrity is None:
            if attribute == MESSAGE_INTEGRITY:
                if size != _INTEGRITY_BYTES:
                    raise BadStun("wrong length of MESSAGE-INTEGRITY")
                signed, integrity = data[:at], value
            else:
                attributes.setdefault(attribute, value)
        at = end
    return StunMessage(
        kind=kind,
        transaction=transaction,
        attributes=attributes,
        signed=signed,
        integrity=integrity,
        fingerprinted=fingerprinted,
    )


def build(kind: int, transaction: bytes, attributes: dict[int, bytes], key: bytes | None = None) -> bytes:
    """A message with FINGERPRINT, and MESSAGE-INTEGRITY when there is a ``key``."""
    body = b"".join(_pack(attribute, value) for attribute, value in attributes.items())
    message = _HEADER.pack(kind, len(body), _MAGIC, transaction) + body
    if key is not None:
        message += _pack(MESSAGE_INTEGRITY, _integrity(message, key))
    final = _ATTRIBUTE.size + _FINGERPRINT_BYTES
    message = _with_length(message, len(message) - _HEADER.size + final)
    return message + _pack(FINGERPRINT, _fingerprint(message))


def xor_mapped(source: int, transaction: bytes) -> bytes:
    """The value of XOR-MAPPED-ADDRESS (RFC 8489 section 14.2) for a number of :mod:`~gateway.media.addresses`."""
    address, port = address_of(source), source & 0xFFFF
    family = _IPV4 if address.version == 4 else _IPV6
    mask = (_MAGIC.to_bytes(4, "big") + transaction)[: len(address.packed)]
    hidden = bytes(octet ^ other for octet, other in zip(address.packed, mask, strict=True))
    return struct.pack("!BBH", 0, family, port ^ _MAGIC >> 16) + hidden


def error_code(code: int, reason: str) -> bytes:
    """The value of ERROR-CODE (RFC 8489 section 14.8)."""
    return struct.pack("!HBB", 0, code // 100, code % 100) + reason.encode()


def unknown_attributes(kinds: tuple[int, ...]) -> bytes:
    """The value of UNKNOWN-ATTRIBUTES."""
    return struct.pack(f"!{len(kinds)}H", *kinds)


def _pack(attribute: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(attribute, len(value)) + value + bytes(-len(value) % 4)


def _with_length(message: bytes, length: int) -> bytes:
    return message[:2] + length.to_bytes(2, "big") + message[4:]


def _integrity(signed: bytes, key: bytes) -> bytes:
    """HMAC-SHA1 over what precedes, as if the message ended with this attribute."""
    length = len(signed) - _HEADER.size + _ATTRIBUTE.size + _INTEGRITY_BYTES
    return hmac.digest(key, _with_length(signed, length), "sha1")


def _fingerprint(before: bytes) -> bytes:
    """CRC-32 over what precedes; its length field counts this attribute already."""
    return (zlib.crc32(before) ^ _FINGERPRINT_XOR).to_bytes(_FINGERPRINT_BYTES, "big")
