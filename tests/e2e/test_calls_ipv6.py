"""A centre at ``127.0.0.1`` and ``::1``: phones of IPv6 alone and one of IPv4 alone that talk to each other, by
baresip; a caller with sound over IPv4 and signalling over IPv6, by SIPp. And one at ``::1`` alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.e2e.centre import CALLER_HZ, Centre, unused_numbers
from tests.support import audio
from tests.support.baresip import Baresip
from tests.support.milestone import PATIENCE
from tests.support.platform import PlatformProcess
from tests.support.sip import Address
from tests.support.sipp import Sipp

SIX = "::1"


@pytest.fixture(scope="module")
def at_both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    both = {"CCP_SIP__BIND_IP6": SIX, "CCP_MEDIA__BIND_IP6": SIX}
    with PlatformProcess(tmp_path_factory.mktemp("p"), environment=both) as started:
        yield started


@pytest.fixture
async def centre6(at_both: PlatformProcess) -> AsyncIterator[Centre]:
    async with httpx.AsyncClient(base_url=at_both.http, timeout=PATIENCE) as client:
        yield Centre(at_both, {}, unused_numbers(), client)


def sixth(centre: Centre) -> Address:
    """Where phones of IPv6 alone find the centre."""
    return SIX, centre.sip[1]


@pytest.fixture
async def agent(centre6: Centre) -> AsyncIterator[Baresip]:
    """Signed in, at a phone that speaks IPv6 only."""
    async with Baresip("8009", password="demo-8009", registrar=sixth(centre6)) as seat:
        await seat.registered()
        await centre6.set_state("1009", "not_ready", seat="seat-09")
        await centre6.set_state("1009", "ready")
        yield seat
    await centre6.sign_out("1009")


async def test_caller_and_agent_hear_each_other_over_ipv6(centre6: Centre, agent: Baresip) -> None:
    says = audio.tone(CALLER_HZ)
    async with Baresip("8008", password="demo-8008", registrar=sixth(centre6), says=says) as caller:
        await caller.registered()
        await caller.dial(f"sip:95001@[{SIX}]:{centre6.sip[1]}")
        await agent.established()
        await caller.heard_tone(700)
        await agent.heard_tone(CALLER_HZ)
        await agent.press("7")
        await agent.hang_up()
        await caller.closed()
    contact = (await centre6.items("contacts"))[0]
    assert (contact["outcome"], contact["agent"], contact["seat"]) == ("handled", "1009", "seat-09")


async def test_phones_of_ipv4_alone_and_of_ipv6_alone_hear_each_other(centre6: Centre, agent: Baresip) -> None:
    says = audio.tone(CALLER_HZ)
    async with Baresip("8007", password="demo-8007", registrar=centre6.sip, says=says) as caller:
        await caller.registered()
        await caller.dial(centre6.number("8009"))
        await agent.established()
        await caller.heard_tone(700)
        await agent.heard_tone(CALLER_HZ)
        await caller.hang_up()
        await agent.closed()
    contact = (await centre6.items("contacts"))[0]
    trace = [row["data"] for row in await centre6.items(f"contacts/{contact['id']}/trace")]
    assert {seen["local"].rpartition(":")[0] for seen in trace} == {"127.0.0.1", f"[{SIX}]"}
    assert {seen["remote"].rpartition(":")[0] for seen in trace} == {"127.0.0.1", f"[{SIX}]"}


async def test_a_caller_whose_sound_comes_over_ipv4_is_heard_by_an_agent_on_ipv6(
    centre6: Centre, agent: Baresip
) -> None:
    number, trunk = centre6.new_caller(), {"peers": ["::1/128"], "direction": "in"}
    made = await centre6.ask("PUT", "trunks/six", user="tech1", json=trunk)
    assert made.status_code == 200, made.text
    async with Sipp(
        "uac_talks", target=sixth(centre6), number="95001", caller=number, hold=4.0, media_host="127.0.0.1"
    ) as caller:
        await agent.established()
        result = await caller.finish()
        await agent.closed()
    result.require_success(1)
    heard = agent.heard().astype(np.float64)
    assert np.sqrt(np.mean(np.square(heard[-8000:]))) > 500  # it says noise, which no prompt or music of ours is
    assert (await centre6.ended(number))["outcome"] == "handled"


async def test_a_centre_bound_to_ipv6_takes_calls_pages_and_sound_there_alone(tmp_path: Path) -> None:
    """``--bind ::1``: every listener is there, and none over IPv4."""
    platform = PlatformProcess(tmp_path, host=SIX)
    try:
        await asyncio.to_thread(platform.start)
        says = audio.tone(CALLER_HZ)
        async with Baresip("8008", password="demo-8008", registrar=platform.sip, says=says) as caller:
            await caller.registered()
            await caller.dial(platform.number("95002"))
            await caller.heard_tone(CALLER_HZ)  # an echo
            await caller.hang_up()
            await caller.closed()
        async with platform.rest("sup1") as client:  # over IPv6 as well
            contact = (await client.get("contacts")).json()["items"][0]
            trace = (await client.get(f"contacts/{contact['id']}/trace")).json()["items"]
    finally:
        await asyncio.to_thread(platform.close)
    assert {row["data"]["local"].rpartition(":")[0] for row in trace} == {f"[{SIX}]"}
    assert all("IN IP4" not in row["data"]["text"] for row in trace)
