"""The telephone bank (95006): a language, a sub-flow, a transfer to an agent, a survey after the talk."""

from __future__ import annotations

from tests.e2e.centre import AGENT_HZ, Centre, Row
from tests.support.fixtures import MakePhone
from tests.support.phone import SipPhone
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


async def is_asked_after_his_talk(
    centre: Centre, phone: MakePhone, desk: SipPhone, number: str
) -> tuple[PhoneCall, str]:
    """The call of somebody who talked with an agent and hears the first question, and its contact."""
    caller = await phone(number)
    call = await caller.dial(centre.number("95006"))
    await call.answered.wait()
    contact = await centre.contact(number)
    await call.press("20")
    ringing = await desk.next_call()
    await ringing.answer()
    await call.heard(tone=AGENT_HZ)
    await ringing.hang_up()
    await centre.happened(contact["id"], "FlowEntered", flow="satisfaction")
    await call.heard(speech=True)
    return call, contact["id"]


async def test_who_talked_is_asked_how_it_was_when_the_agent_hangs_up(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    async with centre.desk("1004") as desk:
        call, contact = await is_asked_after_his_talk(centre, phone, desk, number)
        await centre.agent_is("1004", "wrap_up")
        await call.press("5")
        await centre.happened(contact, "SurveyAnswered", question="service", score=5, scale=5)
        await call.press("1")
        await centre.happened(contact, "SurveyAnswered", question="solved", score=1, scale=2)
        assert (await call.ended.wait()).by == "peer"
        ended = await centre.ended(number)
        assert (ended["outcome"], ended["agent"], ended["queue"]) == ("handled", "1004", "support")
        await centre.set_state("1004", "ready", user="1004")
        await centre.agent_is("1004", "ready")


async def test_a_queue_has_a_survey_of_its_own_and_the_report_says_how_it_was(
    centre: Centre, phone: MakePhone
) -> None:
    queue = await centre.get("configuration/queues/support", user="sup1")
    document = {name: value for name, value in queue.items() if name != "id"}
    path, number = "configuration/queues/support", centre.new_caller()
    surveyed = await centre.ask("PUT", path, user="sup1", json={**document, "after_talk": "satisfaction"})
    assert surveyed.status_code == 200, surveyed.text
    needed = await centre.ask("DELETE", "flows/satisfaction", user="sup1")
    assert "queue support" in needed.json()["detail"]
    try:
        async with centre.desk("1005") as desk:
            caller = await phone(number)
            call = await caller.dial(centre.number("95001"))
            contact = await centre.contact(number)
            ringing = await desk.next_call()
            await ringing.answer()
            await call.heard(tone=AGENT_HZ)
            await ringing.hang_up()
            await centre.happened(contact["id"], "SurveyBegun", survey="satisfaction")
            await call.heard(speech=True)
            await call.press("4")
            await centre.happened(contact["id"], "SurveyAnswered", question="service", score=4, scale=5)
            await call.hang_up()
            await centre.ended(number)

        async def report() -> list[Row]:
            rows: list[Row] = (await centre.get("reports/surveys", user="sup1", group_by="agent"))["items"]
            return [row for row in rows if (row["agent"], row["question"]) == ("1005", "service")]

        (row,) = await centre.eventually(report, lambda rows: len(rows) == 1)
        assert (row["asked"], row["answered"], row["share_answered"], row["mean"]) == (1, 1, 1.0, 4.0)
    finally:
        await centre.ask("PUT", path, user="sup1", json=document)
