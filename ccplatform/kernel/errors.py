"""Base errors of the platform.

::

    PlatformError
    ├── LocalMisuse        we called our own code wrongly (a bug here)
    ├── RemoteViolation    a peer broke its protocol (counted, answered, never fatal)
    ├── Refusal            a well-formed request that the rules do not allow now
    │   └── NotFound       the thing named does not exist
    ├── Unavailable        something that we need is away (database, engine, worker)
    └── CannotStart        a process cannot start, and trying again would not mend it (used port, wrong schema)

Each package derives its own classes from these; HTTP and SIP status codes are given at the edge only.
"""


class PlatformError(Exception):
    """Root of every error the platform raises on purpose. ``str(error)`` is fit for people."""


class LocalMisuse(PlatformError):
    """Our own code used a piece against its contract."""


class RemoteViolation(PlatformError):
    """A peer sent something that its protocol does not allow."""


class Refusal(PlatformError):
    """The request is understood and refused.

    ``code`` is a stable snake_case word for programs, ``where`` the field that it is about (``skills.sales``; '':
    no single one).
    """

    def __init__(self, message: str, *, code: str = "refused", where: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.where = where


class NotFound(Refusal):
    """The named thing does not exist."""

    def __init__(self, message: str, *, code: str = "not_found") -> None:
        super().__init__(message, code=code)


class Unavailable(PlatformError):
    """Something this needs is away for now; trying again later can succeed: ``retry_after`` seconds from now, if
    that is known."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CannotStart(PlatformError):
    """A process cannot start, and trying again would not help; the message says what to do about it."""
