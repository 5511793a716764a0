"""The customers' directory on PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ccplatform.configuration.errors import ChangedMeanwhile
from ccplatform.kernel.errors import NotFound, Refusal
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


async def test_a_card_is_entered_and_corrected_with_its_history(store: CustomerStore) -> None:
    card = Customer(account="9", phone="+86 139 0000 0009", name="<b>李</b>")
    entered = await store.change(card, by="1004", expected=0)
    assert (entered.phone, entered.version) == ("13900000009", 1)
    corrected = await store.change(replace(entered, city="杭州"), by="1005", expected=1)
    assert corrected.version == 2
    assert await store.change(replace(entered, city="杭州"), by="1004", expected=None) == corrected
    assert await store.by_account("9") == corrected
    last, first = await store.changes("9", 10)
    assert (last.by, first.by, first.before) == ("1005", "1004", None)
    assert last.before is not None
    assert (last.before["city"], last.after["city"], first.after["name"]) == ("", "杭州", "<b>李</b>")


async def test_a_card_that_was_changed_meanwhile_is_not_overwritten(store: CustomerStore) -> None:
    card = await store.change(Customer(account="9", phone="1001", name="A"), by="1004", expected=0)
    await store.change(replace(card, name="B"), by="1005", expected=1)
    for expected in (0, 1, 3):
        with pytest.raises(ChangedMeanwhile):
            await store.change(replace(card, name="C"), by="1004", expected=expected)
    assert (await store.by_account("9")).name == "B"
    with pytest.raises(BadNumber):
        await store.change(replace(card, phone="none"), by="1004", expected=None)
    with pytest.raises(NotFound):
        await store.by_account("10")


async def test_of_two_who_enter_the_same_customer_at_once_one_does(store: CustomerStore) -> None:
    card = Customer(account="9", phone="1001", name="A")
    done = await asyncio.gather(
        *(store.change(replace(card, name=name), by=name, expected=0) for name in "ABCD"), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in done) == ["ChangedMeanwhile"] * 3 + ["Customer"]
    assert len(await store.changes("9", 10)) == 1


async def test_a_new_start_of_the_demo_keeps_what_agents_corrected(store: CustomerStore) -> None:
    await seed_demo_customers(store)
    first = await store.by_account("600001")
    await store.change(replace(first, city="北京"), by="1004", expected=first.version)
    await seed_demo_customers(store)
    assert (await store.by_account("600001")).city == "北京"


async def test_a_directory_too_large_for_a_sheet_is_refused(store: CustomerStore) -> None:
    await store.save_customers([Customer(account=str(n), phone="13900000001", name="A") for n in range(3)])
    assert len(await store.all(3)) == 3
    with pytest.raises(Refusal, match="more than 2 customers"):
        await store.all(2)
