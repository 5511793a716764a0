"""Encrypted calls through the running platform, with peers that others wrote: baresip and Chromium."""

from __future__ import annotations

import re
import time

import pytest

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.support.baresip import Baresip
from tests.support.chromium import hears
from tests.support.phone import AutoAnswer
from tests.support.web_phone import WebCall, web_page


@pytest.mark.parametrize(
    ("encryption", "ice", "shown"),
    [
        ("srtp-mand", False, "SRTP is Enabled"),
        ("dtls_srtp", False, "DTLS-SRTP complete (audio/RTP) Profile=AEAD_AES_128_GCM"),
        ("dtls_srtp", True, "DTLS-SRTP complete (audio/RTP) Profile=AEAD_AES_128_GCM"),
    ],
    ids=["SDES", "DTLS-SRTP", "DTLS-SRTP and ICE"],
)
async def test_baresip_hears_itself_encrypted(centre: Centre, encryption: str, ice: bool, shown: str) -> None:
    number = centre.new_caller()
    async with Baresip(number, encryption=encryption, ice=ice) as caller:
        await caller.dial(centre.number("95002"))
        await caller.established()
        await caller.heard_tone(700)
        assert shown in caller.output()
        await caller.hang_up()
    contact = await centre.ended(number)
    texts = "".join(row["data"]["text"] for row in await centre.items(f"contacts/{contact['id']}/trace"))
    shown_lines = re.findall(r"^a=(?:crypto|ice-pwd):.*$", texts.replace("\r", ""), re.MULTILINE)
    assert bool(shown_lines) is (encryption == "srtp-mand" or ice)
    hidden = re.compile(r"a=crypto:\d+ [A-Za-z0-9_]+ inline:\*\*\*|a=ice-pwd:\*\*\*")
    assert [line for line in shown_lines if not hidden.fullmatch(line)] == []
    await centre.nothing_left()


async def test_a_browser_hears_itself_and_holds(centre: Centre) -> None:
    number = centre.new_caller()
    async with web_page() as page, WebCall(page, centre.sip, centre.number("95002"), number) as call:
        await hears(page, 700)
        shown = await page.evaluate("statistics()")
        assert (shown["dtls"], shown["srtp"]) == ("connected", "SRTP_AEAD_AES_128_GCM")
        await page.evaluate("peer.getTransceivers()[0].direction = 'inactive'")
        await call.invite()
        assert "a=inactive" in call.answer
        await page.wait_for_function("standsOut(700) < 0")
        await page.evaluate("peer.getTransceivers()[0].direction = 'sendrecv'")
        await call.invite()
        await hears(page, 700)
        await page.evaluate("peer.restartIce()")
        await call.invite()
        await page.wait_for_function("peer.iceConnectionState === 'connected'")
        await hears(page, 700)
    await centre.ended(number)
    await centre.nothing_left()


async def test_a_browser_and_an_agents_phone_hear_each_other(centre: Centre) -> None:
    number = centre.new_caller()
    async with (
        centre.desk("1004", incoming=AutoAnswer()) as desk,
        web_page() as page,
        WebCall(page, centre.sip, centre.number("95001"), number, CALLER_HZ),
    ):
        begin = time.monotonic()
        answered = await desk.next_call()
        await answered.answered.wait()
        await answered.heard(tone=CALLER_HZ)
        await hears(page, AGENT_HZ)
        print(f"browser and phone hear each other {time.monotonic() - begin:.2f} s after the call was let in")
        shown = await page.evaluate("statistics()")
        assert shown["codec"] in ("audio/PCMA", "audio/PCMU", "audio/G722", "audio/opus")
    await centre.ended(number)
    await centre.nothing_left()
