"""Other people's SIP: baresip at a seat, SIPp with good calls, bad calls and many calls."""

from __future__ import annotations

import asyncio

import httpx
import numpy as np
import pytest

from tests.e2e.centre import CALLER_HZ, Centre
from tests.e2e.lab import open_lab
from tests.gateway.media.dtmf import key_tone
from tests.support import sipp, sources
from tests.support.baresip import Baresip
from tests.support.fixtures import MakePhone
from tests.support.milestone import PATIENCE
from tests.support.phone import RingOnly
from tests.support.platform import PlatformProcess


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_baresip_takes_calls_at_a_seat(centre: Centre, phone: MakePhone, transport: str) -> None:
    number = centre.new_caller()
    caller = await phone(number, source=sources.tone(CALLER_HZ))
    try:
        async with Baresip("8009", password="demo-8009", registrar=centre.sip, transport=transport) as seat:
            await seat.registered()
            await centre.set_state("1009", "not_ready", seat="seat-09")
            await centre.set_state("1009", "ready")
            call = await caller.dial(centre.number("95001"))
            await seat.established()
            await call.heard(tone=700)
            await seat.heard_tone(CALLER_HZ)
            await seat.hang_up()
            assert (await call.ended.wait()).by == "peer"
    finally:
        await centre.sign_out("1009")
    contact = await centre.ended(number)
    assert (contact["outcome"], contact["agent"], contact["seat"]) == ("handled", "1009", "seat-09")


async def test_baresip_hands_its_caller_on_by_refer(centre: Centre, phone: MakePhone) -> None:
    """To a number of the centre: the agent is free, the caller hears himself, and it is one contact."""
    number = centre.new_caller()
    caller = await phone(number, source=sources.tone(CALLER_HZ))
    try:
        async with Baresip("8009", password="demo-8009", registrar=centre.sip) as seat:
            await seat.registered()
            await centre.set_state("1009", "not_ready", seat="seat-09")
            await centre.set_state("1009", "ready")
            call = await caller.dial(centre.number("95001"))
            await seat.established()
            await seat.heard_tone(CALLER_HZ)
            await seat.command("transfer", centre.number("95002"))
            await seat.closed()
            await centre.agent_is("1009", "wrap_up")
            await call.heard(tone=CALLER_HZ)
            await call.hang_up()
    finally:
        await centre.sign_out("1009")
    contact = await centre.ended(number)
    assert (contact["outcome"], contact["agent"], contact["seat"]) == ("handled", "1009", "seat-09")
    transferred = await centre.happened(contact["id"], "Transferred")
    assert (transferred["to"], transferred["by"]) == ("95002", "1009")


async def test_baresip_hands_its_caller_to_a_colleague(centre: Centre, phone: MakePhone) -> None:
    """The agent is free as soon as the other seat answers; the caller talks on there."""
    number = centre.new_caller()
    caller = await phone(number, source=sources.tone(CALLER_HZ))
    colleague = Baresip("8008", password="demo-8008", registrar=centre.sip)
    try:
        async with Baresip("8009", password="demo-8009", registrar=centre.sip) as seat, colleague:
            await seat.registered()
            await colleague.registered()
            await centre.set_state("1009", "not_ready", seat="seat-09")
            await centre.set_state("1009", "ready")
            call = await caller.dial(centre.number("95001"))
            await seat.established()
            await seat.command("transfer", centre.number("8008"))
            await colleague.established()
            await seat.closed()
            await centre.agent_is("1009", "wrap_up")
            await colleague.heard_tone(CALLER_HZ)
            await call.heard(tone=700)
            await call.hang_up()
    finally:
        await centre.sign_out("1009")
    contact = await centre.ended(number)
    assert (contact["outcome"], contact["agent"]) == ("handled", "1009")
    transferred = await centre.happened(contact["id"], "Transferred")
    assert (transferred["to"], transferred["by"]) == ("seat-08", "1009")


