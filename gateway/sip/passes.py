"""Passes: accounts of seats that end by themselves, for phones in browsers.

A page is never given the password of its seat. It gets a *pass*: the digest user is the SIP user and the second
(Unix time) at which the pass ends, ``8004~1793400000``; the password is an HMAC over both. Whoever has the key can
tell what the password must be, so nothing is stored and a pass survives restarts (the way of TURN servers,
draft-uberti-behave-turn-rest-00).
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from typing import Final

from gateway.sip.digest import Secrets, hash_a1

#: How long a pass is good, seconds: as long as a nonce. Pages ask for another one before they register anew.
PASS_SECONDS: Final = 300

_MARK: Final = "~"
_DIGITS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Digest user and password; ``ends_at`` in Unix time."""

    user: str
    password: str
    ends_at: int


class Passes:
    """Issues and recognizes passes. ``key`` is secret, 32 bytes; ``realm`` that of digest."""

    def __init__(self, *, key: bytes, realm: str) -> None:
        self._key = key
        self._realm = realm

    def issue(self, sip_user: str, now: float) -> Pass:
        """A pass of the seat with this SIP user; ``now`` in Unix time."""
        ends_at = int(now) + PASS_SECONDS
        user = f"{sip_user}{_MARK}{ends_at}"
        return Pass(user=user, password=self._password(user), ends_at=ends_at)

    def secrets(self, user: str, sip_user: str, now: float) -> Secrets | None:
        """What a digest user proves himself with, if he is a pass of this seat that has not ended."""
        name, mark, ends_at = user.rpartition(_MARK)
        if not mark or name != sip_user or not (ends_at.isascii() and ends_at.isdigit()) or len(ends_at) > _DIGITS:
            return None
        if not now < int(ends_at) <= now + PASS_SECONDS:
            return None
        password = self._password(user)
        return Secrets(
            ha1_md5=hash_a1("MD5", user, self._realm, password),
            ha1_sha256=hash_a1("SHA-256", user, self._realm, password),
        )

    def _password(self, user: str) -> str:
        return base64.urlsafe_b64encode(hmac.digest(self._key, user.encode(), "sha256")).decode().rstrip("=")
