"""The customers' directory in PostgreSQL (table ``customers``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from ccplatform.configuration.errors import ChangedMeanwhile
from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.kernel.errors import NotFound, Refusal
from ccplatform.storage.database import Database
from cti.errors import BadNumber
from cti.model import Customer, CustomerChange
from cti.numbers import normalise

#: What can be changed of a card.
FIELDS: Final = ("phone", "name", "name_latin", "level", "city", "note")

_CARD: Final = """
SELECT account, phone, name, name_latin, level, city, note, version FROM customers
 WHERE tenant = $1 AND account = $2
"""
_INSERT: Final = """
INSERT INTO customers (tenant, account, phone, name, name_latin, level, city, note, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant, account) DO NOTHING
"""
_UPDATE: Final = """
UPDATE customers SET phone = $3, name = $4, name_latin = $5, level = $6, city = $7, note = $8, version = $9,
       updated_at = now()
 WHERE tenant = $1 AND account = $2
"""
_REPLACE: Final = """
DO UPDATE SET phone = EXCLUDED.phone, name = EXCLUDED.name, name_latin = EXCLUDED.name_latin,
       level = EXCLUDED.level, city = EXCLUDED.city, note = EXCLUDED.note, version = customers.version + 1,
       updated_at = now()
"""

#: More customers than this with one number are not shown.
MAX_MATCHES = 10


class CustomerStore:
    """Looks customers up by number and keeps their cards. Raises DatabaseUnavailable when storage is away."""

    def __init__(self, *, database: Database, country: str = "86", tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self.country = country
        self._tenant = tenant

    async def by_number(self, number: str) -> list[Customer]:
        """Every customer with this number, the one changed last first; raises BadNumber."""
        phone = normalise(number, self.country)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT account, phone, name, name_latin, level, city, note, version
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

    async def all(self, most: int) -> list[Customer]:
        """Every card, by account; raises Refusal where there are more than ``most``."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT account, phone, name, name_latin, level, city, note, version
                  FROM customers WHERE tenant = $1 ORDER BY account LIMIT $2
                """,
                self._tenant,
                most + 1,
            )
        if len(rows) > most:
            raise Refusal(f"there are more than {most} customers, too many for one sheet", code="too_many")
        return [_customer(row) for row in rows]

    async def find(self, account: str) -> Customer | None:
        """One card, if there is one."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_CARD, self._tenant, account)
        return None if row is None else _customer(row)

    async def by_account(self, account: str) -> Customer:
        """One card; raises NotFound."""
        found = await self.find(account)
        if found is None:
            raise NotFound(f"no customer {account}")
        return found

    async def change(self, customer: Customer, *, by: str, expected: int | None) -> Customer:
        """Enter or correct one card, and keep who did; gives it as it is now.

        ``expected`` is the version that the change starts from, 0: there is none yet, None: whatever it is. Raises
        ChangedMeanwhile when it is another, BadNumber.
        """
        wanted = replace(customer, phone=normalise(customer.phone, self.country))
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(f"{_CARD} FOR UPDATE", self._tenant, wanted.account)
            before = None if row is None else _customer(row)
            version = 0 if before is None else before.version
            if expected is not None and expected != version:
                raise ChangedMeanwhile(f"customer {wanted.account}")
            after = replace(wanted, version=version + 1)
            if before is not None and fields_of(before) == fields_of(after):
                return before
            tag = await connection.execute(
                _INSERT if before is None else _UPDATE,
                self._tenant,
                after.account,
                *fields_of(after).values(),
                after.version,
            )
            if not tag.endswith(" 1"):
                raise ChangedMeanwhile(f"customer {wanted.account}")  # somebody entered him at the same time
            await connection.execute(
                """
                INSERT INTO customer_changes (tenant, account, version, changed_by, before, after)
                VALUES ($1, $2, $3, $4, $5, $6)
                """,
                self._tenant,
                after.account,
                after.version,
                by,
                None if before is None else fields_of(before),
                fields_of(after),
            )
        return after

    async def changes(self, account: str, limit: int) -> list[CustomerChange]:
        """What was changed of a card, newest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT at, changed_by, before, after FROM customer_changes
                 WHERE tenant = $1 AND account = $2 ORDER BY version DESC LIMIT $3
                """,
                self._tenant,
                account,
                limit,
            )
        return [
            CustomerChange(at=row["at"], by=row["changed_by"], before=row["before"], after=row["after"])
            for row in rows
        ]

    async def add_customers(self, customers: Iterable[Customer]) -> None:
        """Insert the cards whose accounts are not there yet; raises BadNumber."""
        await self._put(customers, "DO NOTHING")

    async def save_customers(self, customers: Iterable[Customer]) -> None:
        """Insert or replace cards by account, all or none; raises BadNumber."""
        await self._put(customers, _REPLACE)

    async def _put(self, customers: Iterable[Customer], there: str) -> None:
        rows = [
            (
                self._tenant,
                customer.account,
                normalise(customer.phone, self.country),
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
                f"""
                INSERT INTO customers (tenant, account, phone, name, name_latin, level, city, note)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, account) {there}
                """,
                rows,
            )


def fields_of(customer: Customer) -> dict[str, str]:
    """What can be changed of a card, in the order of the statements."""
    return {name: getattr(customer, name) for name in FIELDS}


def _customer(row: Any) -> Customer:
    return Customer(
        account=row["account"],
        phone=row["phone"],
        name=row["name"],
        name_latin=row["name_latin"],
        level=row["level"],
        city=row["city"],
        note=row["note"],
        version=row["version"],
    )
