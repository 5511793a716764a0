"""The customers' directory on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccplatform.storage.database import Database
from cti.directory import demo_customers, seed_demo_customers
from cti.errors import BadNumber
from cti.model import Customer
from cti.store import CustomerStore
from tests.support.database import database, postgres_dsn  # noqa: F401


@pytest.fixture
def store(database: Database) -> CustomerStore:  # noqa: F811
    return CustomerStore(database=database)


async def test_the_demo_centre_has_its_hundred_customers_however_often_they_are_put_in(
    store: CustomerStore,
) -> None:
    await seed_demo_customers(store)
    await seed_demo_customers(store)
    [first] = await store.by_number("+86 138-0000-0001")
    assert (first.account, first.name, first.name_latin) == ("600001", "张伟", "Zhang Wei")
    [last] = await store.by_number("13800000100")
    assert last.account == "600100"
    assert await store.by_number("13800000101") == []


def test_the_demo_customers_are_a_hundred_different_people() -> None:
    customers = demo_customers()
    assert len({customer.account for customer in customers}) == 100
    assert len({customer.phone for customer in customers}) == 100
    assert len({customer.name for customer in customers}) == 100


async def test_a_number_may_belong_to_several_the_one_changed_last_comes_first(store: CustomerStore) -> None:
    family = [Customer(account=account, phone="010 6552 9988", name=account) for account in ("1", "2")]
    await store.save_customers(family)
    await store.save_customers([replace(family[1], note="'; DROP TABLE customers; --")])
    found = await store.by_number("01065529988")
    assert [customer.account for customer in found] == ["2", "1"]
    assert found[0].note == "'; DROP TABLE customers; --"


async def test_a_card_is_replaced_by_its_account(store: CustomerStore) -> None:
    card = Customer(account="1", phone="13900000001", name="李娜")
    await store.save_customers([card])
    await store.save_customers([replace(card, phone="13900000002", level="gold")])
    assert await store.by_number("13900000001") == []
    assert [customer.level for customer in await store.by_number("13900000002")] == ["gold"]


async def test_all_cards_or_none_are_saved(store: CustomerStore) -> None:
    good, bad = (Customer(account=phone, phone=phone, name="x") for phone in ("13900000003", "none"))
    with pytest.raises(BadNumber):
        await store.save_customers([good, bad])
    assert await store.by_number("13900000003") == []


async def test_callers_without_a_number_are_nobody(store: CustomerStore) -> None:
    for caller in ("", "anonymous", "sip:alice", "\x00"):
        assert await store.matching(caller) == []
    with pytest.raises(BadNumber):
        await store.by_number("anonymous")
