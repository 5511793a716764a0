"""ICE-lite (RFC 8445 section 2.5) of one leg: answers connectivity checks, learns where the peer is. A pure core.

The peer, a browser, is the full and controlling side. A source is *checked* once it sent a request with the
right user name and MESSAGE-INTEGRITY: whoever can do that has read our session description and receives there.
Only checked sources may go on to a DTLS handshake, and media go only to the nominated one.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from ccplatform.kernel.rates import TokenBucket
from gateway.media.errors import BadStun
from gateway.media.stun import (
    BINDING_ERROR,
    BINDING_REQUEST,
    BINDING_SUCCESS,
    ERROR_CODE,
    ICE_CONTROLLED,
    PRIORITY,
    UNKNOWN_ATTRIBUTES,
    USE_CANDIDATE,
    USERNAME,
    XOR_MAPPED_ADDRESS,
    StunMessage,
    build,
    error_code,
    parse,
    unknown_attributes,
    xor_mapped,
)

#: Sources that are remembered; a peer with more pairs than that checks again anyway.
MAX_CHECKED: Final = 16
#: Answers a second to right checks; a browser checks each of its pairs some 20 times a second.
ANSWERS_PER_SECOND: Final = 100.0
#: Error answers a second; strangers use up these, never the others.
ERRORS_PER_SECOND: Final = 5.0

_KNOWN: Final = frozenset({USERNAME, PRIORITY, USE_CANDIDATE})


@dataclass(slots=True, kw_only=True)
class IceLite:
    """``ufrag`` and ``pwd`` are ours, ``remote_ufrag`` is the peer's. Sources are numbers of
    :mod:`~gateway.media.addresses`."""

    ufrag: str
    pwd: str = field(repr=False)
    remote_ufrag: str
    nominated: int | None = None
    answered: int = 0
    refused: int = 0  # malformed, unauthentic or too many
    last_check: float | None = None
    _checked: OrderedDict[int, None] = field(default_factory=OrderedDict)
    _answers: TokenBucket = field(default_factory=lambda: _a_second_of(ANSWERS_PER_SECOND), repr=False)
    _errors: TokenBucket = field(default_factory=lambda: _a_second_of(ERRORS_PER_SECOND), repr=False)

    def is_checked(self, source: int) -> bool:
        """Whether a right check came from there."""
        return source in self._checked

    def handle(self, data: bytes, source: int, now: float) -> bytes | None:
        """Take a datagram that looks like STUN; returns the answer, None for none."""
        try:
            message = parse(data)
        except BadStun:
            self.refused += 1
            return None
        if message.kind != BINDING_REQUEST:
            return None  # indications keep a binding of the peer's NAT open; responses answer nothing of ours
        error = self._error(message)
        if error is not None:
            self.refused += 1
            key = self.pwd.encode()
            return _refusal(message, *error, size=len(data), key=key) if self._errors.take(now) else None
        if not self._answers.take(now):
            self.refused += 1
            return None
        self._take(message, source, now)
        mapped = xor_mapped(source, message.transaction)
        return build(BINDING_SUCCESS, message.transaction, {XOR_MAPPED_ADDRESS: mapped}, self.pwd.encode())

    def _take(self, message: StunMessage, source: int, now: float) -> None:
        self.answered += 1
        self.last_check = now
        self._checked[source] = None
        self._checked.move_to_end(source)
        while len(self._checked) > MAX_CHECKED:
            oldest = next(iter(self._checked))
            if oldest == self.nominated:
                self._checked.move_to_end(oldest)
            else:
                del self._checked[oldest]
        if USE_CANDIDATE in message.attributes:
            self.nominated = source

    def _error(self, message: StunMessage) -> tuple[int, str] | None:
        """The error response that a request deserves (RFC 8489 section 9.1.3, RFC 8445 section 7.3)."""
        user = message.attributes.get(USERNAME)
        if user is None or message.integrity is None or not message.fingerprinted:
            return 400, "Bad Request"
        if user != f"{self.ufrag}:{self.remote_ufrag}".encode() or not message.has_integrity(self.pwd.encode()):
            return 401, "Unauthenticated"
        if message.unknown_required(_KNOWN):
            return 420, "Unknown Attribute"
        if ICE_CONTROLLED in message.attributes:
            return 487, "Role Conflict"  # a lite agent never controls
        return None


def _a_second_of(rate: float) -> TokenBucket:
    return TokenBucket(rate=rate, burst=rate)


def _refusal(message: StunMessage, code: int, reason: str, *, size: int, key: bytes) -> bytes | None:
    """An error response, signed when the request was; never longer than the ``size`` of the request."""
    attributes = {ERROR_CODE: error_code(code, reason)}
    if code == 420:
        attributes[UNKNOWN_ATTRIBUTES] = unknown_attributes(message.unknown_required(_KNOWN))
    response = build(BINDING_ERROR, message.transaction, attributes, key if code in (420, 487) else None)
    return response if len(response) <= size else None
