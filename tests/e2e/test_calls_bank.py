"""The telephone bank (95006): a language, a sub-flow, a transfer to an agent, a survey after the talk."""

from __future__ import annotations

from tests.e2e.centre import AGENT_HZ, Centre
from tests.support.fixtures import MakePhone
from tests.support.phone_call import PhoneCall


async def wants_his_adviser(centre: Centre, phone: MakePhone, number: str) -> tuple[PhoneCall, str]:
    """A rich customer's call that is being connected, and its contact."""
    caller = await phone(number)
    call = await caller.dial(centre.number("95006"))
    await call.answered.wait()
    contact = await centre.contact(number)
    await call.press("21600002")
    await centre.happened(contact["id"], "FlowNodeEntered", node="account_told")
    await call.press("1")
    return call, contact["id"]


async def test_a_rich_customer_is_connected_to_his_adviser(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    async with centre.desk("1001") as desk:
        call, _ = await wants_his_adviser(centre, phone, number)
        ringing = await desk.next_call()
        assert ringing.caller == number
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        await centre.agent_is("1001", "talking")
        await call.hang_up()
        ended = await centre.ended(number)
        assert (ended["outcome"], ended["agent"], ended["queue"]) == ("handled", "1001", None)


async def test_an_adviser_who_refuses_leads_to_the_queue(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    async with centre.desk("1001") as desk:
        call, contact = await wants_his_adviser(centre, phone, number)
        ringing = await desk.next_call()
        ringing.reject()
        await centre.happened(contact, "Queued", queue="support")
        await call.hang_up()
        assert (await centre.ended(number))["outcome"] == "abandoned_queue"


async def test_who_talked_is_asked_how_it_was_when_the_agent_hangs_up(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with centre.desk("1004") as desk:
        call = await caller.dial(centre.number("95006"))
        await call.answered.wait()
        contact = await centre.contact(number)
        await call.press("20")
        ringing = await desk.next_call()
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        await ringing.hang_up()
        asked = await centre.happened(contact["id"], "FlowEntered", flow="satisfaction")
        assert asked is not None
        await call.heard(speech=True)
        await centre.agent_is("1004", "wrap_up")
        await call.press("5")
        await centre.happened(contact["id"], "SurveyAnswered", question="service", score=5, scale=5)
        await call.press("1")
        await centre.happened(contact["id"], "SurveyAnswered", question="solved", score=1, scale=2)
        assert (await call.ended.wait()).by == "peer"
        ended = await centre.ended(number)
        assert (ended["outcome"], ended["agent"], ended["queue"]) == ("handled", "1004", "support")
        await centre.set_state("1004", "ready", user="1004")
        await centre.agent_is("1004", "ready")
