"""The gateway's SQL: seats and their registrations, and by :mod:`gateway.trunk_store` trunks and routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import asyncpg
import structlog

from ccplatform.contracts.words import DEFAULT_TENANT, SeatId, TenantId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Refusal
from ccplatform.security.errors import BadSeal
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Database
from gateway.sip.bindings import Binding
from gateway.sip.digest import Secrets, hash_a1
from gateway.sip.flows import Flow
from gateway.sip.outbound import PhoneFlow
from gateway.sip.passes import Passes
from gateway.sip.seats import Seat
from gateway.sip.syntax import is_token
from gateway.trunk_store import TrunkStore

_log = structlog.get_logger("gateway")

_SEATS: Final = """
    SELECT id, sip_user, realm, ha1_md5, ha1_sha256, caller, pick_up_group FROM seats
    WHERE tenant = $1 ORDER BY id
"""
_SEAT_DOCUMENTS: Final = """
    SELECT id, sip_user, name, phone, caller, pick_up_group FROM seats
    WHERE tenant = $1 AND ($2::text IS NULL OR id = $2) ORDER BY id
"""
_SAVE_SEAT: Final = """
    INSERT INTO seats (tenant, id, sip_user, realm, ha1_md5, ha1_sha256, name, phone, caller, pick_up_group)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (tenant, id) DO UPDATE SET
        sip_user = excluded.sip_user, realm = excluded.realm, ha1_md5 = excluded.ha1_md5,
        ha1_sha256 = excluded.ha1_sha256, name = excluded.name, phone = excluded.phone, caller = excluded.caller,
        pick_up_group = excluded.pick_up_group
"""
_SEAT_ROWS: Final = """
    SELECT s.id, s.sip_user, r.contact, r.transport, r.host, r.port, r.user_agent, r.expires_at
    FROM seats s LEFT JOIN registrations r
        ON r.tenant = s.tenant AND r.seat = s.id AND r.expires_at > $2
    WHERE s.tenant = $1 ORDER BY s.id, r.refreshed_at DESC
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatRow:
    """A seat as lists show it, with its contacts: contact, transport, address, user agent, expiry."""

    id: SeatId
    sip_user: str
    contacts: tuple[dict[str, Any], ...]


