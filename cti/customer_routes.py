"""REST of the customers' directory: found by number, entered and corrected at the desk (R10.1.d).

No ``from __future__ import annotations`` here: the routes' annotations hold objects of the function below.
"""

import re
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Path, Query, Response

from ccplatform.kernel.errors import Refusal
from ccplatform.security.access import Access
from ccplatform.security.model import Principal
from cti import permissions as may
from cti import schema
from cti.customer_sheet import ACCOUNT
from cti.model import Customer
from cti.store import CustomerStore

_ACCOUNT = Path(pattern=ACCOUNT, examples=["600001"])
_Match = Annotated[str | None, Header(max_length=100)]


def add_customer_routes(router: APIRouter, *, access: Access, customers: CustomerStore) -> None:
    """``customers``; a card's version is its ``ETag``."""
    person = Annotated[Principal, Depends(access.require(*may.CUSTOMER_READERS))]

    @router.get("/customers", response_model=schema.Page[schema.CustomerCard])
    async def find_customers(
        principal: person, number: Annotated[str, Query(min_length=2, max_length=32, examples=["13800000001"])]
    ) -> Any:
        """Customers with this number, however it is written (`+86 138…`, `0138…`)."""
        found = await customers.by_number(number)
        return {"items": msgspec.to_builtins(found), "next_cursor": None}

    @router.get("/customers/{account}", response_model=schema.CustomerCard)
    async def get_customer(principal: person, account: Annotated[str, _ACCOUNT], response: Response) -> Any:
        """One customer."""
        return _card(await customers.by_account(account), response)

    @router.put("/customers/{account}", response_model=schema.CustomerCard)
    async def put_customer(
        principal: person,
        account: Annotated[str, _ACCOUNT],
        wanted: schema.WantedCustomer,
        response: Response,
        if_match: _Match = None,
        if_none_match: _Match = None,
    ) -> Any:
        """Enter a customer (`If-None-Match: *`) or correct one (`If-Match`); 412 when he was changed meanwhile."""
        expected = 0 if if_none_match == "*" else _version(if_match)
        card = Customer(account=account, **wanted.model_dump())
        return _card(await customers.change(card, by=principal.user, expected=expected), response)

    @router.get("/customers/{account}/history", response_model=schema.Page[schema.CustomerChange])
    async def customer_history(
        principal: person, account: Annotated[str, _ACCOUNT], limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> Any:
        """Who changed a customer's card, newest first."""
        return {"items": msgspec.to_builtins(await customers.changes(account, limit)), "next_cursor": None}


def _card(customer: Customer, response: Response) -> dict[str, Any]:
    response.headers["ETag"] = f'"{customer.version}"'
    plain: dict[str, Any] = msgspec.to_builtins(customer)
    return plain


def _version(header: str | None) -> int | None:
    if header is None or header == "*":
        return None
    named = re.fullmatch(r'"([0-9]{1,9})"', header)
    if named is None:
        raise Refusal("If-Match is no version of a customer", code="bad_request", where="If-Match")
    return int(named[1])
