"""The main menu: the balance, unknown accounts, the queues; what takes long is in ``test_calls_long``."""

from __future__ import annotations

import pytest

from tests.e2e.centre import Centre
from tests.support.fixtures import MakePhone
from tests.support.phone_call import PhoneCall

#: A caller who knows the menu presses fast, seconds.
FAST = 0.06


async def menu_of(centre: Centre, phone: MakePhone, number: str) -> PhoneCall:
    """A caller who hears the greeting of 95000."""
    caller = await phone(number)
    call = await caller.dial(centre.number("95000"))
    await call.answered.wait()
    await call.heard(speech=True)
    return call


async def test_the_balance_is_looked_up_and_spoken(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    call = await menu_of(centre, phone, number)
    pressed = await call.press("3")
    await call.heard(speech=True, since=pressed + 0.1)  # the account is asked for
    pressed = await call.press("600001#", seconds=FAST, gap=FAST)
    answered = await call.heard(since=pressed + 0.02)
    print(f"last key to the balance: {1000 * (answered - pressed):.1f} ms")
    await call.heard(speech=True, since=pressed + 0.1)
    await call.hang_up()

    contact = await centre.ended(number)
    query = await centre.happened(contact["id"], "QueryAnswered")
    assert (query["node"], query["ok"]) == ("find_account", True)
    assert 0 < query["response_seconds"] < 8  # R10.3.1.7
    for node in ("menu", "ask_account"):
        key = await centre.happened(contact["id"], "KeyAnswered", node=node)
        assert 0 < key["response_seconds"] < 3  # R10.3.1.6


async def test_a_phone_that_sends_nothing_but_tones_works_the_menu(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number, telephone_event=False)
    call = await caller.dial(centre.number("95000"))
    await call.answered.wait()
    await call.heard(speech=True)
    call.press_tones("3")
    contact = await centre.contact(number)
    key = await centre.happened(contact["id"], "KeyAnswered", node="menu")
    assert 0 < key["response_seconds"] < 3  # R10.3.1.6
    call.press_tones("600001#")
    query = await centre.happened(contact["id"], "QueryAnswered")
    assert (query["node"], query["ok"]) == ("find_account", True)
    await call.hang_up()
    assert (await centre.ended(number))["caller"] == number


async def test_an_unknown_account_is_read_back_and_asked_for_again(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    call = await menu_of(centre, phone, number)
    pressed = await call.press("3999999#", seconds=FAST, gap=FAST)
    await call.heard(speech=True, since=pressed + 0.1)
    contact = await centre.contact(number)
    await centre.happened(contact["id"], "FlowNodeEntered", node="unknown_account")
    query = await centre.happened(contact["id"], "QueryAnswered")
    assert query["ok"] is True  # that there is none is an answer
    pressed = await call.press("3600001#", seconds=FAST, gap=FAST)
    await centre.happened(contact["id"], "FlowNodeEntered", node="tell_balance")
    await call.heard(speech=True, since=pressed + 0.1)
    await call.hang_up()
    assert (await centre.ended(number))["outcome"] == "abandoned_ivr"


async def test_nine_repeats_the_menu(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    call = await menu_of(centre, phone, number)
    pressed = await call.press("9")
    await call.heard(speech=True, since=pressed + 0.1)
    contact = await centre.contact(number)
    await centre.happened(contact["id"], "KeyAnswered", node="menu")
    await call.hang_up()
    contact = await centre.ended(number)
    assert contact["outcome"] == "abandoned_ivr"
    nodes = [e["data"]["node"] for e in await centre.events(contact["id"]) if e["type"] == "FlowNodeEntered"]
    assert nodes == ["greeting", "menu", "menu"]


@pytest.mark.parametrize("key", ["1", "0"])
async def test_keys_lead_to_their_queues(centre: Centre, phone: MakePhone, key: str) -> None:
    number = centre.new_caller()
    call = await menu_of(centre, phone, number)
    await call.press(key)
    contact = await centre.contact(number)
    queued = await centre.happened(contact["id"], "Queued")
    assert queued["queue"] == {"1": "sales", "0": "operator"}[key]
    await call.hang_up()
    assert (await centre.ended(number))["outcome"] == "abandoned_queue"
