"""The customers' directory as CSV: out, and in after a look at what would change (R10.1.d, R10.4.b).

Who changed a card is kept beside it, as when it is corrected at the desk, and not in the audit, from where it
could not be removed with the customer; that somebody took the whole directory along is in the audit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from ccplatform.configuration.kind import Document, Kind
from ccplatform.contracts.words import Role
from ccplatform.kernel.errors import Refusal
from cti import schema
from cti.errors import BadNumber
from cti.model import Customer
from cti.numbers import normalise
from cti.store import CustomerStore, fields_of

#: An account, as it stands in addresses and sheets.
ACCOUNT: Final = r"^[0-9A-Za-z._-]{1,64}$"
#: The largest directory that goes by sheet; some 50 MB in memory.
MOST_CUSTOMERS: Final = 100_000


class _Kept:
    """See :class:`~ccplatform.configuration.kind.Keeper`."""

    def __init__(self, store: CustomerStore) -> None:
        self._store = store

    async def all(self) -> Mapping[str, Document]:
        return {customer.account: fields_of(customer) for customer in await self._store.all(MOST_CUSTOMERS)}

    async def one(self, name: str) -> Document | None:
        found = await self._store.find(name)
        return None if found is None else fields_of(found)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        if not re.fullmatch(ACCOUNT, name):
            raise _refused(name, "id", "an account has up to 64 letters, digits and . _ -")
        try:
            normalise(document["phone"], self._store.country)
        except BadNumber as error:
            raise _refused(name, "phone", str(error)) from error
        if not trial:
            await self._store.change(Customer(account=name, **document), by=by, expected=None)

    async def remove(self, name: str, *, by: str) -> None:
        raise _refused(name, "id", "a sheet removes no customer")

    async def users(self, name: str) -> Sequence[str]:
        return []


def customer_kind(store: CustomerStore) -> Kind:
    """``customers.csv``, for supervisors of the whole centre and administrators; it has no other routes."""
    return Kind(
        word="customer",
        path="customers",
        wanted=schema.WantedCustomer,
        item=schema.CustomerCard,
        keeper=_Kept(store),
        readers=(Role.SUPERVISOR, Role.ADMIN),
        changers=(Role.SUPERVISOR, Role.ADMIN),
        listed=False,
        personal=True,
    )


def _refused(account: str, where: str, why: str) -> Refusal:
    return Refusal(f"customer {account[:64]}: {why}", code="bad_customer", where=where)
