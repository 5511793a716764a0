"""Logging in and out, and changing one's own password: throttled, audited, equally slow for unknown users."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Unavailable
from ccplatform.security.audit import Audit
from ccplatform.security.errors import NotAuthenticated, Throttled
from ccplatform.security.model import Principal, User
from ccplatform.security.passwords import MAX_LENGTH, Passwords
from ccplatform.security.settings import ThrottleSettings
from ccplatform.security.store import UserStore
from ccplatform.security.throttle import Throttle
from ccplatform.security.tokens import Tokens

#: Password hashes computed at the same time, and log-ins that may wait for one: each takes a core for 50 ms.
HASHING = 2
WAITING = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A fresh log-in."""

    token: str
    expires_in: float  # seconds


class LogIn:
    """The log-in desk of the web process."""

    def __init__(
        self,
        *,
        users: UserStore,
        tokens: Tokens,
        passwords: Passwords,
        audit: Audit,
        clock: Clock,
        throttle: ThrottleSettings | None = None,
    ) -> None:
        limits = throttle or ThrottleSettings()
        self._users = users
        self._tokens = tokens
        self._passwords = passwords
        self._audit = audit
        self._clock = clock
        self._by_user = _throttle(limits, limits.attempts_per_user)
        self._by_address = _throttle(limits, limits.attempts_per_address)
        self._hashing = asyncio.Semaphore(HASHING)
        self._waiting = 0

    async def log_in(self, user: str, password: str, address: str) -> IssuedToken:
        """A token; raises :class:`NotAuthenticated` or :class:`Throttled`. ``address``: where he asks from."""
        found = await self._checked(user, password, address, action="auth.login")
        token = await self._tokens.issue(found.name)
        await self._audit.record(
            subject=found.name, action="auth.login", object="", result="ok", detail={"address": address}
        )
        return IssuedToken(token=token, expires_in=self._tokens.lifetime_seconds)

    async def log_out(self, principal: Principal, token: str) -> None:
        """Make the token worthless."""
        await self._tokens.revoke(token)
        await self._audit.record(subject=principal.user, action="auth.logout", object="", result="ok")

    async def change_password(self, principal: Principal, old: str, new: str, address: str) -> None:
        """Change one's own password; ends all of one's log-ins."""
        await self._checked(principal.user, old, address, action="user.change_password")
        self._passwords.check_policy(new, principal.user)
        hashed = await asyncio.to_thread(self._passwords.hash, new)
        await self._users.set_password(principal.user, hashed, must_change=False, now=self._clock.wall())
        self._tokens.forget_user(principal.user)
        await self._audit.record(
            subject=principal.user, action="user.change_password", object=principal.user, result="ok"
        )

    async def _checked(self, name: str, password: str, address: str, *, action: str) -> User:
        key = name[:MAX_LENGTH].casefold()
        self._refuse_if_throttled(key, address)
        # Counted before the slow part, so that many attempts at once count as many.
        self._by_user.failed(key, self._clock.now())
        self._by_address.failed(address, self._clock.now())
        try:
            user = await self._users.find(name) if "\x00" not in name and name.isprintable() else None
            right = await self._verify(user, password)
        except Unavailable:  # nothing was guessed
            self._by_user.forgive(key)
            self._by_address.forgive(address)
            raise
        if user is not None and right and not user.locked:
            self._by_user.succeeded(key)
            self._by_address.forgive(address)
            return user
        reason = "unknown_user" if user is None else "wrong_password" if not right else "locked"
        wait = self._by_user.wait(key, self._clock.now())
        detail: dict[str, object] = {"address": address, "wait_seconds": wait}
        await self._audit.record(subject=name, action=action, object="", result=reason, detail=detail)
        raise NotAuthenticated("user or password is wrong")

    def _refuse_if_throttled(self, key: str, address: str) -> None:
        now = self._clock.now()
        wait = max(self._by_user.wait(key, now), self._by_address.wait(address, now))
        if wait > 0:
            raise Throttled("too many wrong attempts; wait before the next", retry_after=wait)
        if self._waiting >= WAITING:
            raise Throttled("too many log-ins at once; try again", retry_after=1.0)

    async def _verify(self, user: User | None, password: str) -> bool:
        self._waiting += 1
        try:
            async with self._hashing:
                hashed = None if user is None else user.password_hash
                return await asyncio.to_thread(self._passwords.verify, hashed, password)
        finally:
            self._waiting -= 1


def _throttle(limits: ThrottleSettings, free: int) -> Throttle:
    return Throttle(
        free=free,
        first_wait=limits.first_wait_seconds,
        longest_wait=limits.longest_wait_seconds,
        remembered=limits.remembered,
    )
