"""The telephone in the browser when something is in the way: nobody looks, no microphone, a reload."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from playwright.async_api import Route, expect

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.e2e.test_pages_softphone import browser_of, desk, sign_in
from tests.support import sources
from tests.support.chromium import hears
from tests.support.phone import SipPhone

_ALERTS: Final = Path(__file__).parents[1] / "support" / "page_alerts.js"
#: The two tones of the ring, and how loud they are at least, decibels of full scale.
_RING_HZ, _RING_DB = (440, 480), -40.0


async def test_a_call_rings_aloud_and_is_told_to_who_looks_elsewhere_until_it_is_answered(
    centre: Centre, tmp_path: Path
) -> None:
    number = centre.new_caller()
    allowed = ("microphone", "notifications")
    async with browser_of(centre, tmp_path / "microphone.wav", AGENT_HZ, permissions=allowed) as context:
        await context.add_init_script(path=_ALERTS)
        page = await desk(context, "1004")
        try:
            await sign_in(page, "seat-04")
            await page.evaluate("window.lookedAway = true")
            async with SipPhone(number, source=sources.tone(CALLER_HZ)) as phone:
                call = await phone.dial(centre.number("95001"))
                await expect(page.get_by_role("button", name="Answer")).to_be_visible()
                await page.wait_for_function(
                    "([tones, loud]) => tones.every((hertz) => soundedAt(hertz) > loud)", arg=[_RING_HZ, _RING_DB]
                )
                await page.wait_for_function("notes.length > 0")
                (note,) = await page.evaluate("notes")
                assert number in note["title"]
                assert note["closed"] is False
                await page.keyboard.press("Enter")
                await hears(page, CALLER_HZ)
                await page.wait_for_function("notes.every(({ closed }) => closed)")
                assert await page.evaluate("sounding.context.state") == "closed"
                await call.hang_up()
        finally:
            await centre.sign_out("1004")
    await centre.nothing_left()


async def test_a_reload_while_it_rings_loses_no_call(centre: Centre, tmp_path: Path) -> None:
    number = centre.new_caller()
    async with browser_of(centre, tmp_path / "microphone.wav", AGENT_HZ) as context:
        page = await desk(context, "1004")
        try:
            await sign_in(page, "seat-04")
            async with SipPhone(number, source=sources.tone(CALLER_HZ)) as phone:
                call = await phone.dial(centre.number("95001"))
                await expect(page.get_by_role("button", name="Answer")).to_be_visible()
                loaded = await page.evaluate("performance.timeOrigin")
                await page.reload()
                assert await page.evaluate("performance.timeOrigin") > loaded
                await expect(page.get_by_role("button", name="Answer")).to_be_enabled()
                await expect(page.locator(".call-caller")).to_have_text(number)
                await page.keyboard.press("Enter")
                await hears(page, CALLER_HZ)
                await call.heard(tone=AGENT_HZ)
                await page.keyboard.press("e")
                assert (await call.ended.wait()).by == "peer"
            contact = await centre.ended(number)
            assert (contact["outcome"], contact["agent"]) == ("handled", "1004")
        finally:
            await centre.sign_out("1004")
    await centre.nothing_left()


async def test_a_microphone_that_is_denied_is_told_and_the_call_rings_on_until_it_is_allowed(
    centre: Centre, tmp_path: Path
) -> None:
    number = centre.new_caller()
    async with browser_of(centre, tmp_path / "microphone.wav", AGENT_HZ) as context:
        # What getUserMedia throws when its user says no (W3C Media Capture and Streams, section 10.2).
        await context.add_init_script(
            "const media = navigator.mediaDevices, open = media?.getUserMedia.bind(media);"
            "if (media) media.getUserMedia = (wish) => window.allowed ? open(wish)"
            " : Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));"
        )
        page = await desk(context, "1004")
        try:
            await sign_in(page, "seat-04")
            async with SipPhone(number, source=sources.tone(CALLER_HZ)) as phone:
                call = await phone.dial(centre.number("95001"))
                await expect(page.get_by_role("button", name="Answer")).to_be_visible()
                await page.keyboard.press("Enter")
                told = page.get_by_role("alert").filter(has_text="The microphone is not allowed.")
                await expect(told).to_be_visible()
                await expect(page.locator(".state-now")).to_have_attribute("data-state", "reserved")
                await page.evaluate("window.allowed = true")
                await page.get_by_role("button", name="Answer").click()
                await hears(page, CALLER_HZ)
                await call.heard(tone=AGENT_HZ)
                await expect(told).to_have_count(0)
                await call.hang_up()
        finally:
            await centre.sign_out("1004")
    await centre.nothing_left()


async def test_a_call_is_ended_while_an_order_to_hold_it_hangs(centre: Centre, tmp_path: Path) -> None:
    number = centre.new_caller()
    async with browser_of(centre, tmp_path / "microphone.wav", AGENT_HZ, expected="ERR_FAILED") as context:
        page = await desk(context, "1004")
        ended = asyncio.Event()

        async def hangs(route: Route) -> None:
            await ended.wait()
            await route.abort()

        await page.route("**/api/v1/calls/*/hold", hangs)
        try:
            await sign_in(page, "seat-04")
            async with SipPhone(number, source=sources.tone(CALLER_HZ)) as phone:
                call = await phone.dial(centre.number("95001"))
                await page.get_by_role("button", name="Answer").click()
                await hears(page, CALLER_HZ)
                async with page.expect_request("**/hold"):
                    await page.keyboard.press("h")
                await page.keyboard.press("e")
                assert (await call.ended.wait()).by == "peer"
        finally:
            ended.set()
            await centre.sign_out("1004")
    await centre.nothing_left()
