"""The telephone in the browser: an agent's page in a real Chromium, a tone for a microphone, and SIP callers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import BrowserContext, Page, expect
from playwright.async_api import TimeoutError as PlaywrightTimeout

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.e2e.test_pages import SCREENS, TAKE_PICTURES, fill_log_in
from tests.support import audio, sources
from tests.support.chromium import PATIENCE_MS, chromium, faults_of, give_ear, hears
from tests.support.phone import SipPhone
from tests.support.phone_call import PhoneCall

#: What those say who work together.
VOICES: Final = {"1004": 1000.0, "1005": 620.0, "sup1": 1700.0}
#: A tone that is there, and one that is not, decibels of full scale in the page's ear.
_LOUD_DB, _STILL_DB = -50.0, -70.0
#: What may be left of a tone that is not to be heard by a caller, dBm0.
UNHEARD_DBM0: Final = -50.0


@asynccontextmanager
async def browser_of(
    centre: Centre,
    microphone: Path,
    hertz: float,
    *,
    permissions: Sequence[str] = ("microphone",),
    expected: str = "",
    **options: Any,
) -> AsyncIterator[BrowserContext]:
    """Somebody's browser; its microphone hears one tone.

    Whatever its pages report as an error, but those with the ``expected`` words, fails the test; ``options`` are
    those of a context.
    """
    audio.write_wav(microphone, audio.tone(hertz, 1.0, rate=48_000), rate=48_000)
    async with chromium(microphone) as browser:
        usual: dict[str, Any] = {
            "base_url": centre.platform.http,
            "locale": "en-GB",
            "viewport": {"width": 1280, "height": 720},
        }
        context = await browser.new_context(permissions=permissions, **{**usual, **options})
        await give_ear(context)
        faults = faults_of(context, expected=expected)
        yield context
    assert not faults, faults


@pytest.fixture
async def context(centre: Centre, tmp_path: Path) -> AsyncIterator[BrowserContext]:
    """An agent's browser."""
    async with browser_of(centre, tmp_path / "microphone.wav", AGENT_HZ) as context:
        yield context


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


@pytest.fixture
async def colleagues(centre: Centre, tmp_path: Path) -> AsyncIterator[dict[str, Page]]:
    """Agents 1004, ready, and 1005, not ready, at their browsers, and the supervisor at his."""
    async with AsyncExitStack() as browsers:
        pages: dict[str, Page] = {}
        for user, hertz in VOICES.items():  # a browser each: the pages of one share its microphone
            own = await browsers.enter_async_context(browser_of(centre, tmp_path / f"{user}.wav", hertz))
            pages[user] = await desk(own, user)
        try:
            await sign_in(pages["1004"], "seat-04")
            await sign_in(pages["1005"], "seat-05")
            await pages["1005"].keyboard.press("F2")
            await expect(pages["1005"].locator(".state-now")).to_have_attribute("data-state", "not_ready")
            yield pages
        finally:
            for agent in ("1004", "1005"):
                await centre.sign_out(agent)
    await centre.nothing_left()


async def hear(page: Page, *tones: float) -> None:
    """These tones are heard there, and at a moment at which they are, none of the others."""
    everybody = [CALLER_HZ, *VOICES.values()]
    others = [hertz for hertz in everybody if hertz not in tones]
    try:
        await page.wait_for_function(
            "([tones, others, loud, still]) => tones.every((hertz) => levelAt(hertz) > loud)"
            " && others.every((hertz) => levelAt(hertz) < still)",
            arg=[list(tones), others, _LOUD_DB, _STILL_DB],
        )
    except PlaywrightTimeout as error:
        levels = await page.evaluate("(tones) => tones.map((hertz) => [hertz, levelAt(hertz)])", everybody)
        raise AssertionError(f"{tones} wanted, heard {levels}") from error


async def caller_hears(call: PhoneCall, *tones: float) -> None:
    """From now on these, and then for half a second none of the others."""
    now = time.monotonic()
    for hertz in tones:
        await call.heard(tone=hertz, since=now)
    settled = call.ear.packets[-1].at + 0.1
    await call.heard(tone=tones[0], since=settled + 0.5)
    heard = call.recording().since(settled)
    for hertz in set(VOICES.values()) - set(tones):
        assert audio.tone_level_dbm0(heard, hertz) < UNHEARD_DBM0, audio.describe(heard)


async def consult(page: Page, whom: str) -> None:
    await page.keyboard.press("c")
    await page.locator(".call-somebody").fill(whom)
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Asked about the caller")).to_be_visible()


async def answer(page: Page) -> None:
    await expect(page.get_by_role("button", name="Answer")).to_be_visible()
    await page.keyboard.press("Enter")


