"""Reports in a real Chromium: the talk that just was, in a table, as a chart, and in files."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import expect

from tests.e2e.centre import Centre
from tests.e2e.rig import talking
from tests.e2e.test_calls_bank import is_asked_after_his_talk
from tests.e2e.test_pages import SCREENS, TAKE_PICTURES, OpenPage, browser, open_page  # noqa: F401
from tests.support.fixtures import MakePhone


async def test_a_supervisor_reads_a_talk_in_the_report_and_takes_it_home(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    tmp_path: Path,
) -> None:
    async with talking(centre, "1004") as talk:
        await talk.caller.hang_up()
        await centre.ended(talk.number)
    page = await open_page("sup1", "/admin/reports")
    row = page.locator("tr", has_text="support")
    await expect(row.first).to_be_visible()
    await expect(page.locator(".report-bars rect")).not_to_have_count(0)
    for name, begins in (("CSV", b"queue,offered"), ("Excel", b"PK"), ("PDF", b"%PDF-")):
        async with page.expect_download() as download:
            await page.get_by_role("button", name=name).click()
        file = tmp_path / name
        await (await download.value).save_as(file)
        assert file.read_bytes().startswith(begins)
    await page.locator(".reports-head").get_by_text("Agents", exact=True).click()
    await expect(page.locator("td", has_text="1004").first).to_be_visible()
    head = page.locator(".reports-head")
    for kind, text in (("Trunks", "Contacts"), ("Flows", "Sessions ended"), ("Contacts", "handled")):
        await head.get_by_text(kind, exact=True).click()
        await expect(page.locator(".ant-table").first.get_by_text(text, exact=True).first).to_be_visible()
    await head.get_by_text("Queues", exact=True).click()
    await expect(row.first).to_be_visible()
    if TAKE_PICTURES:
        await page.screenshot(path=SCREENS / "reports-en-light.png", animations="disabled")
        chinese = await open_page("sup1", "/admin/reports", language="zh", theme="dark")
        await expect(chinese.locator(".report-bars")).to_be_visible()
        await chinese.screenshot(path=SCREENS / "reports-zh-dark.png", animations="disabled")


async def test_what_a_caller_answered_after_his_talk_is_on_the_page_of_surveys(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    phone: MakePhone,
) -> None:
    number = centre.new_caller()
    async with centre.desk("1004") as desk:
        call, contact = await is_asked_after_his_talk(centre, phone, desk, number)
        await call.press("4")
        await centre.happened(contact, "SurveyAnswered", question="service", score=4, scale=5)
        await call.hang_up()
        await centre.ended(number)
    page = await open_page("sup1", "/admin/surveys")
    rows = page.locator(".ant-table-row", has_text="service")
    await expect(rows.filter(has_text="support")).to_contain_text("of 5")
    await page.get_by_text("Agent", exact=True).click()
    await expect(rows.filter(has_text="1004")).to_contain_text("satisfaction")
    if TAKE_PICTURES:
        await page.screenshot(path=SCREENS / "surveys-en-light.png", animations="disabled")
        chinese = await open_page("sup1", "/admin/surveys", language="zh", theme="dark")
        await expect(chinese.locator(".ant-table-row").first).to_be_visible()
        await chinese.screenshot(path=SCREENS / "surveys-zh-dark.png", animations="disabled")


async def test_an_administrator_lets_a_report_make_itself_pauses_and_removes_it(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
) -> None:
    page = await open_page("admin", "/admin/reports")
    await page.get_by_role("button", name="Schedule this report").click()
    name = page.get_by_label("Name")
    await expect(name).to_have_value("Queues by queue")
    await name.fill("Queues of the day")
    await page.get_by_role("button", name="Save").click()
    row = page.locator("tr", has_text="Queues of the day")
    await expect(row).to_be_visible()
    await expect(row).to_contain_text("folder")
    await expect(row).to_contain_text("none yet")
    if TAKE_PICTURES:
        await page.screenshot(path=SCREENS / "report-schedules-en-light.png", animations="disabled")
    await row.get_by_role("button", name="Pause").click()
    await expect(row.get_by_role("button", name="Go on")).to_be_visible()
    other = await open_page("sup1", "/admin/reports")
    await expect(other.locator("tr", has_text="Queues of the day")).to_contain_text("paused")
    await expect(other.get_by_role("button", name="Go on")).to_have_count(0)
    await row.get_by_role("button", name="Remove").click()
    await page.locator(".ant-popconfirm").get_by_role("button", name="Remove").click()
    await expect(row).to_have_count(0)
