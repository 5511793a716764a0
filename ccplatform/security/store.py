"""Users and tokens in PostgreSQL. Of a token only its SHA-256 is stored."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from ccplatform.contracts.words import DEFAULT_TENANT, AgentId, Role, TenantId
from ccplatform.kernel.errors import NotFound, Refusal
from ccplatform.security.model import Session, User
from ccplatform.storage.database import Database


class UserStore:
    """The table ``users``."""

    def __init__(self, database: Database, *, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def find(self, name: str) -> User | None:
        """The user of that name."""
        async with self._database.connection() as connection:
            query = "SELECT * FROM users WHERE tenant = $1 AND name = $2"
            row = await connection.fetchrow(query, self._tenant, name)
        return None if row is None else _user(row)

    async def find_agent(self, agent: AgentId) -> User | None:
        """The user who is that agent."""
        async with self._database.connection() as connection:
            query = "SELECT * FROM users WHERE tenant = $1 AND agent = $2"
            row = await connection.fetchrow(query, self._tenant, agent)
        return None if row is None else _user(row)

    async def list_users(self) -> list[User]:
        """Everybody, by name."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("SELECT * FROM users WHERE tenant = $1 ORDER BY name", self._tenant)
        return [_user(row) for row in rows]

    async def add(self, user: User, now: datetime) -> None:
        """Store a new user; raises :class:`Refusal` if the name or the agent is taken."""
        try:
            async with self._database.connection() as connection:
                await connection.execute(
                    """INSERT INTO users (tenant, name, password_hash, roles, agent, pin_hash, locked, must_change,
                                          created_at, password_changed_at, teams)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)""",
                    self._tenant,
                    user.name,
                    user.password_hash,
                    sorted(user.roles),
                    user.agent,
                    user.pin_hash,
                    user.locked,
                    user.must_change,
                    now,
                    sorted(user.teams),
                )
        except asyncpg.UniqueViolationError as error:
            taken = f"agent {user.agent}" if error.constraint_name == "users_agent" else f"user {user.name}"
            raise Refusal(f"{taken} exists already", code="exists") from error

    async def change(
        self, name: str, *, roles: frozenset[Role], agent: AgentId | None, teams: frozenset[str]
    ) -> None:
        """Change roles, agent and teams; raises :class:`Refusal` if somebody else is that agent."""
        query = "UPDATE users SET roles = $3, agent = $4, teams = $5 WHERE tenant = $1 AND name = $2"
        try:
            async with self._database.connection() as connection:
                done = await connection.execute(query, self._tenant, name, sorted(roles), agent, sorted(teams))
        except asyncpg.UniqueViolationError as error:
            raise Refusal(f"agent {agent} exists already", code="exists", where="agent") from error
        _must_have_changed_one(done, name)

    async def remove(self, name: str) -> None:
        """Forget a user; his log-ins end."""
        async with self._database.connection() as connection:
            done = await connection.execute(
                "DELETE FROM users WHERE tenant = $1 AND name = $2", self._tenant, name
            )
        _must_have_changed_one(done, name)

    async def set_password(self, name: str, password_hash: str, *, must_change: bool, now: datetime) -> None:
        """Change the password and end every log-in of the user."""
        async with self._database.transaction() as connection:
            done = await connection.execute(
                """UPDATE users SET password_hash = $3, must_change = $4, password_changed_at = $5
                   WHERE tenant = $1 AND name = $2""",
                self._tenant,
                name,
                password_hash,
                must_change,
                now,
            )
            _must_have_changed_one(done, name)
            await connection.execute("DELETE FROM tokens WHERE tenant = $1 AND user_name = $2", self._tenant, name)

    async def set_pin(self, name: str, pin_hash: str | None) -> None:
        """Change or take away the PIN."""
        async with self._database.connection() as connection:
            query = "UPDATE users SET pin_hash = $3 WHERE tenant = $1 AND name = $2"
            done = await connection.execute(query, self._tenant, name, pin_hash)
        _must_have_changed_one(done, name)

    async def set_locked(self, name: str, locked: bool) -> None:
        """Lock (ending every log-in) or unlock."""
        async with self._database.transaction() as connection:
            query = "UPDATE users SET locked = $3 WHERE tenant = $1 AND name = $2"
            done = await connection.execute(query, self._tenant, name, locked)
            _must_have_changed_one(done, name)
            if locked:
                await connection.execute(
                    "DELETE FROM tokens WHERE tenant = $1 AND user_name = $2", self._tenant, name
                )


class TokenStore:
    """The table ``tokens``."""

    def __init__(self, database: Database, *, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def add(self, sha256: bytes, user: str, *, now: datetime, expires_at: datetime) -> None:
        """Store a new log-in; log-ins that are over go."""
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM tokens WHERE expires_at < $1", now)
            await connection.execute(
                """INSERT INTO tokens (tenant, sha256, user_name, issued_at, expires_at)
                   VALUES ($1, $2, $3, $4, $5)""",
                self._tenant,
                sha256,
                user,
                now,
                expires_at,
            )
            query = "UPDATE users SET last_login_at = $3 WHERE tenant = $1 AND name = $2"
            await connection.execute(query, self._tenant, user, now)

    async def find(self, sha256: bytes) -> Session | None:
        """The log-in of that token, unless its user is locked."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                """SELECT u.*, t.expires_at
                   FROM tokens t JOIN users u ON u.tenant = t.tenant AND u.name = t.user_name
                   WHERE t.tenant = $1 AND t.sha256 = $2 AND NOT u.locked""",
                self._tenant,
                sha256,
            )
        if row is None:
            return None
        user = _user(row)
        return Session(principal=user.principal, must_change=user.must_change, expires_at=row["expires_at"])

    async def remove(self, sha256: bytes) -> None:
        """End a log-in."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM tokens WHERE tenant = $1 AND sha256 = $2", self._tenant, sha256)


def _user(row: asyncpg.Record) -> User:
    return User(
        name=row["name"],
        password_hash=row["password_hash"],
        roles=frozenset(Role(role) for role in row["roles"]),
        agent=row["agent"],
        pin_hash=row["pin_hash"],
        locked=row["locked"],
        must_change=row["must_change"],
        teams=frozenset(row["teams"]),
    )


def _must_have_changed_one(status: str, name: str) -> None:
    if status not in ("UPDATE 1", "DELETE 1"):
        raise NotFound(f"there is no user {name}")
