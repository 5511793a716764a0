"""The gateway's SQL of trunks and outbound routes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import asyncpg
import structlog

from ccplatform.contracts.words import DEFAULT_TENANT, TenantId, TrunkId
from ccplatform.security.errors import BadSeal
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Database
from gateway.errors import BadTrunk, UnknownTrunk
from gateway.sip.digest_client import Credentials
from gateway.sip.number_rules import CallerRule, NumberRule
from gateway.sip.outbound_routes import MAX_ROUTES, OutboundRoute, TrunkChoice
from gateway.sip.trunk import (
    Asserted,
    CallerRules,
    Registration,
    Trunk,
    TrunkDirection,
    TrunkProof,
    TrunkState,
    TrunkTransfer,
)

_log = structlog.get_logger("gateway")

_COLUMNS: Final = (
    "peers",
    "host",
    "port",
    "transport",
    "backups",
    "capacity",
    "capacity_in",
    "capacity_out",
    "direction",
    "proof",
    "account",
    "password",
    "domain",
    "registration_seconds",
    "numbers_in",
    "numbers_out",
    "caller_number",
    "caller_only_own",
    "caller_asserted",
    "callers_out",
    "probe_seconds",
    "trusted",
    "transfer",
    "state",
)
_SAVE: Final = f"""
    INSERT INTO trunks (tenant, id, {", ".join(_COLUMNS)})
    VALUES ($1, $2, {", ".join(f"${place}" for place in range(3, 3 + len(_COLUMNS)))})
    ON CONFLICT (tenant, id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)}
