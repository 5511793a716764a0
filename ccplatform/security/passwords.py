"""Password hashing with argon2id (RFC 9106), some 50 ms a time: call it in a thread."""

from __future__ import annotations

from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from ccplatform.security.errors import PasswordRefused
from ccplatform.security.settings import PasswordSettings

#: Longest password looked at, so that nobody lets us hash megabytes.
MAX_LENGTH = 256


class Passwords:
    """Hashes, verifies and judges passwords and PINs."""

    def __init__(self, settings: PasswordSettings | None = None) -> None:
        self._settings = settings or PasswordSettings()
        self._hasher = PasswordHasher(
            time_cost=self._settings.time_cost, memory_cost=self._settings.memory_kib, parallelism=1
        )

    @cached_property
    def _decoy(self) -> str:
        return self._hasher.hash("no password is like this: \x00")

    def hash(self, password: str) -> str:
        """The form to store."""
        return self._hasher.hash(password)

    def verify(self, hashed: str | None, password: str) -> bool:
        """Whether ``password`` is the one that was hashed. None, for unknown users, takes as long and is False."""
        if len(password) > MAX_LENGTH or "\x00" in password:
            return False
        try:
            return self._hasher.verify(hashed or self._decoy, password) and hashed is not None
        except (Argon2Error, InvalidHashError, UnicodeEncodeError):
            return False

    def check_policy(self, password: str, user: str) -> None:
        """Raise :class:`PasswordRefused` with the reason if ``password`` may not be chosen (R11.4.2.b)."""
        least = self._settings.min_length
        if len(password) < least:
            raise PasswordRefused(f"the password has {len(password)} characters; at least {least} are needed")
        if len(password) > MAX_LENGTH:
            raise PasswordRefused(f"the password is longer than {MAX_LENGTH} characters")
        if "\x00" in password or not password.isprintable():
            raise PasswordRefused("the password holds characters that cannot be typed")
        if password.casefold() == user.casefold() or len(set(password)) < 4:
            raise PasswordRefused("the password is too easy to guess")
