"""The page of signalling in a real Chromium: followed, filtered, explained, drawn."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect

from tests.e2e.centre import Centre
from tests.e2e.test_pages import OpenPage, browser, open_page  # noqa: F401
from tests.support import pcap
from tests.support.fixtures import MakePhone


async def test_signalling_is_followed_explained_and_drawn(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    phone: MakePhone,
    tmp_path: Path,
) -> None:
    number = centre.new_caller()
    page = await open_page("sup1", "/admin/signalling")
    await expect(page.get_by_role("status").filter(has_text="live")).to_be_visible()
    await page.get_by_label("Caller", exact=True).fill(number)
    await page.get_by_label("Caller", exact=True).press("Enter")
    await expect(page.get_by_text("No messages.")).to_be_visible()
    caller = await phone(number)
    call = await caller.dial(centre.number("95002"))
    await call.answered.wait()
    invite = page.get_by_role("row").filter(has_text="INVITE").filter(has_text="95002").last
    await expect(invite).to_be_visible()
    await call.hang_up()
    bye = page.get_by_role("row").filter(has_text="200 OK (BYE)")
    await expect(bye).to_be_visible()
    await page.screenshot(path=tmp_path / "list.png")
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("paused")).to_be_visible()
    await invite.focus()
    await invite.press("Enter")
    await expect(page.get_by_text(f"Asks for a new call from {number} to 95002.")).to_be_visible()
    await page.get_by_role("tab", name="Ladder").click()
    rungs = page.locator(".rung summary")
    await expect(rungs.filter(has_text="200 OK (INVITE)")).to_be_visible()
    await rungs.first.focus()
    await rungs.first.press("ArrowDown")
    await expect(rungs.nth(1)).to_be_focused()
    await rungs.first.press("Enter")
    await page.screenshot(path=tmp_path / "ladder.png")
    await page.get_by_role("link", name="To the contact's story").click()
    await page.get_by_role("tab", name="SIP messages").click()
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="Save as pcap").last.click()
    file = tmp_path / "saved.pcap"
    await (await saved.value).save_as(file)
    assert pcap.read(file)
    await page.screenshot(path=tmp_path / "contact.png")
