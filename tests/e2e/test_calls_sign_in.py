"""An agent signs in and out and gets ready by the keys of the seat's phone."""

from __future__ import annotations

import pytest

from tests.e2e.centre import Centre
from tests.support.fixtures import MakePhone
from tests.support.phone import SipPhone


async def spoken_to(centre: Centre, phone: SipPhone, code: str) -> None:
    """Dial a feature code and hear what it says."""
    call = await phone.dial(centre.number(code))
    await call.answered.wait()
    await call.heard(speech=True)
    await call.hang_up()


@pytest.fixture
async def seat_phone(centre: Centre, phone: MakePhone) -> SipPhone:
    """The phone of seat-06."""
    made = await phone("8006", password="demo-8006")
    await made.register(centre.sip)
    return made


async def test_an_agent_signs_in_gets_ready_and_signs_out_by_keys(centre: Centre, seat_phone: SipPhone) -> None:
    try:
        call = await seat_phone.dial(centre.number("*11"))
        await call.answered.wait()
        await call.heard(speech=True)
        pressed = await call.press("1006#")
        await call.heard(speech=True, since=pressed + 0.1)  # the PIN is asked for
        await call.press("1006#")
        row = await centre.agent_is("1006", "not_ready")
        assert row["seat"] == "seat-06"
        assert (await call.ended.wait(10)).by == "peer"

        for code, state in (("*13", "ready"), ("*14", "not_ready"), ("*12", "signed_out")):
            await spoken_to(centre, seat_phone, code)
            row = await centre.agent_is("1006", state)  # he was on the phone until its end
        assert row["seat"] is None
    finally:
        await centre.sign_out("1006")


async def test_a_wrong_pin_or_a_seat_without_agent_is_refused_by_voice(
    centre: Centre, seat_phone: SipPhone
) -> None:
    call = await seat_phone.dial(centre.number("*11"))
    await call.answered.wait()
    pressed = await call.press("1006#9999#", gap=0.06)
    await call.heard(speech=True, since=pressed + 0.1)
    await call.hang_up()
    assert (await centre.get("agents/1006"))["state"] == "signed_out"

    await spoken_to(centre, seat_phone, "*13")
    assert (await centre.get("agents/1006"))["state"] == "signed_out"


async def test_feature_codes_are_for_seats_only(centre: Centre, phone: MakePhone) -> None:
    caller = await phone(centre.new_caller())
    call = await caller.dial(centre.number("*11"))
    assert (await call.ended.wait()).status == 404
