"""One contact id ties everything together, and everybody sees of it what he may."""

from __future__ import annotations

from tests.e2e.centre import AGENT_HZ, Centre, Row
from tests.support.fixtures import MakePhone


async def handled_call(centre: Centre, phone: MakePhone, agent: str) -> Row:
    """A short talk with an agent; its contact."""
    number = centre.new_caller()
    caller = await phone(number)
    async with centre.desk(agent) as desk:
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call()
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        await call.hang_up()
        await ringing.ended.wait()
        contact = await centre.ended(number)
        assert ringing.invite.get("x-contact-id") == contact["id"]
        assert sip_call_ids(await trace_of(centre, contact)) == {call.call_id, ringing.call_id}
    return contact


async def trace_of(centre: Centre, contact: Row) -> list[str]:
    """The texts of a contact's SIP messages, once both BYEs are answered."""
    rows = await centre.eventually(
        lambda: centre.items(f"contacts/{contact['id']}/trace"),
        lambda rows: sum("CSeq: 2 BYE" in row["data"]["text"] for row in rows) >= 2,
    )
    assert {row["data"]["contact"] for row in rows} == {contact["id"]}
    return [row["data"]["text"] for row in rows]


def sip_call_ids(texts: list[str]) -> set[str]:
    return {line[9:] for text in texts for line in text.split("\r\n") if line.startswith("Call-ID: ")}


async def test_log_events_recording_and_messages_have_the_contacts_id(centre: Centre, phone: MakePhone) -> None:
    contact = await handled_call(centre, phone, "1006")
    story = await centre.events(contact["id"])
    assert {event["data"]["contact"] for event in story} == {contact["id"]}
    told = [event["type"] for event in story]
    expected = ["ContactArrived", "Queued", "Offered", "Delivered", "Established", "TalkEnded", "ContactEnded"]
    assert [kind for kind in told if kind in expected] == expected
    recording = await centre.recording(contact["id"])
    assert recording["contact"] == contact["id"]
    logged = [line["event"] for line in centre.platform.lines if line.get("contact") == contact["id"]]
    assert {"call arrived", "contact ended"} <= set(logged)


async def test_an_agent_sees_his_own_contacts_only(centre: Centre, phone: MakePhone) -> None:
    contact = await handled_call(centre, phone, "1006")
    path = f"contacts/{contact['id']}"
    for user in ("1006", "sup1", "auditor1", "admin"):
        assert (await centre.get(path, user=user))["id"] == contact["id"]
        assert len(await centre.items(f"{path}/events", user=user)) > 10
    for hidden in (path, f"{path}/events"):
        assert (await centre.ask("GET", hidden, user="1007")).status_code == 404
    assert {row["agent"] for row in await centre.items("contacts", user="1006")} == {"1006"}
    assert contact["id"] not in {row["id"] for row in await centre.items("contacts", user="1007")}
    for user in ("sup1", "auditor1", "tech1", "admin"):
        assert await centre.items(f"{path}/trace", user=user)
    assert (await centre.ask("GET", f"{path}/trace", user="1006")).status_code == 403


async def test_the_trace_of_a_seats_call_masks_what_is_secret(centre: Centre, phone: MakePhone) -> None:
    seat = await phone("8006", password="demo-8006")
    await seat.register(centre.sip)
    call = await seat.dial(centre.number("*11"))
    await call.answered.wait()
    pressed = await call.press("1006#9999#", gap=0.06)
    await call.heard(speech=True, since=pressed + 0.1)
    await call.hang_up()
    contact = await centre.ended("8006")
    assert (contact["direction"], contact["from_seat"], contact["dialled"]) == ("internal", "seat-06", "*11")

    texts = [row["data"]["text"] for row in await centre.items(f"contacts/{contact['id']}/trace")]
    sent = next(line for text in texts for line in text.split("\r\n") if line.startswith("Authorization: "))
    assert 'username="8006"' in sent
    credentials = call.invite.get("authorization")
    response = credentials.partition('response="')[2].partition('"')[0]
    assert len(response) >= 32
    assert response not in "".join(texts)
    keys = await centre.happened(contact["id"], "KeysEntered", node="ask_pin")
    assert (keys["length"], keys["keys"]) == (4, "")
    assert all(event["data"].get("keys") != "9999" for event in await centre.events(contact["id"]))
