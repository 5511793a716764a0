"""Bearer tokens: opaque, 256 random bits, stored only as SHA-256, remembered for a moment.

What was checked lately is believed for ``cache_seconds`` without asking, and for as long as the database is
away: an outage of PostgreSQL must not log anybody out.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

from ccplatform.kernel.clock import Clock
from ccplatform.security.errors import NotAuthenticated
from ccplatform.security.model import Session
from ccplatform.security.store import TokenStore
from ccplatform.storage.errors import DatabaseUnavailable

_TOKEN = re.compile(r"cct_[A-Za-z0-9_-]{43}")
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class _Checked:
    session: Session
    at: float


class Tokens:
    """Issues, checks and revokes tokens."""

    def __init__(self, store: TokenStore, *, clock: Clock, lifetime_seconds: float, cache_seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._cache_seconds = cache_seconds
        self._checked: OrderedDict[bytes, _Checked] = OrderedDict()
        self.lifetime_seconds = lifetime_seconds

    async def issue(self, user: str) -> str:
        """A new token for ``user``."""
        token = f"cct_{secrets.token_urlsafe(32)}"
        now = self._clock.wall()
        expires_at = now + timedelta(seconds=self.lifetime_seconds)
        await self._store.add(_digest(token), user, now=now, expires_at=expires_at)
        return token

    async def session(self, token: str) -> Session:
        """The log-in of ``token``; raises :class:`NotAuthenticated`, or DatabaseUnavailable for a new one."""
        if not _TOKEN.fullmatch(token):
            raise NotAuthenticated
        digest = _digest(token)
        checked = self._checked.get(digest)
        if checked is None or self._clock.now() - checked.at >= self._cache_seconds:
            checked = await self._check(digest, checked)
        if checked.session.expires_at <= self._clock.wall():
            self._checked.pop(digest, None)
            raise NotAuthenticated("the log-in has expired; log in again")
        return checked.session

    async def revoke(self, token: str) -> None:
        """End the log-in."""
        digest = _digest(token)
        self._checked.pop(digest, None)
        await self._store.remove(digest)
        self._checked.pop(digest, None)  # a check may have been under way

    def forget_user(self, user: str) -> None:
        """Look every token of ``user`` up again; after a change of his password."""
        for digest in [d for d, checked in self._checked.items() if checked.session.principal.user == user]:
            del self._checked[digest]

    async def _check(self, digest: bytes, earlier: _Checked | None) -> _Checked:
        try:
            session = await self._store.find(digest)
        except DatabaseUnavailable:
            if earlier is None:
                raise
            return earlier
        if session is None:
            self._checked.pop(digest, None)
            raise NotAuthenticated
        checked = self._checked[digest] = _Checked(session, self._clock.now())
        self._checked.move_to_end(digest)
        if len(self._checked) > _REMEMBERED:
            self._checked.popitem(last=False)
        return checked


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
