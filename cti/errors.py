"""Errors of the desk side.

::

    kernel.Refusal
    ├── NotAvailable       a function of the interface that this installation does not have yet (HTTP 501)
    ├── security.NotAllowed
    │   └── NotYours       an agent tried to act on somebody else's call or state (HTTP 403)
    └── BadNumber          a telephone number that cannot be looked up
    kernel.RemoteViolation
    └── SocketViolation    a client broke the protocol of the event socket; carries the close code
"""

from __future__ import annotations

from enum import IntEnum

from ccplatform.kernel.errors import Refusal, RemoteViolation
from ccplatform.security.errors import NotAllowed


class NotAvailable(Refusal):
    """The interface names it, this program does not do it yet; ``code`` is ``not_available``."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not available in this version", code="not_available")


class NotYours(NotAllowed):
    """An agent may act on his own calls and his own state only."""


class BadNumber(Refusal):
    """Not a telephone number; ``code`` is ``bad_number``."""

    def __init__(self, number: str) -> None:
        super().__init__(f"{number!r} is not a telephone number", code="bad_number")


class CloseCode(IntEnum):
    """Why the server closed an event socket (RFC 6455 section 7.4.2: 4000–4999 are the application's)."""

    GOING_AWAY = 1001
    BAD_MESSAGE = 4400
    NOT_AUTHENTICATED = 4401
    FORBIDDEN = 4403
    AUTHENTICATION_TIMEOUT = 4408
    TOO_MANY_SOCKETS = 4409
    MESSAGE_TOO_LARGE = 4413
    FLOOD = 4429
    TOO_SLOW = 4430
    UNAVAILABLE = 4503


class SocketViolation(RemoteViolation):
    """The client's message is not one of the protocol, too big or too often."""

    def __init__(self, code: CloseCode, message: str) -> None:
        super().__init__(message)
        self.code = code
