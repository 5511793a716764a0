"""Who may call: trunks, seats with their passwords, and nobody for a number that is not there."""

from __future__ import annotations

from tests.e2e.centre import Centre
from tests.support.fixtures import MakePhone


async def test_a_name_of_any_script_comes_through(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with centre.desk("1006") as desk:
        call = await caller.dial(centre.number("95001"), name="张伟 🙂 Žofie")
        ringing = await desk.next_call()
        assert '"张伟 🙂 Žofie" <sip:' in ringing.invite.get("from")
        (live,) = await centre.eventually(lambda: centre.items("calls"), bool)
        assert live["caller_name"] == "张伟 🙂 Žofie"
        await ringing.answer()
        await call.hang_up()
    contact = await centre.ended(number)
    arrived = await centre.happened(contact["id"], "ContactArrived")
    assert (arrived["caller"], arrived["caller_name"]) == (number, "张伟 🙂 Žofie")


async def test_an_unknown_number_is_not_found(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    for unknown in ("95999", "8001", "%2A11", ""):
        call = await caller.dial(centre.number(unknown) if unknown else f"sip:{centre.sip[0]}:{centre.sip[1]}")
        assert (await call.ended.wait()).status == 404, unknown
    assert await centre.items("contacts", caller=number) == []


async def test_who_claims_to_be_a_seat_is_challenged(centre: Centre, phone: MakePhone) -> None:
    stranger = await phone("8001")
    call = await stranger.dial(centre.number("95002"))
    assert (await call.ended.wait()).status == 401
    guesser = await phone("8001", password="demo-8002")
    call = await guesser.dial(centre.number("95002"))
    assert (await call.ended.wait()).status == 401
    seat = await phone("8001", password="demo-8001")
    call = await seat.dial(centre.number("95002"))
    await call.answered.wait()
    await call.hang_up()
    contact = await centre.ended("8001")
    assert (contact["direction"], contact["from_seat"], contact["trunk"]) == ("internal", "seat-01", None)