async def test_agents_consult_confer_and_hand_over_by_their_browsers(
    colleagues: dict[str, Page], centre: Centre
) -> None:
    first, second = colleagues["1004"], colleagues["1005"]
    number = centre.new_caller()
    async with SipPhone(number, source=sources.tone(CALLER_HZ)) as phone:
        call = await phone.dial(centre.number("95001"))
        await answer(first)
        await hear(first, CALLER_HZ)

        await consult(first, "1005")
        await answer(second)
        await hear(first, VOICES["1005"])
        await hear(second, VOICES["1004"])
        await expect(second.get_by_role("button", name="Hold")).to_be_disabled()  # it is not his caller
        await second.keyboard.press("e")
        await hear(first, CALLER_HZ)

        await consult(first, "1005")
        await answer(second)
        await hear(second, VOICES["1004"])
        await first.keyboard.press("s")
        await hear(first, CALLER_HZ)
        await first.keyboard.press("f")
        await hear(first, CALLER_HZ, VOICES["1005"])
        await hear(second, CALLER_HZ, VOICES["1004"])
        await caller_hears(call, VOICES["1004"], VOICES["1005"])

        await first.get_by_label("In the conference").get_by_role("button", name="Let go").click()
        await hear(first, CALLER_HZ)
        await expect(second.locator(".state-now")).not_to_have_attribute("data-state", "talking")

        await consult(first, "1005")
        await answer(second)
        await hear(second, VOICES["1004"])
        await first.keyboard.press("o")
        await hear(second, CALLER_HZ)
        await caller_hears(call, VOICES["1005"])
        await expect(first.locator(".state-now")).not_to_have_attribute("data-state", "talking")
        await second.keyboard.press("e")
        await call.ended.wait()
    assert (await centre.ended(number))["agent"] == "1005"


async def test_leaving_a_conference_leaves_the_others_talking_and_ending_it_is_another_button(
    colleagues: dict[str, Page], centre: Centre
) -> None:
    first, second = colleagues["1004"], colleagues["1005"]
    async with SipPhone(centre.new_caller(), source=sources.tone(CALLER_HZ)) as phone:
        call = await phone.dial(centre.number("95001"))
        await answer(first)
        await hear(first, CALLER_HZ)
        await expect(first.get_by_role("button", name="Hang up")).to_be_visible()
        for leaves, stays, voice in ((second, first, "1004"), (first, second, "1005")):
            await consult(first, "1005")
            await answer(second)
            await hear(first, VOICES["1005"])
            await first.keyboard.press("f")
            await caller_hears(call, VOICES["1004"], VOICES["1005"])
            await expect(leaves.get_by_role("button", name="Leave")).to_be_enabled()
            await leaves.keyboard.press("e")
            await caller_hears(call, VOICES[voice])
            await hear(stays, CALLER_HZ)
            await expect(leaves.locator(".state-now")).not_to_have_attribute("data-state", "talking")
            await expect(stays.get_by_role("button", name="Hang up")).to_be_visible()
        await consult(second, "1004")
        await answer(first)
        await hear(second, VOICES["1004"])
        await second.keyboard.press("f")
        await caller_hears(call, VOICES["1004"], VOICES["1005"])
        await expect(first.get_by_role("button", name="End for all")).to_have_count(0)  # it is not his call
        await second.get_by_role("button", name="End for all").click()
        await caller_hears(call, VOICES["1004"], VOICES["1005"])
        await second.get_by_role("button", name="End for all: press again").click()
        assert (await call.ended.wait()).by == "peer"
        for page in (first, second):
            await expect(page.locator(".state-now")).not_to_have_attribute("data-state", "talking")


async def test_a_supervisor_listens_whispers_and_barges_by_the_browser(
    colleagues: dict[str, Page], centre: Centre
) -> None:
    agent, supervisor = colleagues["1004"], colleagues["sup1"]
    number = centre.new_caller()
    async with SipPhone(number, source=sources.tone(CALLER_HZ)) as phone:
        call = await phone.dial(centre.number("95001"))
        await answer(agent)
        await hear(agent, CALLER_HZ)

        await supervisor.get_by_label("Seat", exact=True).fill("seat-09")
        await supervisor.locator(".ant-select-item-option", has_text="seat-09").click()
        await expect(supervisor.locator("[data-phone='ready']")).to_be_visible()
        await supervisor.get_by_role("button", name=f"Actions on the call of {number}").click()
        await supervisor.keyboard.press("l")
        await hear(supervisor, CALLER_HZ, VOICES["1004"])
        await expect(supervisor.locator("[data-part='monitor']")).to_be_visible()
        await hear(agent, CALLER_HZ)
        await caller_hears(call, VOICES["1004"])

        await supervisor.keyboard.press("w")
        await hear(agent, CALLER_HZ, VOICES["sup1"])
        await caller_hears(call, VOICES["1004"])

        await supervisor.keyboard.press("b")
        await hear(agent, CALLER_HZ, VOICES["sup1"])
        await caller_hears(call, VOICES["1004"], VOICES["sup1"])

        await supervisor.keyboard.press("e")
        await expect(supervisor.locator("[data-part]")).to_have_count(0)
        await hear(agent, CALLER_HZ)
        await caller_hears(call, VOICES["1004"])
        await call.hang_up()


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
                await expect(page.locator(".pop").first).to_be_visible()
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
