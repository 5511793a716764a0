"""An agent's phone asks somebody by a second call and joins the two (attended transfer): who hears whom, and what
is told of it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre, Row
from tests.e2e.lab import LAB_HZ, open_lab
from tests.e2e.rig import centre_of, once
from tests.e2e.test_calls_consult import EXPERT_HZ, asking, hears, hears_music
from tests.e2e.test_calls_jssip import bundled
from tests.support import sources
from tests.support.fixtures import MakePhone
from tests.support.phone import RingOnly
from tests.support.phone_call import PhoneCall
from tests.support.platform import PlatformProcess
from tests.support.web_phone import web_page

_PHONE = Path(__file__).parents[1] / "support" / "jssip_phone.js"


@dataclass
class Attended:
    """The agent's caller waits, the agent asks somebody by a second call of his phone."""

    centre: Centre
    number: str
    row: Row
    caller: PhoneCall
    agent: PhoneCall
    second: PhoneCall
    asked: PhoneCall

    async def join(self, *, turned: bool = False) -> None:
        """REFER by the first call to whom the second reached, or the other way round."""
        by, other = (self.second, self.agent) if turned else (self.agent, self.second)
        assert await by.refer(referring_to(other)) == 202

    async def are_joined(self, asked_hz: float) -> None:
        for call in (self.agent, self.second):
            assert (await call.ended.wait()).by == "peer"
        await hears(self.caller, asked_hz)
        await self.asked.heard(tone=CALLER_HZ, since=time.monotonic())


def referring_to(call: PhoneCall) -> str:
    """A Refer-To that names a call of the same phone."""
    host, port = call.phone.node.address
    return f"<sip:somebody@{host}:{port}?Replaces={quote(call.replaces(), safe='')}>"


@asynccontextmanager
async def attended(centre: Centre, phone: MakePhone, *, answered: bool = True) -> AsyncIterator[Attended]:
    async with asking(centre, phone) as talk:
        await talk.agent.hold()
        await hears_music(talk.caller)
        second = await talk.agent.phone.dial(centre.number("8005"))
        asked = await talk.expert_desk.next_call()
        if answered:
            await asked.answer()
            await second.answered.wait()
            await second.heard(tone=EXPERT_HZ)
            await asked.heard(tone=AGENT_HZ)
        else:
            asked.ring()
            await second.ringing.wait()
        yield Attended(centre, talk.number, talk.row, talk.caller, talk.agent, second, asked)


@pytest.mark.parametrize("turned", [False, True])
async def test_the_caller_talks_on_with_whom_the_agent_asked(
    centre: Centre, phone: MakePhone, turned: bool
) -> None:
    async with attended(centre, phone) as talk:
        await talk.join(turned=turned)
        await talk.are_joined(EXPERT_HZ)
        by = talk.second if turned else talk.agent
        assert by.told[-1] == "SIP/2.0 200 OK"
        await centre.agent_is("1004", "wrap_up")
        expert = await centre.agent_is("1005", "talking")
        assert expert["contact"] == talk.row["contact"]
        (call,) = await centre.items("calls")
        assert (call["contact"], call["agent"], call["stage"]) == (talk.row["contact"], "1005", "talking")
        await talk.caller.press("5")
        await talk.asked.ear.heard_keys("5")
        await talk.caller.hang_up()
        await talk.asked.ended.wait()
        await centre.agent_is("1005", "wrap_up")
        contact = await centre.ended(talk.number)
        assert (contact["outcome"], contact["agent"], contact["seat"]) == ("handled", "1005", "seat-05")
        await check_stories(centre, talk)
    await centre.nothing_left()


async def check_stories(centre: Centre, talk: Attended) -> None:
    """Each contact tells its own part, and which goes on."""
    first = talk.row["contact"]
    second = (await centre.items("contacts", agent="1004", limit=10))[0]
    assert (second["outcome"], second["dialled"], second["direction"]) == ("handled", "8005", "internal")
    into = await centre.happened(second["id"], "Transferred")
    assert (into["by"], into["into"]) == ("1004", first)
    assert (await centre.happened(first, "Transferred"))["to"] == "seat-05"
    story = [event["type"] for event in await centre.events(first)]
    once(story, "ContactArrived", "Transferred", "ContactEnded")
    assert story.count("TalkEnded") == 2
    talks = await centre.items("recordings", contact=first)
    assert len(talks) == 2
    trace = await centre.items(f"contacts/{first}/trace")
    legs = [event["data"] for event in trace if event["data"]["text"].startswith("BYE")]
    assert len(legs) == 3  # the agent's, the caller's, and that of who was asked: it came from the other call


