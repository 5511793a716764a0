"""Errors of the security package.

::

    PlatformError
    ├── Refusal
    │   ├── NotAuthenticated   no valid token, or wrong user or password (HTTP 401)
    │   ├── NotAllowed         the role does not permit it (HTTP 403)
    │   ├── Throttled          too many attempts; try again later (HTTP 429)
    │   └── PasswordRefused    a new password does not meet the policy
    ├── RemoteViolation
    │   └── BadSeal            sealed data was changed, or was sealed under another key or context
    └── VaultClosed            the master key is missing or unusable
"""

from ccplatform.kernel.errors import PlatformError, Refusal, RemoteViolation


class NotAuthenticated(Refusal):
    """It is not known who asks."""

    def __init__(self, message: str = "log in first") -> None:
        super().__init__(message, code="not_authenticated")


class NotAllowed(Refusal):
    """It is known who asks, and he may not."""

    def __init__(self, message: str, *, code: str = "not_allowed") -> None:
        super().__init__(message, code=code)


class Throttled(Refusal):
    """Too many attempts; ``retry_after`` seconds from now another one is looked at."""

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message, code="throttled")
        self.retry_after = retry_after


class PasswordRefused(Refusal):
    """The new password is too weak."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="password_refused")


class BadSeal(RemoteViolation):
    """Sealed data does not open."""


class VaultClosed(PlatformError):
    """There is no usable master key."""
