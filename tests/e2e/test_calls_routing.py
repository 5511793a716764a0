"""Which agent gets the call: the one idle longest, another one when he does not take it."""

from __future__ import annotations

from tests.e2e.centre import Centre
from tests.support.fixtures import MakePhone
from tests.support.phone import Reject


async def test_the_agent_idle_longest_gets_the_call(centre: Centre, phone: MakePhone) -> None:
    first, second = centre.new_caller(), centre.new_caller()
    caller = await phone(first)
    async with centre.desk("1007") as desk_7, centre.desk("1006") as desk_6:
        call = await caller.dial(centre.number("95001"))
        ringing = await desk_7.next_call()
        await ringing.answer()
        await call.hang_up()
        await ringing.ended.wait()
        await centre.set_state("1007", "ready")  # ends his wrap-up: now 1006 is idle for longer

        call = await caller.dial(centre.number("95001"), caller=second)
        ringing = await desk_6.next_call()
        await ringing.answer()
        await call.hang_up()
        await ringing.ended.wait()
    assert [(await centre.ended(number))["agent"] for number in (first, second)] == ["1007", "1006"]
    assert len(desk_6.calls) == len(desk_7.calls) == 1


async def test_a_caller_who_waits_gets_the_first_agent_who_is_ready(centre: Centre, phone: MakePhone) -> None:
    first, second = centre.new_caller(), centre.new_caller()
    caller = await phone()
    async with centre.desk("1006", ready=False) as desk:
        calls = []
        for waiting, number in enumerate((first, second), 1):
            calls.append(await caller.dial(centre.number("95001"), caller=number))
            await centre.eventually(
                lambda: centre.get("queues/support"),
                lambda row, waiting=waiting: row["waiting"] == waiting,  # type: ignore[misc]
            )
        assert desk.calls == []
        await centre.set_state("1006", "ready")
        ringing = await desk.next_call()
        assert ringing.caller == first  # first come, first served
        await ringing.answer()
        await calls[0].hang_up()
        await centre.agent_is("1006", "wrap_up")
        await centre.set_state("1006", "ready")
        assert (await desk.next_call()).caller == second


async def test_a_rejected_call_goes_to_another_agent(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with centre.desk("1006", incoming=Reject(status=486)) as refusing, centre.desk("1007") as desk:
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call()
        assert len(refusing.calls) == 1
        row = await centre.agent_is("1006", "not_ready")
        assert row["reason"] == "rejected"
        await ringing.answer()
        await call.hang_up()
    contact = await centre.ended(number)
    assert (contact["outcome"], contact["agent"]) == ("handled", "1007")
    ended = await centre.happened(contact["id"], "OfferEnded", agent="1006")
    assert ended["end"] == "rejected"
    diverted = await centre.happened(contact["id"], "Diverted")
    assert diverted["device"] == "seat-06"


async def test_an_agent_whose_phone_is_gone_is_offered_nothing(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with centre.desk("1006") as gone, centre.desk("1007") as desk:
        await gone.register(centre.sip, expires=0)
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call()
        assert gone.calls == []
        assert (await centre.get("agents/1006"))["state"] == "ready"
        await ringing.answer()
        await call.hang_up()


async def test_a_wish_during_a_call_takes_effect_after_it(centre: Centre, phone: MakePhone) -> None:
    caller = await phone(centre.new_caller())
    async with centre.desk("1006") as desk:
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call()
        assert (await centre.set_state("1006", "signed_out", user="1006"))["state"] == "reserved"
        assert (await centre.set_state("1006", "not_ready", user="1006", reason="lunch"))["state"] == "reserved"
        await ringing.answer()
        await centre.agent_is("1006", "talking")
        await call.hang_up()
        await centre.agent_is("1006", "wrap_up")
        row = await centre.set_state("1006", "not_ready", user="1006", reason="break")
        assert (row["state"], row["reason"]) == ("not_ready", "break")
