"""The caller hangs up, wherever he is: the outcome is right, the agent free, nothing is left."""

from __future__ import annotations

from tests.e2e.centre import AGENT_HZ, Centre
from tests.e2e.lab import open_lab
from tests.support.fixtures import MakePhone
from tests.support.phone import RingOnly


async def test_in_the_menu(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    call = await caller.dial(centre.number("95000"))
    await call.heard(speech=True)
    await call.hang_up()
    contact = await centre.ended(number)
    assert (contact["outcome"], contact["queue"], contact["agent"]) == ("abandoned_ivr", None, None)
    await centre.nothing_left()


async def test_in_the_queue(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    call = await caller.dial(centre.number("95001"))
    await call.heard()
    await call.hang_up()
    contact = await centre.ended(number)
    assert (contact["outcome"], contact["queue"], contact["agent"]) == ("abandoned_queue", "support", None)
    left = await centre.happened(contact["id"], "QueueLeft")
    assert left["reason"] == "abandoned"
    await centre.nothing_left()


async def test_while_the_agents_phone_rings(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with centre.desk("1006") as desk:
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call()
        await call.answered.wait()
        await call.hang_up()
        assert (await ringing.ended.wait()).reason == "cancelled"
        row = await centre.agent_is("1006", "ready")
        assert row["contact"] is None
        contact = await centre.ended(number)
        assert (contact["outcome"], contact["queue"], contact["agent"]) == ("abandoned_queue", "support", None)
        ended = await centre.happened(contact["id"], "OfferEnded")
        assert ended["end"] == "caller_left"
        await centre.nothing_left()


async def test_while_they_talk(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with centre.desk("1006") as desk:
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call()
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        await call.hang_up()
        assert (await ringing.ended.wait()).reason == "bye"
        row = await centre.agent_is("1006", "wrap_up")
        contact = await centre.ended(number)
        assert row["contact"] == contact["id"]
        assert (contact["outcome"], contact["queue"], contact["agent"]) == ("handled", "support", "1006")
        assert (await centre.recording(contact["id"]))["complete"] is True
        await centre.set_state("1006", "ready")  # in wrap-up the call is still on his page
        await centre.nothing_left()


async def test_before_the_answer(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with open_lab(RingOnly()) as far:
        call = await caller.dial(centre.number("95004"))
        arrived = await far.next_call()
        await call.ringing.wait()
        await call.cancel()
        assert (await arrived.ended.wait()).reason == "cancelled"
    contact = await centre.ended(number)
    assert (contact["outcome"], contact["answered_at"]) == ("abandoned_before_answer", None)
    await centre.nothing_left()
