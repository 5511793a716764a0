"""The customers' directory in PostgreSQL (table ``customers``)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.storage.database import Database
from cti.errors import BadNumber
from cti.model import Customer
from cti.numbers import normalise

#: More customers than this with one number are not shown.
MAX_MATCHES = 10


class CustomerStore:
    """Looks customers up by number and keeps their cards. Raises DatabaseUnavailable when storage is away."""

    def __init__(self, *, database: Database, country: str = "86", tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._country = country
        self._tenant = tenant

    async def by_number(self, number: str) -> list[Customer]:
        """Every customer with this number, the one changed last first; raises BadNumber."""
        phone = normalise(number, self._country)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT account, phone, name, name_latin, level, city, note
                  FROM customers
                 WHERE tenant = $1 AND phone = $2
                 ORDER BY updated_at DESC, account
                 LIMIT $3
                """,
                self._tenant,
                phone,
                MAX_MATCHES,
            )
        return [_customer(row) for row in rows]

    async def matching(self, caller: str) -> list[Customer]:
        """Like :meth:`by_number` for a caller's id, which may be hidden or no number at all: nobody then."""
        try:
            return await self.by_number(caller)
        except BadNumber:
            return []

    async def save_customers(self, customers: Iterable[Customer]) -> None:
        """Insert or replace cards by account, all or none; raises BadNumber."""
        rows = [
            (
                self._tenant,
                customer.account,
                normalise(customer.phone, self._country),
                customer.name,
                customer.name_latin,
                customer.level,
                customer.city,
                customer.note,
            )
            for customer in customers
        ]
        async with self._database.transaction() as connection:
            await connection.executemany(
                """
                INSERT INTO customers (tenant, account, phone, name, name_latin, level, city, note)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                ON CONFLICT (tenant, account) DO UPDATE
                   SET phone = EXCLUDED.phone, name = EXCLUDED.name, name_latin = EXCLUDED.name_latin,
                       level = EXCLUDED.level, city = EXCLUDED.city, note = EXCLUDED.note, updated_at = now()
                """,
                rows,
            )


def _customer(row: Any) -> Customer:
    return Customer(
        account=row["account"],
        phone=row["phone"],
        name=row["name"],
        name_latin=row["name_latin"],
        level=row["level"],
        city=row["city"],
        note=row["note"],
    )
