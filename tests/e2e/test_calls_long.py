"""Rules that take their time to be seen, all at the same time: each is a coroutine of its own."""

from __future__ import annotations

import asyncio
import time

from tests.e2e.centre import AGENT_HZ, Centre
from tests.e2e.lab import silent_lab
from tests.support import audio
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE
from tests.support.phone import SipPhone


async def wrong_keys_and_silence_lead_to_the_operator(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    call = await caller.dial(centre.number("95000"))
    await call.heard(speech=True)
    for wrong in ("7", "*"):
        pressed = await call.press(wrong)
        await call.heard(speech=True, since=pressed + 0.1)  # a hint, then the menu again
    contact = await centre.contact(number)
    queued = await centre.happened(contact["id"], "Queued", limit=45)
    assert queued["queue"] == "operator"
    await call.heard(since=time.monotonic())  # music
    live = {row["contact"]: row for row in await centre.items("calls")}[contact["id"]]
    assert (live["stage"], live["queue"]) == ("queue", "operator")
    await call.hang_up()
    assert (await centre.ended(number))["outcome"] == "abandoned_queue"


async def a_balance_heard_to_its_end_is_self_service(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    call = await caller.dial(centre.number("95000"))
    await call.heard(speech=True)
    await call.press("3600001", seconds=0.06, gap=0.06)
    contact = await centre.contact(number)
    await centre.happened(contact["id"], "QueryAnswered")

    def menus(events: list[dict[str, object]]) -> int:
        return sum(event["type"] == "FlowNodeEntered" and event["data"]["node"] == "menu" for event in events)  # type: ignore[index]

    await centre.eventually(lambda: centre.events(contact["id"]), lambda rows: menus(rows) == 2)
    await call.hang_up()
    assert (await centre.ended(number))["outcome"] == "self_service"


async def a_call_back_is_promised(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    call = await caller.dial(centre.number("95000"))
    await call.heard(speech=True)
    pressed = await call.press("8")
    await call.heard(speech=True, since=pressed + 0.1)
    assert (await call.ended.wait(20)).by == "peer"
    contact = await centre.ended(number)
    assert contact["outcome"] == "call_back"
    promised = await centre.happened(contact["id"], "CallBackRequested")
    assert (promised["queue"], promised["number"]) == ("support", number)
    assert (await centre.ask("DELETE", f"call-backs/{promised['call_back']}")).status_code == 200


async def the_reference_audio_is_a_tone_then_speech_then_a_bye(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    call = await caller.dial(centre.number("95003"))
    await call.heard(tone=1004)
    assert (await call.ended.wait(15)).by == "peer"
    heard = call.recording().samples
    begin, end = (round(at * RATE) for at in audio.audible_spans(heard, bridge=2.0)[0])
    tone, rest = heard[begin : begin + 2 * RATE], heard[begin + 2 * RATE : end]
    assert audio.has_tone(tone, 1004, purity_db=0.1), audio.describe(tone)
    assert not audio.has_tone(rest, 1004)
    assert 7.0 < rest.size / RATE < 8.1
    measure = audio.measure_speech(rest)
    assert measure.speech(), measure
    assert call.ear.lost == 0
    assert (await centre.ended(number))["outcome"] == "self_service"


async def agents_who_do_not_take_their_calls(centre: Centre, phone: MakePhone) -> None:
    """One after the other: they share the support queue."""
    await a_phone_that_died_silently_is_passed_over(centre, phone)
    await who_does_not_answer_is_not_ready_and_the_caller_waits_on(centre, phone)


async def a_phone_that_died_silently_is_passed_over(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with centre.desk("1006") as dead, centre.desk("1007") as desk:
        dead.vanish()
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call(10)
        row = await centre.agent_is("1006", "not_ready")
        assert row["reason"] == "unreachable"
        await ringing.answer()
        await call.hang_up()
    assert (await centre.ended(number))["agent"] == "1007"
    async with SipPhone("8006", password="demo-8006", port=dead.node.address[1]) as revived:
        await revived.register(centre.sip, expires=0)  # or the next tests' calls would ring there as well


async def who_does_not_answer_is_not_ready_and_the_caller_waits_on(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with centre.desk("1008") as deaf:
        call = await caller.dial(centre.number("95001"))
        ringing = await deaf.next_call()
        assert (await ringing.ended.wait(25)).reason == "cancelled"
        row = await centre.agent_is("1008", "not_ready")
        assert row["reason"] == "no_answer"
        assert (await centre.get("queues/support"))["waiting"] == 1
        async with centre.desk("1009") as desk:
            ringing = await desk.next_call()
            await ringing.answer()
            await call.heard(tone=AGENT_HZ)
            await call.hang_up()
    contact = await centre.ended(number)
    assert (contact["outcome"], contact["agent"]) == ("handled", "1009")
    offer = await centre.happened(contact["id"], "OfferEnded", agent="1008")
    assert offer["end"] == "no_answer"
    left = await centre.happened(contact["id"], "QueueLeft")
    assert left["waited_seconds"] > offer["rang_seconds"]  # its time of entry was kept


async def a_lab_that_says_nothing_is_given_up_politely(centre: Centre, phone: MakePhone) -> None:
    caller = await phone(centre.new_caller())
    async with silent_lab():
        call = await caller.dial(centre.number("95004"))
        await call.ringing.wait()
        await call.answered.wait(10)
        await call.heard(speech=True)
        assert (await call.ended.wait(10)).by == "peer"


async def wrap_up_ends_by_itself(centre: Centre, phone: MakePhone) -> None:
    caller = await phone(centre.new_caller())
    async with centre.desk("1001") as desk:
        call = await caller.dial(centre.number("95000"))
        await call.heard(speech=True)
        await call.press("1")
        ringing = await desk.next_call()
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        await ringing.hang_up()
        await centre.agent_is("1001", "wrap_up")
        await centre.agent_is("1001", "ready")


async def test_rules_that_take_their_time(centre: Centre, phone: MakePhone) -> None:
    async with asyncio.TaskGroup() as stories:
        for story in (
            wrong_keys_and_silence_lead_to_the_operator,
            a_balance_heard_to_its_end_is_self_service,
            a_call_back_is_promised,
            the_reference_audio_is_a_tone_then_speech_then_a_bye,
            agents_who_do_not_take_their_calls,
            a_lab_that_says_nothing_is_given_up_politely,
            wrap_up_ends_by_itself,
        ):
            stories.create_task(story(centre, phone), name=story.__name__)