async def test_who_was_asked_outside_talks_on_with_the_caller(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    async with open_lab(RingOnly()) as lab, asking(centre, phone) as asked:
        await asked.agent.hold()
        second = await asked.agent.phone.dial(centre.number(number))
        party = await lab.next_call()
        await party.answer()
        await second.heard(tone=LAB_HZ)
        talk = Attended(centre, asked.number, asked.row, asked.caller, asked.agent, second, party)
        await talk.join()
        for call in (talk.agent, talk.second):
            assert (await call.ended.wait()).by == "peer"
        await party.heard(tone=CALLER_HZ, since=time.monotonic())
        await asked.caller.heard(tone=LAB_HZ, since=time.monotonic())
        await centre.agent_is("1004", "wrap_up")
        await party.hang_up()
        await asked.caller.ended.wait()
        assert (await centre.ended(asked.number))["outcome"] == "handled"
        assert (await centre.ended(number))["outcome"] == "handled"
    await centre.nothing_left()


async def test_who_still_rings_has_the_caller_when_he_answers(centre: Centre, phone: MakePhone) -> None:
    async with attended(centre, phone, answered=False) as talk:
        await talk.join()
        assert (await talk.second.ended.wait()).status == 487
        assert not talk.agent.ended.happened
        await talk.asked.answer()
        await talk.are_joined(EXPERT_HZ)
        await talk.asked.hang_up()
        await talk.caller.ended.wait()
        assert (await centre.ended(talk.number))["agent"] == "1005"
        second = (await centre.items("contacts", agent="1004", limit=10))[0]
        assert second["outcome"] == "transferred"
    await centre.nothing_left()


async def test_the_caller_waits_where_the_agent_waited_for_an_expert(centre: Centre, phone: MakePhone) -> None:
    async with asking(centre, phone) as asked:
        await asked.agent.hold()
        second = await asked.agent.phone.dial(centre.number("95001"))
        await second.heard()
        await centre.eventually(lambda: centre.items("queues"), lambda rows: any(row["waiting"] for row in rows))
        assert await asked.agent.refer(referring_to(second)) == 202
        await asked.agent.ended.wait()
        await second.ended.wait()
        await centre.set_state("1005", "ready", user="1005")
        expert = await asked.expert_answers()
        await hears(asked.caller, EXPERT_HZ)
        await expert.heard(tone=CALLER_HZ)
        await expert.hang_up()
    contact = await centre.ended(asked.number)
    assert (contact["outcome"], contact["agent"], contact["queue"]) == ("handled", "1005", "support")
    await centre.nothing_left()


async def test_a_dialog_that_is_not_the_phones_own_cannot_be_joined(centre: Centre, phone: MakePhone) -> None:
    async with asking(centre, phone) as talk:
        assert await talk.agent.refer(referring_to(talk.caller)) == 603
        await hears(talk.caller, AGENT_HZ)
        await talk.caller.hang_up()
    await centre.nothing_left()


async def test_a_joined_call_outlives_control(
    own_platform: PlatformProcess, callers: Iterator[int], phone: MakePhone
) -> None:
    async with centre_of(own_platform, callers) as centre:
        async with attended(centre, phone) as talk:
            await talk.join()
            await talk.are_joined(EXPERT_HZ)
            killed = await centre.kill_control()
            await centre.platform.wait_ready_again("control", killed)
            await hears(talk.caller, EXPERT_HZ)
            (call,) = await centre.items("calls")
            assert (call["contact"], call["agent"], call["stage"]) == (talk.row["contact"], "1005", "talking")
            await talk.asked.hang_up()
            assert (await talk.caller.ended.wait()).by == "peer"
            await centre.agent_is("1005", "wrap_up")
            assert (await centre.ended(talk.number))["agent"] == "1005"
        await centre.nothing_left()


async def test_another_phone_of_the_seat_takes_the_talk_over(centre: Centre, phone: MakePhone) -> None:
    """The agent goes on at another phone: one talk, one recording, and nobody else hears of it."""
    async with asking(centre, phone) as talk:
        softphone = await phone("8004", password="demo-8004", source=sources.tone(EXPERT_HZ))
        own = await softphone.dial(centre.number("8004"), headers={"Replaces": talk.agent.replaces()})
        await own.answered.wait()
        assert (await talk.agent.ended.wait()).by == "peer"
        await hears(talk.caller, EXPERT_HZ)
        await own.heard(tone=CALLER_HZ)
        assert (await centre.get("agents/1004"))["state"] == "talking"
        await own.hang_up()
        assert (await talk.caller.ended.wait()).by == "peer"
        await centre.agent_is("1004", "wrap_up")
        contact = await centre.ended(talk.number)
        assert (contact["outcome"], contact["agent"]) == ("handled", "1004")
        recording = await centre.recording(contact["id"])
        assert recording["complete"]
        assert recording["seconds"] == pytest.approx(contact["talk_seconds"], abs=0.3)
        trace = await centre.items(f"contacts/{contact['id']}/trace")
        assert any("Replaces:" in event["data"]["text"] for event in trace)
    await centre.nothing_left()


@pytest.mark.parametrize(
    ("user", "more", "status"), [("8005", "", 403), ("8004", ";early-only", 486), ("8004", "x", 481)]
)
async def test_nobody_else_takes_a_talk_over(
    centre: Centre, phone: MakePhone, user: str, more: str, status: int
) -> None:
    async with asking(centre, phone) as talk:
        other = await phone(user, password=f"demo-{user}")
        call = await other.dial(centre.number("8004"), headers={"Replaces": talk.agent.replaces() + more})
        assert (await call.ended.wait()).status == status
        await hears(talk.caller, AGENT_HZ)
        await talk.agent.heard(tone=CALLER_HZ, since=time.monotonic())
        await talk.caller.hang_up()
    await centre.nothing_left()


async def test_a_call_that_rings_is_answered_at_another_phone_of_the_seat(
    centre: Centre, phone: MakePhone
) -> None:
    number = centre.new_caller()
    caller = await phone(number, source=sources.tone(CALLER_HZ))
    async with centre.desk("1004") as desk:
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call()
        ringing.ring()
        softphone = await phone("8004", password="demo-8004", source=sources.tone(EXPERT_HZ))
        own = await softphone.dial(
            centre.number("8004"), headers={"Replaces": f"{ringing.replaces()};early-only", "Require": "replaces"}
        )
        await own.answered.wait()
        assert (await ringing.ended.wait()).reason == "cancelled"
        await call.heard(tone=EXPERT_HZ)
        await own.heard(tone=CALLER_HZ)
        await centre.agent_is("1004", "talking")
        await call.hang_up()
        await own.ended.wait()
        assert (await centre.ended(number))["agent"] == "1004"
    await centre.nothing_left()


async def test_jssip_joins_two_calls_of_its_own(centre: Centre, phone: MakePhone, tmp_path: Path) -> None:
    """A phone that others wrote names its second call in REFER; two other seats talk on."""
    host, _ = centre.sip
    library = await bundled(tmp_path)
    seats = {}
    for user, hertz in (("8004", CALLER_HZ), ("8005", EXPERT_HZ)):
        seats[user] = await phone(user, password=f"demo-{user}", source=sources.tone(hertz))
        await seats[user].register(centre.sip)
    async with web_page() as page:
        await page.add_script_tag(path=library)
        await page.add_script_tag(path=_PHONE)
        account = [f"ws://{host}:{centre.platform.sip_ws_port}", f"sip:8010@{host}", "demo-8010"]
        await page.evaluate("([server, uri, password]) => register(server, uri, password)", account)
        calls = []
        for user, seat in seats.items():
            await page.evaluate("target => { window.dialled = dial(target, 700) }", centre.number(user))
            ringing = await seat.next_call()
            await ringing.answer()
            assert await page.evaluate("window.dialled") == "confirmed"
            await page.evaluate("keep()")
            calls.append(ringing)
        assert await page.evaluate("join()") == "accepted"
        await calls[0].heard(tone=EXPERT_HZ, since=time.monotonic())
        await calls[1].heard(tone=CALLER_HZ, since=time.monotonic())
        await calls[0].hang_up()
        await calls[1].ended.wait()
        assert await page.evaluate("unregister()") == "unregistered"
    await centre.nothing_left()
