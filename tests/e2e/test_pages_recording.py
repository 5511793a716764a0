"""Recording on the pages, in a real Chromium: a talk that is paused by keys, and by a supervisor."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.centre import Centre
from tests.e2e.rig import talking
from tests.e2e.test_pages import SCREENS, TAKE_PICTURES, OpenPage, browser, open_page  # noqa: F401


async def test_an_agent_pauses_by_keys_and_his_supervisor_sees_it_and_goes_on(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
) -> None:
    desk = await open_page("1004")
    async with talking(centre) as talk:
        sign = desk.locator(".call-card .recorded")
        await expect(sign).to_have_text("Recording")
        await expect(desk.get_by_role("button", name="Pause recording")).to_be_visible()
        await desk.keyboard.press("p")
        await expect(desk.get_by_role("group", name="Why?")).to_be_visible()
        if TAKE_PICTURES:
            await desk.screenshot(path=SCREENS / "recording-why-en.png", animations="disabled")
        await desk.keyboard.press("1")
        await expect(sign).to_have_text("Recording paused by 1004")
        told = await centre.happened(talk.contact, "RecordingPaused")
        assert (told["by"], told["reason"]) == ("1004", "payment_data")
        await expect(desk.get_by_role("button", name="Resume recording")).to_be_visible()
        if TAKE_PICTURES:
            await desk.screenshot(path=SCREENS / "recording-paused-en.png", animations="disabled")
            chinese = await open_page("1004", language="zh", theme="dark")
            await expect(chinese.locator(".call-card .recorded")).to_have_text("录音已由 1004 暂停")
            await chinese.screenshot(path=SCREENS / "recording-paused-zh.png", animations="disabled")
        overview = await open_page("sup1", language="zh")
        await overview.locator(f"[data-call] button[aria-label*='{talk.number}']").click()
        await expect(overview.locator(".supervision-actions .recorded")).to_have_text("录音已由 1004 暂停")
        if TAKE_PICTURES:
            await overview.screenshot(path=SCREENS / "recording-supervisor-zh.png", animations="disabled")
        await overview.get_by_role("button", name="恢复录音").click()
        await expect(sign).to_have_text("Recording")
        assert (await centre.happened(talk.contact, "RecordingResumed"))["by"] == "sup1"
        await talk.caller.hang_up()
    await expect(sign).to_have_count(0)
