"""The telephone in the browser: an agent's page in a real Chromium, a tone for a microphone, and SIP callers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.e2e.test_pages import SCREENS, TAKE_PICTURES, fill_log_in
from tests.support import audio, sources
from tests.support.chromium import PATIENCE_MS, chromium, faults_of, give_ear, hears
from tests.support.phone import SipPhone


@pytest.fixture
async def context(centre: Centre, tmp_path: Path) -> AsyncIterator[BrowserContext]:
    """An agent's browser; its microphone hears one tone. Whatever its pages report as an error fails the test."""
    microphone = tmp_path / "microphone.wav"
    audio.write_wav(microphone, audio.tone(AGENT_HZ, 1.0, rate=48_000), rate=48_000)
    async with chromium(microphone) as browser:
        context = await browser.new_context(
            base_url=centre.platform.http,
            viewport={"width": 1280, "height": 720},
            locale="en-GB",
            permissions=["microphone"],
        )
        await give_ear(context)
        faults = faults_of(context)
        yield context
    assert not faults, faults


async def desk(context: BrowserContext, agent: str) -> Page:
    """The agent's page, logged in."""
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto("/login")
    await fill_log_in(page, agent, f"demo-{agent}")
    return page


async def sign_in(page: Page, seat: str) -> None:
    """At a seat, with the browser as its phone, ready."""
    await page.locator("#seat").fill(seat)
    await page.get_by_text("This browser", exact=True).click()
    await page.locator("button[type=submit]").click()
    await expect(page.locator("[data-phone='ready']")).to_be_visible()
    await page.keyboard.press("F2")
    await expect(page.locator(".state-now")).to_have_attribute("data-state", "ready")


async def test_an_agent_takes_a_call_in_the_browser_and_a_reload_does_not_lose_it(
    context: BrowserContext, centre: Centre
) -> None:
    page = await desk(context, "1004")
    number = centre.new_caller()
    try:
        await sign_in(page, "seat-04")
        async with SipPhone(number, source=sources.tone(CALLER_HZ)) as phone:
            call = await phone.dial(centre.number("95001"))
            answer = page.get_by_role("button", name="Answer")
            await expect(answer).to_be_visible()
            await expect(page.locator(".call-caller")).to_have_text(number)
            await expect(page).to_have_title(f"{number} is calling · ccplatform")
            await page.keyboard.press("Enter")
            await page.keyboard.press("Enter")  # does nothing else
            await expect(page.locator(".state-now")).to_have_attribute("data-state", "talking")
            await hears(page, CALLER_HZ)
            await call.heard(tone=AGENT_HZ)
            await expect(page.locator(".quality")).to_contain_text("Good")

            await page.keyboard.press("h")
            await expect(page.get_by_role("button", name="Retrieve")).to_be_visible()
            await page.keyboard.press("h")
            await expect(page.locator(".state-now")).to_have_attribute("data-state", "talking")
            await hears(page, CALLER_HZ)

            await page.keyboard.press("k")
            await page.keyboard.press("7")
            await call.ear.heard_keys("7")

            loaded = await page.evaluate("performance.timeOrigin")
            await page.reload()
            assert await page.evaluate("performance.timeOrigin") > loaded
            await hears(page, CALLER_HZ)
            await call.heard(tone=AGENT_HZ, since=time.monotonic())
            await expect(page.locator(".state-now")).to_have_attribute("data-state", "talking")

            await page.keyboard.press("m")
            await expect(page.get_by_role("button", name="Unmute")).to_be_visible()
            await call.ear.silent_for(0.5)

            await page.keyboard.press("e")
            assert (await call.ended.wait()).by == "peer"
            await expect(page.locator(".state-now")).to_have_attribute("data-state", "wrap_up")
        contact = await centre.ended(number)
        assert (contact["outcome"], contact["agent"]) == ("handled", "1004")
    finally:
        await centre.sign_out("1004")
    await expect(page.locator("#seat")).to_be_visible()
    await centre.nothing_left()


async def test_another_tab_takes_over_and_a_lost_server_loses_no_call(
    context: BrowserContext, centre: Centre
) -> None:
    first = await desk(context, "1004")
    number = centre.new_caller()
    try:
        await sign_in(first, "seat-04")
        async with SipPhone(number, source=sources.tone(CALLER_HZ)) as phone:
            call = await phone.dial(centre.number("95001"))
            await first.get_by_role("button", name="Answer").click()
            await hears(first, CALLER_HZ)

            second = await desk(context, "1004")
            await expect(second.get_by_role("alert")).to_contain_text("Another tab of this browser is your phone.")
            await second.get_by_role("button", name="Take over here").click()
            await hears(second, CALLER_HZ)
            await call.heard(tone=AGENT_HZ, since=time.monotonic())
            await expect(first.locator("[data-phone='elsewhere']")).to_be_visible()

            await second.close()
            await expect(first.locator("[data-phone='ready']")).to_be_visible()
            await call.heard(tone=AGENT_HZ, since=time.monotonic())

            response = await centre.ask("POST", "sip/ports/WS/reset", user="admin")
            assert response.status_code == 204, response.text
            await expect(first.locator("[data-phone='lost']")).to_be_visible()
            await expect(first.locator("[data-phone='ready']")).to_be_visible()
            await call.heard(tone=AGENT_HZ, since=time.monotonic())
            await call.hang_up()
            await expect(first.locator(".state-now")).to_have_attribute("data-state", "wrap_up")
    finally:
        await centre.sign_out("1004")
    await centre.nothing_left()


@pytest.mark.skipif(not TAKE_PICTURES, reason="CCP_SCREENS=1 writes docs/screens")
async def test_pictures_of_the_softphone(context: BrowserContext, centre: Centre) -> None:
    page = await desk(context, "1004")

    async def take(name: str) -> None:
        for language in ("en", "zh"):
            for theme in ("light", "dark"):
                await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                await page.evaluate(
                    "([language, theme]) => { localStorage.setItem('ccplatform.language', language);"
                    " localStorage.setItem('ccplatform.theme', theme); }",
                    [language, theme],
                )
                await page.reload()
                await expect(page.locator(".quality")).to_be_visible()
                await expect(page.locator(".pop")).to_be_visible()
                await page.screenshot(path=SCREENS / f"{name}-{language}-{theme}.png", animations="disabled")

    try:
        await sign_in(page, "seat-04")
        async with SipPhone("13800000001", source=sources.tone(CALLER_HZ)) as phone:
            call = await phone.dial(centre.number("95001"))
            await page.get_by_role("button", name="Answer").click()
            await hears(page, CALLER_HZ)
            await take("softphone")
            await call.hang_up()
    finally:
        await centre.sign_out("1004")
