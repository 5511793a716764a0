"""Errors of the access layer.

::

    RemoteViolation
    ├── SipParseError        a SIP message that RFC 3261 does not allow
    └── SdpError             a session description that cannot be read or agreed to
    LocalMisuse
    └── IllegalEvent         a SIP core was told something that does not fit its state
    CannotStart
    ├── PortInUse            a listener's address is taken by somebody else
    └── BadCertificate       a certificate or key of SIP over TLS cannot be used
    NotFound
    └── UnknownTrunk, UnknownSeat, UnknownPort
    Unavailable
    └── NamesUnavailable     no name server answers
    Refusal
    └── BadTrunk             the definition of a trunk or a route does not make sense
"""

from __future__ import annotations

from typing import Any

from ccplatform.kernel.errors import CannotStart, LocalMisuse, NotFound, Refusal, RemoteViolation, Unavailable


class SipParseError(RemoteViolation):
    """A SIP message is malformed: ``what`` is wrong and ``where`` in the message it stands.

    ``status`` is the SIP status that tells the peer. ``message`` is what could be read of it (a SipRequest or
    SipResponse), None when nothing could: then it cannot be answered.
    """

    def __init__(self, what: str, where: str, *, status: int = 400, message: Any = None) -> None:
        super().__init__(f"{where}: {what}")
        self.what = what
        self.where = where
        self.status = status
        self.message = message


class SdpError(RemoteViolation):
    """A session description cannot be read or agreed to; ``str(error)`` goes into the 488's Warning header."""


class IllegalEvent(LocalMisuse):
    """A SIP core was told something that does not fit its state; nothing was changed."""


class PortInUse(CannotStart):
    """A listener cannot be opened because the address is taken (or is not this machine's)."""

    def __init__(self, transport: str, host: str, port: int, reason: str) -> None:
        super().__init__(f"SIP over {transport} cannot listen on {host}:{port}: {reason}")
        self.transport = transport
        self.host = host
        self.port = port


class BadCertificate(CannotStart):
    """A certificate or its key cannot be read, or they do not belong together."""


class UnknownTrunk(NotFound):
    """No trunk has this id."""


class UnknownSeat(NotFound):
    """No seat has this id."""


class UnknownPort(NotFound):
    """There is no listener of that transport."""


class NamesUnavailable(Unavailable):
    """No name server answers."""


class BadTrunk(Refusal):
    """The definition of a trunk or a route does not make sense; ``where`` is the field."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message, code="bad_trunk", where=where)