async def test_sipsak_finds_the_centre_alive(centre: Centre) -> None:
    """OPTIONS, and a registration with its MD5 digest, by a tool that we did not write."""
    host, port = centre.sip
    asked = await sipsak("-s", f"sip:95000@{host}:{port}")
    assert asked == 0
    registering = ("-U", "-u", "8010", "-s", f"sip:8010@{host}:{port}", "-C", f"sip:8010@{host}:9", "-x", "60")
    assert await sipsak(*registering, "-a", "wrong") != 0
    assert await sipsak(*registering, "-a", "demo-8010") == 0


async def sipsak(*arguments: str) -> int:
    """Its exit status; 0 when everything was answered 200."""
    process = await asyncio.create_subprocess_exec(
        "sipsak", *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    async with asyncio.timeout(30):
        return await process.wait()


async def test_twenty_calls_at_ten_a_second_all_succeed(centre: Centre) -> None:
    result = await sipp.run("uac", centre.sip, number="95002", calls=20, rate=10, hold=1.0)
    result.require_success(20)
    print(f"20 calls at 10/s: {result.retransmissions} retransmissions")
    await centre.nothing_left()


async def test_calls_over_tcp_succeed(centre: Centre) -> None:
    result = await sipp.run("uac", centre.sip, number="95002", calls=5, rate=10, hold=0.3, transport="tcp")
    result.require_success(5)


async def test_everything_sent_twice_is_one_call(centre: Centre) -> None:
    number = centre.new_caller()
    (await sipp.run("repeat", centre.sip, number="95002", caller=number)).require_success(1)
    await centre.ended(number)
    assert len(await centre.items("contacts", caller=number)) == 1


@pytest.mark.parametrize(("scenario", "status"), [("bad_sdp", 488), ("no_codec", 488), ("garbage", 400)])
async def test_bad_invites_are_refused(centre: Centre, scenario: str, status: int) -> None:
    (await sipp.run(scenario, centre.sip, number="95002", status=status)).require_success(1)
    await centre.nothing_left()


async def test_a_caller_who_gives_up_while_it_rings_is_released(centre: Centre) -> None:
    number = centre.new_caller()
    async with open_lab(RingOnly()) as far:
        result = await sipp.run("cancel", centre.sip, number="95004", caller=number, hold=0.5)
        result.require_success(1)
        arrived = await far.next_call()
        assert (await arrived.ended.wait()).reason == "cancelled"
    assert (await centre.ended(number))["outcome"] == "abandoned_before_answer"


async def test_sipp_registers_a_seat(centre: Centre) -> None:
    result = await sipp.run("register", centre.sip, number="8010", password="demo-8010")
    result.require_success(1)
    seats = await centre.eventually(
        lambda: centre.items("seats", user="admin"),
        lambda rows: any(row["id"] == "seat-10" and row["registered"] for row in rows),
    )
    (seat,) = [row for row in seats if row["id"] == "seat-10"]
    assert seat["contacts"][0]["transport"].lower() == "udp"


async def test_baresip_works_the_menu_by_tones_in_its_audio(tmp_path_factory: pytest.TempPathFactory) -> None:
    """It agrees on telephone-event, as it always does, but sends tones: ``inband_dtmf`` says to listen anyway."""
    number = "13909999001"
    keys = [np.zeros(12_000), key_tone("1", 0.12), np.zeros(12_000)]
    platform = PlatformProcess(tmp_path_factory.mktemp("t"), environment={"CCP_MEDIA__INBAND_DTMF": "always"})
    try:
        platform.start()
        async with (
            httpx.AsyncClient(base_url=platform.http, timeout=PATIENCE) as client,
            Baresip(number, says=np.rint(np.concatenate(keys)).astype(np.int16)) as caller,
        ):
            centre = Centre(platform, {}, iter(()), client)
            await caller.dial(centre.number("95000"))
            await caller.established()
            contact = await centre.contact(number)
            await centre.happened(contact["id"], "Queued")
            await caller.hang_up()
    finally:
        platform.close()
