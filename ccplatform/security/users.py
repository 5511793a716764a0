"""Administration of users, for the command line, the demo data and later pages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from ccplatform.contracts.words import AgentId, Role
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Refusal
from ccplatform.security.audit import Audit
from ccplatform.security.model import User, check_pin, check_user_name
from ccplatform.security.passwords import Passwords
from ccplatform.security.store import UserStore


class UserAdministration:
    """Adds, changes and locks users; every change is audited under ``by``."""

    def __init__(self, *, users: UserStore, passwords: Passwords, audit: Audit, clock: Clock) -> None:
        self._users = users
        self._passwords = passwords
        self._audit = audit
        self._clock = clock

    async def add(
        self,
        name: str,
        password: str,
        *,
        roles: Iterable[Role],
        by: str,
        agent: AgentId | None = None,
        pin: str | None = None,
        must_change: bool = False,
        teams: Iterable[str] = (),
    ) -> None:
        """Add a user; raises :class:`Refusal` with the reason (policy, name, taken, no role)."""
        check_user_name(name)
        self._passwords.check_policy(password, name)
        if pin is not None:
            check_pin(pin)
        given = frozenset(roles)
        if not given:
            raise Refusal(f"user {name} needs at least one role", code="no_role")
        user = User(
            name=name,
            password_hash=await asyncio.to_thread(self._passwords.hash, password),
            roles=given,
            agent=agent,
            pin_hash=None if pin is None else await asyncio.to_thread(self._passwords.hash, pin),
            must_change=must_change,
            teams=frozenset(teams),
        )
        await self._users.add(user, self._clock.wall())
        detail: dict[str, object] = {"roles": sorted(given), "agent": agent, "teams": sorted(user.teams)}
        await self._audit.record(subject=by, action="user.add", object=name, result="ok", detail=detail)

    async def ensure(
        self,
        name: str,
        password: str,
        *,
        roles: Iterable[Role],
        by: str,
        agent: AgentId | None = None,
        pin: str | None = None,
    ) -> bool:
        """Add a user unless there is one of that name, who is left as he is; True if added."""
        if await self._users.find(name) is not None:
            return False
        await self.add(name, password, roles=roles, by=by, agent=agent, pin=pin)
        return True

    async def find(self, name: str) -> User | None:
        """The user of that name."""
        return await self._users.find(name)

    async def find_agent(self, agent: AgentId) -> User | None:
        """The user who is that agent."""
        return await self._users.find_agent(agent)

    async def list_users(self) -> list[User]:
        """Everybody, by name."""
        return await self._users.list_users()

    def check_password(self, password: str, name: str) -> None:
        """Raise :class:`Refusal` for a password that the rules do not allow."""
        self._passwords.check_policy(password, name)

    async def change(
        self, name: str, *, roles: Iterable[Role], agent: AgentId | None, teams: Iterable[str] = ()
    ) -> None:
        """Change what a user may do, which agent he is and whom he oversees; whoever asks for it audits it."""
        await self._users.change(name, roles=frozenset(roles), agent=agent, teams=frozenset(teams))

    async def remove(self, name: str) -> None:
        """Forget a user and end his log-ins; whoever asks for it audits it."""
        await self._users.remove(name)

    async def set_password(self, name: str, password: str, *, by: str, must_change: bool = False) -> None:
        """Give a user a new password; ends his log-ins."""
        self._passwords.check_policy(password, name)
        hashed = await asyncio.to_thread(self._passwords.hash, password)
        await self._users.set_password(name, hashed, must_change=must_change, now=self._clock.wall())
        await self._audit.record(subject=by, action="user.set_password", object=name, result="ok")

    async def set_pin(self, name: str, pin: str | None, *, by: str) -> None:
        """Give a user a new PIN, or none."""
        if pin is not None:
            check_pin(pin)
        hashed = None if pin is None else await asyncio.to_thread(self._passwords.hash, pin)
        await self._users.set_pin(name, hashed)
        await self._audit.record(subject=by, action="user.set_pin", object=name, result="ok")

    async def lock(self, name: str, *, by: str, locked: bool = True) -> None:
        """Lock a user out (ends his log-ins) or let him in again."""
        await self._users.set_locked(name, locked)
        await self._audit.record(
            subject=by, action="user.lock" if locked else "user.unlock", object=name, result="ok"
        )