class GatewayStore:
    """Seats and registrations in PostgreSQL; :attr:`trunks` is the store of trunks. Secrets are sealed by
    ``vault``; ``realm`` is the digest realm that passwords are hashed for."""

    def __init__(
        self, *, database: Database, vault: Vault, clock: Clock, realm: str, tenant: TenantId = DEFAULT_TENANT
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._realm = realm
        self._tenant = tenant
        self.trunks = TrunkStore(database=database, vault=vault, tenant=tenant)

    def gruu_key(self) -> bytes:
        """The key of temporary GRUUs: they outlive a restart."""
        return self._vault.derive("temporary gruu")

    def passes(self) -> Passes:
        """Who issues and recognizes the passes of phones in browsers."""
        return Passes(key=self._vault.derive("softphone passes"), realm=self._realm)

    # --- seats --------------------------------------------------------------------------------------------

    async def save_seat(
        self,
        seat: SeatId,
        sip_user: str,
        password: str,
        *,
        name: str = "",
        phone: str = "desk",
        caller: str = "",
        pick_up_group: str = "",
    ) -> None:
        """Make a seat or change all of it; only sealed hashes of the password are kept.

        ``phone`` is what rings there, ``caller`` the number that calls out of it show ('': the trunk's). Phones of
        one ``pick_up_group`` take each other's calls ('': none).
        """
        if not is_token(sip_user) or not password:
            raise Refusal(f"seat {seat}: the SIP user must be a token and the password not empty", code="bad_seat")
        secrets = {
            secret: self._vault.seal(
                hash_a1(algorithm, sip_user, self._realm, password).encode(), _context(secret, seat, self._tenant)
            )
            for secret, algorithm in (("ha1_md5", "MD5"), ("ha1_sha256", "SHA-256"))
        }
        async with self._database.connection() as connection:
            try:
                await connection.execute(
                    _SAVE_SEAT,
                    self._tenant,
                    seat,
                    sip_user,
                    self._realm,
                    secrets["ha1_md5"],
                    secrets["ha1_sha256"],
                    name,
                    phone,
                    caller,
                    pick_up_group,
                )
            except asyncpg.UniqueViolationError as error:
                text = f"seat {seat}: another seat has the SIP user {sip_user}"
                raise Refusal(text, code="bad_seat", where="sip_user") from error

    async def describe_seat(self, seat: SeatId, *, name: str, phone: str, caller: str, pick_up_group: str) -> None:
        """Change what a seat is, and leave its account alone."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                UPDATE seats SET name = $3, phone = $4, caller = $5, pick_up_group = $6
                WHERE tenant = $1 AND id = $2
                """,
                self._tenant,
                seat,
                name,
                phone,
                caller,
                pick_up_group,
            )

    async def remove_seat(self, seat: SeatId) -> None:
        """Forget a seat with its registrations."""
        async with self._database.transaction() as connection:
            for table, column in (("registrations", "seat"), ("seats", "id")):
                await connection.execute(
                    f"DELETE FROM {table} WHERE tenant = $1 AND {column} = $2", self._tenant, seat
                )

    async def seat_documents(self, seat: str | None = None) -> dict[str, dict[str, str]]:
        """Seats as people configure them, by id; all, or the one of this id."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_SEAT_DOCUMENTS, self._tenant, seat)
        return {
            row["id"]: {field: row[field] for field in ("sip_user", "name", "phone", "caller", "pick_up_group")}
            for row in rows
        }

    async def seats(self) -> list[Seat]:
        """Every seat that can sign in; one whose secret does not open or is of another realm is left out, said in
        the log."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_SEATS, self._tenant)
        return [seat for seat in map(self._opened, rows) if seat is not None]

    def _opened(self, row: asyncpg.Record) -> Seat | None:
        seat = SeatId(row["id"])
        if row["realm"] != self._realm:
            _log.error("seat needs its password set again: its realm is another", seat=seat, realm=row["realm"])
            return None
        try:
            md5, sha256 = (
                self._vault.open(row[name], _context(name, seat, self._tenant)).decode()
                for name in ("ha1_md5", "ha1_sha256")
            )
        except BadSeal as error:
            _log.error("seat left out", seat=seat, error=str(error))
            return None
        return Seat(
            id=seat,
            sip_user=row["sip_user"],
            secrets=Secrets(ha1_md5=md5, ha1_sha256=sha256),
            caller=row["caller"],
            pick_up_group=row["pick_up_group"],
        )

    async def seat_rows(self) -> list[SeatRow]:
        """Every seat with its live registrations, as stored, for lists."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_SEAT_ROWS, self._tenant, self._clock.wall())
        found: dict[str, tuple[str, list[dict[str, Any]]]] = {}
        for row in rows:
            _, contacts = found.setdefault(row["id"], (row["sip_user"], []))
            if row["contact"] is not None:
                columns = ("contact", "transport", "host", "port", "user_agent", "expires_at")
                contacts.append({column: row[column] for column in columns})
        return [
            SeatRow(id=SeatId(seat), sip_user=sip_user, contacts=tuple(contacts))
            for seat, (sip_user, contacts) in found.items()
        ]

    # --- registrations ------------------------------------------------------------------------------------

    async def save_registrations(self, changed: Mapping[SeatId, Iterable[Binding]]) -> None:
        """Replace the stored contacts of these seats, all or none."""
        now, wall = self._clock.now(), self._clock.wall()
        rows = [
            (
                self._tenant,
                seat,
                binding.uri,
                binding.flow.transport,
                binding.flow.host,
                binding.flow.port,
                binding.call_id,
                binding.sequence,
                binding.user_agent,
                list(binding.path),
                binding.phone.instance if binding.phone is not None else "",
                binding.phone.number if binding.phone is not None else 0,
                wall - timedelta(seconds=now - binding.refreshed_at),
                wall + timedelta(seconds=binding.expires_at - now),
            )
            for seat, bindings in changed.items()
            for binding in bindings
        ]
        async with self._database.transaction() as connection:
            await connection.execute(
                "DELETE FROM registrations WHERE tenant = $1 AND seat = ANY($2::text[])",
                self._tenant,
                [str(seat) for seat in changed],
            )
            await connection.executemany(
                """
                INSERT INTO registrations (tenant, seat, contact, transport, host, port, call_id, cseq, user_agent,
                    path, instance, reg_id, refreshed_at, expires_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
                """,
                rows,
            )

    async def registrations(self) -> dict[SeatId, list[Binding]]:
        """What :meth:`save_registrations` stored and has not expired."""
        now, wall = self._clock.now(), self._clock.wall()
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT seat, contact, transport, host, port, call_id, cseq, user_agent, path, instance, reg_id,
                    refreshed_at, expires_at
                FROM registrations WHERE tenant = $1 AND expires_at > $2
                """,
                self._tenant,
                wall,
            )
        found: dict[SeatId, list[Binding]] = {}
        for row in rows:
            found.setdefault(SeatId(row["seat"]), []).append(
                Binding(
                    uri=row["contact"],
                    flow=Flow(row["transport"], row["host"], row["port"]),
                    call_id=row["call_id"],
                    sequence=row["cseq"],
                    expires_at=now + (row["expires_at"] - wall).total_seconds(),
                    refreshed_at=now - (wall - row["refreshed_at"]).total_seconds(),
                    user_agent=row["user_agent"],
                    path=tuple(row["path"]),
                    phone=PhoneFlow(row["instance"], row["reg_id"]) if row["instance"] else None,
                )
            )
        return found


def _context(name: str, seat: str, tenant: str) -> str:
    return f"{name}:{tenant}:{seat}"
