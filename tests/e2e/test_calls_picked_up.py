"""Directed pick-up: a phone's key takes the call that rings at another seat, by what its lamp says of it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.e2e.test_calls_consult import EXPERT_HZ
from tests.support import sources
from tests.support.fixtures import MakePhone
from tests.support.phone import SipPhone
from tests.support.phone_call import PhoneCall

#: How long a lamp may take on a machine that is busy, seconds.
LIMIT = 30.0


async def press_key(centre: Centre, by: SipPhone, lamp: asyncio.Queue[str], user: str) -> PhoneCall:
    """Wait until the lamp flashes, then press its key: an INVITE that replaces what rings there (RFC 3891)."""
    async with asyncio.timeout(LIMIT):
        while "<state>early</state>" not in (document := await lamp.get()):
            pass
    names = [re.search(rf'{name}="([^"]+)"', document) for name in ("call-id", "local-tag", "remote-tag")]
    call_id, theirs, ours = (found.group(1) for found in names if found is not None)
    replaces = f"{call_id};to-tag={theirs};from-tag={ours};early-only"
    return await by.dial(centre.number(user), headers={"Replaces": replaces})


async def test_a_colleagues_key_takes_what_rings_for_an_agent(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number, source=sources.tone(CALLER_HZ))
    async with (
        centre.desk("1004") as desk,
        centre.desk("1005", ready=False, source=sources.tone(EXPERT_HZ)) as colleague,
    ):
        lamp = await colleague.watch(centre.sip, "8004")
        call = await caller.dial(centre.number("95001"))
        rings = await desk.next_call(LIMIT)
        picked = await press_key(centre, colleague, lamp, "8004")
        await picked.answered.wait(LIMIT)
        assert (await rings.ended.wait(LIMIT)).reason == "cancelled"
        await call.heard(tone=EXPERT_HZ, limit=LIMIT)
        await picked.heard(tone=CALLER_HZ, limit=LIMIT)
        await centre.agent_is("1005", "talking", limit=LIMIT)
        await centre.agent_is("1004", "ready", limit=LIMIT)
        await picked.hang_up()
        await call.ended.wait(LIMIT)
        contact = await centre.ended(number, limit=LIMIT)
        assert (contact["outcome"], contact["agent"], contact["seat"]) == ("handled", "1005", "seat-05")
    await centre.nothing_left()


async def group(centre: Centre, seat: str, name: str) -> None:
    document = {"sip_user": str(8000 + int(seat)), "pick_up_group": name}
    answer = await centre.ask("PUT", f"configuration/seats/seat-{int(seat):02}", user="tech1", json=document)
    assert answer.status_code == 200, answer.text


@asynccontextmanager
async def one_group(centre: Centre, *seats: str) -> AsyncIterator[None]:
    """Phones of these seats may take each other's calls, for a while."""
    try:
        for seat in seats:
            await group(centre, seat, "front")
        yield
    finally:
        for seat in seats:
            await group(centre, seat, "")


@asynccontextmanager
async def rings_between_seats(
    centre: Centre, phone: MakePhone
) -> AsyncIterator[tuple[PhoneCall, PhoneCall, SipPhone, asyncio.Queue[str]]]:
    """8008 calls 8009, whose lamp is at 8010: nobody is signed in at any of them."""
    own = await phone("8008", password="demo-8008", source=sources.tone(CALLER_HZ))
    called = await phone("8009", password="demo-8009", source=sources.tone(AGENT_HZ))
    third = await phone("8010", password="demo-8010", source=sources.tone(EXPERT_HZ))
    for one in (called, third):
        await one.register(centre.sip)
    lamp = await third.watch(centre.sip, "8009")
    call = await own.dial(centre.number("8009"))
    yield call, await called.next_call(LIMIT), third, lamp


async def test_a_key_takes_a_call_between_seats_in_its_pick_up_group(centre: Centre, phone: MakePhone) -> None:
    async with (
        one_group(centre, "9", "10"),
        rings_between_seats(centre, phone) as (call, rings, third, lamp),
    ):
        picked = await press_key(centre, third, lamp, "8009")
        await picked.answered.wait(LIMIT)
        assert (await rings.ended.wait(LIMIT)).reason == "cancelled"
        await call.heard(tone=EXPERT_HZ, limit=LIMIT)
        await picked.heard(tone=CALLER_HZ, limit=LIMIT)
        contact = rings.invite.get("x-contact-id")
        await centre.eventually(
            lambda: centre.ask("GET", f"contacts/{contact}"),
            lambda answer: answer.status_code == 200,  # its row is written a moment later
            limit=LIMIT,
        )
        gone = await centre.happened(contact, "Diverted", limit=LIMIT)
        assert (gone["device"], gone["cause"]) == ("seat-09", "elsewhere")
        await call.hang_up()
        await picked.ended.wait(LIMIT)
        await centre.happened(contact, "ContactEnded", limit=LIMIT)
        story = [event["type"] for event in await centre.events(contact)]
        assert story.count("Established") == story.count("ContactEnded") == 1
    await centre.nothing_left()


async def test_a_key_of_another_group_takes_nothing_and_the_phone_rings_on(
    centre: Centre, phone: MakePhone
) -> None:
    async with rings_between_seats(centre, phone) as (call, rings, third, lamp):
        refused = await press_key(centre, third, lamp, "8009")
        assert (await refused.ended.wait(LIMIT)).status == 403
        await rings.answer()
        await call.heard(tone=AGENT_HZ, since=time.monotonic(), limit=LIMIT)
        await call.hang_up()
        await rings.ended.wait(LIMIT)
    await centre.nothing_left()
