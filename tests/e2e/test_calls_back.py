"""A promised call-back through every part: the place is kept while nobody is on the line, then both talk."""

from __future__ import annotations

import time

from tests.e2e.centre import AGENT_HZ, Centre, Row
from tests.e2e.lab import LAB_HZ, open_lab
from tests.support.fixtures import MakePhone
from tests.support.phone import AutoAnswer, Reject


async def promised(centre: Centre, number: str, state: str) -> Row:
    """The call-back of a number, once it is in this state."""

    async def rows() -> list[Row]:
        return [row for row in await centre.items("call-backs") if row["number"] == number]

    found: list[Row] = await centre.eventually(rows, lambda rows: len(rows) == 1 and rows[0]["state"] == state)
    return found[0]


async def attempted(centre: Centre, row: Row) -> Row:
    """The contact of a call-back's latest call, once it is over."""

    async def rows() -> list[Row]:
        return [found for found in await centre.items("contacts") if found["id"] == row["attempt"]]

    found: list[Row] = await centre.eventually(rows, lambda rows: bool(rows) and bool(rows[0]["outcome"]))
    return found[0]


async def ask_for_a_call_back(centre: Centre, phone: MakePhone, number: str) -> Row:
    """Wait in the queue, press the key, hang up."""
    caller = await phone(number)
    call = await caller.dial(centre.number("95001"))
    await call.answered.wait()
    await centre.eventually(lambda: centre.get("queues/support"), lambda row: row["waiting"] == 1)
    pressed = await call.press("8")
    row = await promised(centre, number, "open")
    await call.heard(speech=True, since=pressed + 0.1)
    await call.hang_up()
    asked = await centre.ended(number)
    assert (asked["id"], asked["outcome"]) == (row["contact"], "call_back")
    return row


async def test_a_waiting_caller_presses_a_key_hangs_up_and_is_called_back(
    centre: Centre, phone: MakePhone
) -> None:
    number = centre.new_caller()
    async with open_lab(AutoAnswer()) as lab, centre.desk("1004", ready=False) as desk:
        row = await ask_for_a_call_back(centre, phone, number)
        await centre.eventually(lambda: centre.get("queues/support"), lambda row: row["waiting"] == 1)
        assert lab.calls == []

        await centre.set_state("1004", "ready")
        ringing = await desk.next_call()
        assert ringing.caller == number
        await ringing.answer()
        customer = await lab.next_call()
        assert customer.caller == "95001"
        began = time.monotonic()
        await ringing.heard(tone=LAB_HZ, since=began)
        await customer.heard(tone=AGENT_HZ, since=began)
        kept = await promised(centre, number, "kept")
        assert (kept["id"], kept["attempts"]) == (row["id"], 0)
        await customer.hang_up()
        await ringing.ended.wait()
        contact = await attempted(centre, kept)
        assert contact["direction"] == "outbound"
        assert (contact["outcome"], contact["agent"], contact["queue"]) == ("handled", "1004", "support")
        await centre.happened(contact["id"], "CallBackBegun", call_back=row["id"])
        await centre.happened(row["contact"], "CallBackEnded", state="kept")
    await centre.nothing_left()


async def test_a_customer_who_is_busy_is_tried_again_until_a_supervisor_cancels(
    centre: Centre, phone: MakePhone
) -> None:
    number = centre.new_caller()
    async with open_lab(Reject(status=486)), centre.desk("1004", ready=False, incoming=AutoAnswer()) as desk:
        row = await ask_for_a_call_back(centre, phone, number)
        await centre.set_state("1004", "ready")
        ringing = await desk.next_call()
        await ringing.ended.wait()
        await centre.agent_is("1004", "wrap_up")
        (tried,) = await centre.eventually(
            lambda: centre.items("call-backs", queue="support", limit=1), lambda rows: rows[0]["attempts"] == 1
        )
        contact = await attempted(centre, tried)
        assert (contact["outcome"], contact["agent"]) == ("not_reached", None)
        assert (await centre.ask("DELETE", f"call-backs/{row['id']}", user="1004")).status_code == 403
        assert (await centre.ask("DELETE", f"call-backs/{row['id']}")).status_code == 200
        assert (await promised(centre, number, "cancelled"))["reason"] == "by sup1"
        assert (await centre.ask("DELETE", f"call-backs/{row['id']}")).status_code == 404
    await centre.nothing_left()


async def test_an_agent_promises_a_call_back_by_rest(centre: Centre) -> None:
    number = centre.new_caller()
    wanted = {"queue": "support", "number": number, "not_before": "2100-01-01T00:00:00Z"}
    answer = await centre.ask("POST", "call-backs", user="1004", json=wanted)
    assert answer.status_code == 201, answer.text
    row = await promised(centre, number, "open")
    assert row["id"] == answer.json()["id"]
    refused = await centre.ask("POST", "call-backs", json={"queue": "sales", "number": number})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_call_back"), refused.text
    assert (await centre.ask("POST", "call-backs", json={"queue": "support", "number": "x"})).status_code == 422
    assert (await centre.ask("GET", "call-backs", user="1004")).status_code == 403
    assert (await centre.ask("DELETE", f"call-backs/{row['id']}")).status_code == 200
