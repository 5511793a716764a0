"""Calls that people of the centre make: by phone and by a click, outside and inside, answered and not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.centre import AGENT_HZ, Centre, Row
from tests.e2e.lab import LAB_HZ, LAB_PORT, lab_is_free, open_lab
from tests.e2e.rig import centre_of, once
from tests.support import sources
from tests.support.fixtures import MakePhone
from tests.support.phone import AutoAnswer, Reject, RingOnly, SipPhone
from tests.support.phone_call import PhoneCall
from tests.support.platform import PlatformProcess
from tests.support.sipp import Sipp

OTHER_HZ = 700.0


async def newest(centre: Centre, number: str) -> Row:
    """The contact of a call to this number, once it is over."""
    return await centre.ended(number)


async def hear_each_other(own: PhoneCall, own_hz: float, other: PhoneCall, other_hz: float) -> None:
    began = time.monotonic()
    await own.heard(tone=other_hz, since=began)
    await other.heard(tone=own_hz, since=began)


async def call_of(centre: Centre, agent: str) -> Row:
    """The live call of an agent."""

    async def calls() -> list[Row]:
        return [call for call in await centre.items("calls") if call["agent"] == agent]

    found: list[Row] = await centre.eventually(calls, bool)
    return found[0]


async def test_an_agents_phone_calls_a_number_outside(centre: Centre) -> None:
    number = centre.new_caller()
    async with open_lab(RingOnly()) as lab, centre.desk("1004", source=sources.tone(OTHER_HZ)) as desk:
        call = await desk.dial(centre.number(number))
        customer = await lab.next_call()
        assert customer.caller == "95000"
        await call.ringing.wait()
        await centre.agent_is("1004", "talking")
        live = await call_of(centre, "1004")
        assert (live["stage"], live["direction"], live["caller"]) == ("dialling", "outbound", number)
        await customer.answer()
        await call.answered.wait()
        await hear_each_other(call, OTHER_HZ, customer, LAB_HZ)
        assert (await call_of(centre, "1004"))["stage"] == "talking"
        await call.press("7")
        await customer.ear.heard_keys("7")
        await customer.hang_up()
        await call.ended.wait()
        await centre.agent_is("1004", "wrap_up")
        contact = await newest(centre, number)
        told = {name: contact[name] for name in ("direction", "outcome", "agent", "seat", "queue", "dialled")}
        assert told == {
            "direction": "outbound",
            "outcome": "handled",
            "agent": "1004",
            "seat": "seat-04",
            "queue": None,
            "dialled": "95000",
        }
        assert contact["answered_at"] is not None
        story = [event["type"] for event in await centre.events(contact["id"])]
        once(story, "ContactArrived", "Originated", "Delivered", "CallAnswered", "Established", "ContactEnded")
        assert "FirstVoiceSent" not in story
        await centre.set_state("1004", "ready", user="1004")
    await centre.nothing_left()


async def test_who_calls_hears_the_called_network_before_it_answers(centre: Centre) -> None:
    number = centre.new_caller()
    await lab_is_free()
    async with Sipp("uas_early", port=LAB_PORT, hold=2.5) as far, centre.desk("1004") as desk:
        call = await desk.dial(centre.number(number))
        heard = await call.heard()
        await call.answered.wait()
        assert call.answered.at is not None
        assert heard < call.answered.at - 1.0
        await call.heard(since=call.answered.at)
        await call.hang_up()
        (await far.finish()).require_success(1)
        await centre.agent_is("1004", "wrap_up")
    contact = await newest(centre, number)
    assert (contact["outcome"], contact["direction"]) == ("handled", "outbound")
    await centre.nothing_left()


@pytest.mark.parametrize(
    ("status", "outcome", "cause"), [(486, "busy", "busy"), (404, "not_reached", "not_found")]
)
async def test_a_phone_that_calls_in_vain_is_told_why(
    centre: Centre, status: int, outcome: str, cause: str
) -> None:
    number = centre.new_caller()
    async with open_lab(Reject(status=status)), centre.desk("1004") as desk:
        call = await desk.dial(centre.number(number))
        assert (await call.ended.wait()).status == status
        contact = await newest(centre, number)
        assert (contact["outcome"], contact["cause"], contact["agent"]) == (outcome, cause, "1004")
        await centre.agent_is("1004", "ready")
    await centre.nothing_left()


async def click(centre: Centre, user: str = "1004", **wanted: Any) -> Row:
    answer = await centre.ask("POST", "calls", user=user, json=wanted)
    assert answer.status_code == 201, answer.text
    row: Row = answer.json()
    return row


async def test_a_click_rings_the_agents_phone_and_then_the_customer(centre: Centre) -> None:
    number = centre.new_caller()
    async with (
        open_lab(AutoAnswer()) as lab,
        centre.desk("1004", incoming=AutoAnswer(), source=sources.tone(OTHER_HZ)) as desk,
    ):
        order = {"to": f"+86 {number[:3]}-{number[3:]}", "queue": "support", "key": "click-1"}
        made = await click(centre, **order)
        assert await click(centre, **order) == made
        other = await centre.ask("POST", "calls", user="1004", json={"to": number, "key": "click-1"})
        assert (other.status_code, other.json()["code"]) == (409, "key_taken")
        own = await desk.next_call()
        assert own.caller == f"+86{number}"
        customer = await lab.next_call()
        assert customer.caller == "95001"
        await hear_each_other(own, OTHER_HZ, customer, LAB_HZ)
        await centre.agent_is("1004", "talking")
        held = await centre.ask("POST", f"calls/{made['call']}/hold", user="1004")
        assert held.status_code == 200, held.text
        await centre.agent_is("1004", "held")
        await centre.ask("POST", f"calls/{made['call']}/retrieve", user="1004")
        await hear_each_other(own, OTHER_HZ, customer, LAB_HZ)
        await centre.ask("POST", f"calls/{made['call']}/dtmf", user="1004", json={"digits": "42"})
        await customer.ear.heard_keys("42")
        assert (await centre.ask("DELETE", f"calls/{made['call']}", user="1005")).status_code == 403
        assert (await centre.ask("DELETE", f"calls/{made['call']}", user="1004")).status_code == 200
        await own.ended.wait()
        await customer.ended.wait()
        contact = await newest(centre, f"+86{number}")
        assert (contact["id"], contact["outcome"]) == (made["contact"], "handled")
        assert len(desk.calls) == 1
    await centre.nothing_left()


async def test_who_clicks_hears_the_busy_tone_and_sees_why(centre: Centre) -> None:
    number = centre.new_caller()
    async with open_lab(Reject(status=486)), centre.desk("1004", incoming=AutoAnswer()) as desk:
        made = await click(centre, to=number)
        own = await desk.next_call()
        await own.heard(tone=450)
        live = await call_of(centre, "1004")
        assert (live["stage"], live["cause"]) == ("dialling", "busy")
        await own.ended.wait()
        contact = await newest(centre, number)
        assert (contact["id"], contact["outcome"]) == (made["contact"], "busy")
    await centre.nothing_left()


async def test_a_click_needs_a_number_that_he_may_call_and_an_agent_who_is_free(centre: Centre) -> None:
    async with centre.desk("1004"):
        for wanted, code in (
            ({"to": "0014155550100"}, "forbidden"),
            ({"to": "Wang"}, "bad_number"),
            ({"to": "1005"}, "not_signed_in"),
            ({"to": "13800000001", "caller_id": "110"}, "caller_not_allowed"),
        ):
            answer = await centre.ask("POST", "calls", user="1004", json=wanted)
            assert (answer.status_code, answer.json()["code"]) == (409, code), answer.text
    answer = await centre.ask("POST", "calls", user="1004", json={"to": "13800000001"})
    assert answer.json()["code"] == "not_signed_in"


@pytest.mark.parametrize("dialled", ["8005", "1005"])
async def test_an_agent_calls_another_by_seat_or_by_number(centre: Centre, dialled: str) -> None:
    async with (
        centre.desk("1004", source=sources.tone(OTHER_HZ)) as desk,
        centre.desk("1005", incoming=AutoAnswer(), ready=False) as other,
    ):
        call = await desk.dial(centre.number(dialled))
        rung = await other.next_call()
        assert rung.caller == "8004"
        await call.answered.wait()
        await hear_each_other(call, OTHER_HZ, rung, AGENT_HZ)
        await centre.agent_is("1004", "talking")
        await centre.agent_is("1005", "talking")
        third = await centre.ask("POST", "calls", user="1005", json={"to": "8004"})
        assert third.json()["code"] == "agent_busy"
        await call.hang_up()
        await centre.agent_is("1004", "ready")
        await centre.agent_is("1005", "not_ready")
    await centre.nothing_left()


async def test_an_agent_who_calls_is_offered_nothing(centre: Centre, phone: MakePhone) -> None:
    number, caller = centre.new_caller(), centre.new_caller()
    async with open_lab(AutoAnswer()) as lab, centre.desk("1004", incoming=RingOnly()) as desk:
        call = await desk.dial(centre.number(number))
        customer = await lab.next_call()
        await call.answered.wait()
        waiting = await (await phone(caller)).dial(centre.number("95001"))
        await centre.eventually(lambda: centre.get("queues/support"), lambda row: row["waiting"] == 1)
        await customer.hang_up()
        await centre.agent_is("1004", "wrap_up")
        await centre.set_state("1004", "ready", user="1004")
        ringing = await desk.next_call()
        assert ringing.caller == caller
        await waiting.hang_up()
        await ringing.ended.wait()
    await centre.nothing_left()


async def test_an_agent_who_dials_a_queue_waits_in_it_and_is_offered_nothing(
    centre: Centre, phone: MakePhone
) -> None:
    async with centre.desk("1004", incoming=RingOnly()) as desk:
        call = await desk.dial(centre.number("95001"))
        await call.answered.wait()
        await centre.agent_is("1004", "talking")
        await centre.eventually(lambda: centre.get("queues/support"), lambda row: row["waiting"] == 1)
        async with centre.desk("1005", incoming=AutoAnswer()) as other:  # the next one who is ready has him
            taken = await other.next_call()
            assert taken.caller == "8004"
            await centre.agent_is("1005", "talking")
            await call.hang_up()
            await taken.ended.wait()
        await centre.agent_is("1004", "ready")
    await centre.nothing_left()


@pytest.mark.parametrize(("number", "status"), [("0014155550100", 403), ("16812345", 403)])
async def test_a_phone_may_not_call_what_its_agent_may_not(centre: Centre, number: str, status: int) -> None:
    async with open_lab(AutoAnswer()) as lab, centre.desk("1004") as desk:
        call = await desk.dial(centre.number(number))
        assert (await call.ended.wait()).status == status
        assert lab.calls == []
    await centre.nothing_left()


async def test_a_phone_without_an_agent_may_call_for_help_and_nobody_else_outside(centre: Centre) -> None:
    async with (
        open_lab(AutoAnswer()) as lab,
        SipPhone("8006", password="demo-8006", source=sources.tone(OTHER_HZ)) as desk,
    ):
        await desk.register(centre.sip)
        refused = await desk.dial(centre.number(centre.new_caller()))
        assert (await refused.ended.wait()).status == 403
        call = await desk.dial(centre.number("120"))
        helper = await lab.next_call()
        await call.answered.wait()
        await hear_each_other(call, OTHER_HZ, helper, LAB_HZ)
        await call.hang_up()
        await helper.ended.wait()
    await centre.nothing_left()


async def test_a_talk_goes_on_over_a_restart_of_control(
    own_platform: PlatformProcess, callers: Iterator[int]
) -> None:
    async with centre_of(own_platform, callers) as centre:
        await _survives(centre, centre.new_caller())


async def _survives(centre: Centre, number: str) -> None:
    async with open_lab(AutoAnswer()) as lab, centre.desk("1004", source=sources.tone(OTHER_HZ)) as desk:
        call = await desk.dial(centre.number(number))
        customer = await lab.next_call()
        await call.answered.wait()
        await hear_each_other(call, OTHER_HZ, customer, LAB_HZ)
        killed = await centre.kill_control()
        await hear_each_other(call, OTHER_HZ, customer, LAB_HZ)
        await centre.platform.wait_ready_again("control", killed)
        await centre.agent_is("1004", "talking")
        (live,) = await centre.items("calls")
        assert (live["agent"], live["stage"]) == ("1004", "talking")
        await customer.hang_up()
        await call.ended.wait()
        await centre.agent_is("1004", "wrap_up")
        assert (await centre.ended(number))["outcome"] == "handled"
