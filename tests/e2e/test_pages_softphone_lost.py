"""The telephone in the browser when the log-in ends in a call, and before the first call."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from playwright.async_api import expect

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.e2e.test_pages import fill_log_in
from tests.e2e.test_pages_softphone import browser_of, desk, sign_in
from tests.support import sources
from tests.support.chromium import hears
from tests.support.phone import SipPhone

#: Notes what a page plays.
_PLAYED: Final = """
window.played = [];
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  window.played.push(...(this.srcObject?.getTracks() ?? []).map(({ kind, readyState }) => [kind, readyState]));
  return play.call(this);
};
"""


async def test_a_log_in_that_ends_in_a_talk_is_told_and_loses_no_call(centre: Centre, tmp_path: Path) -> None:
    number, http = centre.new_caller(), centre.platform.http
    async with browser_of(centre, tmp_path / "microphone.wav", AGENT_HZ, expected="401") as context:
        page = await desk(context, "1004")
        try:
            await sign_in(page, "seat-04")
            async with SipPhone(number, source=sources.tone(CALLER_HZ)) as phone:
                call = await phone.dial(centre.number("95001"))
                await page.get_by_role("button", name="Answer").click()
                await hears(page, CALLER_HZ)
                token = await page.evaluate("JSON.parse(sessionStorage.getItem('ccplatform.session')).token")
                over = await context.request.post(
                    f"{http}/api/v1/auth/logout", headers={"Authorization": f"Bearer {token}"}
                )
                assert over.ok
                await page.get_by_role("button", name="Hold").click()
                await expect(page.get_by_text("Your log-in has ended. Please log in again.")).to_be_visible()
                await hears(page, CALLER_HZ)
                await call.heard(tone=AGENT_HZ, since=time.monotonic())

                await fill_log_in(page, "1004", "demo-1004")
                await expect(page.locator(".call-caller")).to_have_text(number)
                await expect(page.locator(".state-now")).to_have_attribute("data-state", "talking")
                await expect(page.locator("[data-phone='ready']")).to_be_visible()
                await hears(page, CALLER_HZ)
                await call.heard(tone=AGENT_HZ, since=time.monotonic())
                await page.get_by_role("button", name="Hold").click()
                await expect(page.get_by_role("button", name="Retrieve")).to_be_visible()
                await call.hang_up()
            contact = await centre.ended(number)
            assert (contact["outcome"], contact["agent"]) == ("handled", "1004")
        finally:
            await centre.sign_out("1004")
    await centre.nothing_left()


async def test_microphone_and_headset_are_tried_before_the_first_call(centre: Centre, tmp_path: Path) -> None:
    async with browser_of(centre, tmp_path / "microphone.wav", AGENT_HZ) as context:
        await context.add_init_script(_PLAYED)
        page = await desk(context, "1004")
        try:
            await sign_in(page, "seat-04")
            await page.keyboard.press("a")
            trial = page.locator(".sound-test")
            await expect(trial.get_by_text("You are heard")).to_be_visible()
            assert float(await trial.locator("meter").get_attribute("value") or 0) > 0
            await trial.get_by_role("button", name="Play").click()
            await page.wait_for_function("window.played.length > 0")
            assert await page.evaluate("played") == [["audio", "live"]]
            await page.keyboard.press("a")
            await expect(trial).to_have_count(0)
        finally:
            await centre.sign_out("1004")
