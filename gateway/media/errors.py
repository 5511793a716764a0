"""Errors of the media engine.

::

    PlatformError
    ├── RemoteViolation
    │   ├── BadRtcp            an RTCP packet that RFC 3550 does not allow
    │   ├── BadSrtp            an SRTP or SRTCP packet that the keys do not fit
    │   ├── BadStun            a STUN message that RFC 8489 does not allow
    │   ├── HandshakeFailed    a DTLS handshake that cannot succeed any more
    │   └── ProtocolMismatch   control and worker do not speak the same protocol version
    └── Refusal
        ├── CannotOpenLeg      no free port or row for a leg
        ├── CodecMissing       a codec whose library this machine does not have
        └── BadSound           a sound file that cannot be read or is too large
"""

from __future__ import annotations

from ccplatform.kernel.errors import Refusal, RemoteViolation


class BadRtcp(RemoteViolation):
    """The packet is not a compound RTCP packet (RFC 3550 appendix A.2)."""


class BadSrtp(RemoteViolation):
    """The packet is not authentic, repeated, or too old (RFC 3711 section 3.3)."""


class BadStun(RemoteViolation):
    """The datagram is not a STUN message (RFC 8489 section 5)."""


class HandshakeFailed(RemoteViolation):
    """The DTLS peer is not the one that signalling named, or does not agree with us; the message says why."""


class ProtocolMismatch(RemoteViolation):
    """The other side of the control socket speaks another protocol or version."""


class CannotOpenLeg(Refusal):
    """No port, no row or no address for one more leg."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="cannot_open_leg")


class CodecMissing(Refusal):
    """The codec's library is not installed here; such a codec is not offered."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="codec_missing")


class BadSound(Refusal):
    """The sound cannot be played; the message says which file and why."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="bad_sound")