"""
_TRUNKS: Final = f"SELECT id, {', '.join(_COLUMNS)} FROM trunks WHERE tenant = $1 ORDER BY id"
_ROUTES: Final = "SELECT prefix, exact, emergency, choices FROM outbound_routes WHERE tenant = $1 ORDER BY prefix"


class TrunkStore:
    """Trunks and routes in PostgreSQL; passwords are sealed by ``vault``."""

    def __init__(self, *, database: Database, vault: Vault, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._vault = vault
        self._tenant = tenant

    # --- trunks -------------------------------------------------------------------------------------------

    async def save(self, trunk: Trunk) -> None:
        """Make or change a trunk; raises BadTrunk when it makes no sense."""
        trunk.check()
        account = trunk.credentials
        sealed = self._vault.seal(account.password.encode(), self._context(trunk.id)) if account else None
        values = (
            list(trunk.peers),
            trunk.host,
            trunk.port,
            trunk.transport,
            list(trunk.backups),
            trunk.capacity,
            trunk.capacity_in,
            trunk.capacity_out,
            trunk.direction.value,
            trunk.proof.value,
            account.user if account else None,
            sealed,
            trunk.domain,
            trunk.registration.seconds if trunk.registration else None,
            [asdict(rule) for rule in trunk.numbers_in],
            [asdict(rule) for rule in trunk.numbers_out],
            trunk.caller.number,
            trunk.caller.only_own,
            trunk.caller.asserted.value,
            [asdict(rule) for rule in trunk.callers_out],
            trunk.probe_seconds,
            trunk.trusted,
            trunk.transfer.value,
            trunk.state.value,
        )
        async with self._database.connection() as connection:
            await connection.execute(_SAVE, self._tenant, trunk.id, *values)

    async def all(self) -> list[Trunk]:
        """Every trunk, by id. One whose password does not open has no account, said in the log."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_TRUNKS, self._tenant)
        return [self._trunk(row) for row in rows]

    async def get(self, trunk: TrunkId) -> Trunk:
        """One trunk; raises UnknownTrunk."""
        found = next((one for one in await self.all() if one.id == trunk), None)
        if found is None:
            raise UnknownTrunk(f"no trunk {trunk!r}")
        return found

    async def set_state(self, trunk: TrunkId, state: TrunkState) -> None:
        """Block, activate or isolate a trunk; raises UnknownTrunk."""
        async with self._database.connection() as connection:
            done = await connection.fetchval(
                "UPDATE trunks SET state = $3 WHERE tenant = $1 AND id = $2 RETURNING id",
                self._tenant,
                trunk,
                state.value,
            )
        if done is None:
            raise UnknownTrunk(f"no trunk {trunk!r}")

    async def users(self, trunk: str) -> list[str]:
        """The routes that name a trunk."""
        return [
            f"the route of {route.prefix!r}"
            for route in await self.routes()
            if any(choice.trunk == trunk for choice in route.choices)
        ]

    async def delete(self, trunk: TrunkId) -> None:
        """Take a trunk out; raises UnknownTrunk, and BadTrunk while a route names it."""
        users = await self.users(trunk)
        if users:
            raise BadTrunk(f"trunk {trunk} is in use by {users[0]}")
        async with self._database.connection() as connection:
            done = await connection.fetchval(
                "DELETE FROM trunks WHERE tenant = $1 AND id = $2 RETURNING id", self._tenant, trunk
            )
        if done is None:
            raise UnknownTrunk(f"no trunk {trunk!r}")

    def _trunk(self, row: asyncpg.Record) -> Trunk:
        trunk = TrunkId(row["id"])
        credentials = self._opened(trunk, row["account"], row["password"])
        seconds = row["registration_seconds"]
        proof = TrunkProof(row["proof"])
        return Trunk(
            id=trunk,
            peers=tuple(row["peers"]),
            host=row["host"],
            port=row["port"],
            transport=row["transport"],
            backups=tuple(row["backups"]),
            capacity=row["capacity"],
            capacity_in=row["capacity_in"],
            capacity_out=row["capacity_out"],
            direction=TrunkDirection(row["direction"]),
            proof=proof,
            credentials=credentials,
            domain=row["domain"],
            registration=Registration(seconds=seconds) if seconds is not None and credentials else None,
            numbers_in=_rules(row["numbers_in"]),
            numbers_out=_rules(row["numbers_out"]),
            caller=CallerRules(
                number=row["caller_number"],
                only_own=row["caller_only_own"],
                asserted=Asserted(row["caller_asserted"]),
            ),
            callers_out=tuple(CallerRule(**rule) for rule in row["callers_out"]),
            probe_seconds=row["probe_seconds"],
            trusted=row["trusted"],
            transfer=TrunkTransfer(row["transfer"]),
            state=TrunkState(row["state"]),
        )

    def _opened(self, trunk: TrunkId, account: str | None, sealed: bytes | None) -> Credentials | None:
        if account is None or sealed is None:
            return None
        try:
            return Credentials(user=account, password=self._vault.open(sealed, self._context(trunk)).decode())
        except BadSeal as error:
            _log.error("trunk needs its password set again", trunk=trunk, error=str(error))
            return None

    def _context(self, trunk: TrunkId) -> str:
        return f"trunk-password:{self._tenant}:{trunk}"

    # --- routes -------------------------------------------------------------------------------------------

    async def routes(self) -> list[OutboundRoute]:
        """Every route, by prefix."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_ROUTES, self._tenant)
        return [
            OutboundRoute(
                prefix=row["prefix"],
                exact=row["exact"],
                emergency=row["emergency"],
                choices=tuple(
                    TrunkChoice(trunk=TrunkId(one["trunk"]), priority=one["priority"], weight=one["weight"])
                    for one in row["choices"]
                ),
            )
            for row in rows
        ]

    async def replace_routes(self, routes: list[OutboundRoute]) -> None:
        """Take these routes in place of all; raises BadTrunk when one makes no sense or names no trunk."""
        if len(routes) > MAX_ROUTES:
            raise BadTrunk(f"{len(routes)} routes, at most {MAX_ROUTES} may be")
        if len({(route.prefix, route.exact) for route in routes}) < len(routes):
            raise BadTrunk("a prefix has two routes")
        known = {trunk.id for trunk in await self.all()}
        for route in routes:
            route.check()
            for choice in route.choices:
                if choice.trunk not in known:
                    raise BadTrunk(f"route {route.prefix!r}: no trunk {choice.trunk!r}")
        rows = [
            (self._tenant, one.prefix, one.exact, one.emergency, [asdict(choice) for choice in one.choices])
            for one in routes
        ]
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM outbound_routes WHERE tenant = $1", self._tenant)
            await connection.executemany(
                """
                INSERT INTO outbound_routes (tenant, prefix, exact, emergency, choices) VALUES ($1, $2, $3, $4, $5)
                """,
                rows,
            )


def _rules(stored: Any) -> tuple[NumberRule, ...]:
    return tuple(NumberRule(**rule) for rule in stored)
