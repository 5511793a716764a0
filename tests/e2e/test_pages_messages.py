"""The desktop's voice messages in a real Chromium: heard, handled, called back, by keys."""

from __future__ import annotations

import re

from playwright.async_api import Route, expect

from tests.e2e.centre import Centre
from tests.e2e.lab import open_lab
from tests.e2e.test_calls_voice_mail import left
from tests.e2e.test_pages import SCREENS, TAKE_PICTURES, OpenPage, browser, open_page  # noqa: F401
from tests.support.fixtures import MakePhone
from tests.support.phone import AutoAnswer


async def test_an_agent_hears_a_message_and_handles_it_by_keys(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    phone: MakePhone,
) -> None:
    page = await open_page("1006")
    panel = page.locator(".messages")
    await expect(panel.locator(".notice")).to_contain_text("No messages wait")
    async with centre.desk("1006", ready=False), left(centre, phone, seconds=3.0) as (row, _):
        item = panel.locator(f"[data-message='{row['id']}']")
        await expect(item.locator(".message-state")).to_have_text("new")
        await expect(item).to_contain_text("****")
        await expect(item).to_contain_text("Support")
        await expect(item).to_contain_text(re.compile(r"0:0[2-4]"))
        await expect(panel).to_have_attribute("data-new", "1")
        await page.keyboard.press("v")
        await page.keyboard.press("p")
        await expect(item.locator("audio")).to_be_visible()
        await item.get_by_text("1.5×").click()
        assert await item.locator("audio").evaluate("audio => audio.playbackRate") == 1.5
        await expect(panel).to_have_attribute("data-new", "0")
        assert (await centre.get(f"messages/{row['id']}"))["state"] == "heard"
        if TAKE_PICTURES:
            await page.screenshot(path=SCREENS / "messages-en-light.png", animations="disabled")
            chinese = await open_page("1006", language="zh", theme="dark")
            await expect(chinese.locator(f"[data-message='{row['id']}']")).to_be_visible()
            await chinese.screenshot(path=SCREENS / "messages-zh-dark.png", animations="disabled")
        await page.keyboard.press("v")
        await page.keyboard.press("h")
        await expect(item).to_have_count(0)
        assert (await centre.get(f"messages/{row['id']}"))["handled_by"] == "1006"
        story = await open_page("sup1", f"/admin/contacts/{row['contact']}", language="zh")
        await expect(story.locator(".story")).to_contain_text("已处理")


async def test_an_order_is_not_lost_while_another_is_under_way(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    phone: MakePhone,
) -> None:
    page = await open_page("1006")
    held: list[Route] = []

    async def hold(route: Route) -> None:
        if held:
            await route.continue_()
        held.append(route)

    await page.route("**/messages/*/state", hold)
    async with centre.desk("1006", ready=False), left(centre, phone, seconds=3.0) as (row, _):
        item = page.locator(f"[data-message='{row['id']}']")
        await expect(item).to_be_visible()
        async with page.expect_request("**/messages/*/state"):
            await page.keyboard.press("v")
            await page.keyboard.press("p")
        await page.keyboard.press("v")
        await page.keyboard.press("h")
        await expect(item.get_by_role("button", name="Handled")).to_be_disabled()
        assert len(held) == 1
        await held[0].continue_()
        await expect(item).to_have_count(0)
        assert (await centre.get(f"messages/{row['id']}"))["state"] == "handled"


async def test_the_caller_is_called_back_and_a_list_that_fails_can_be_asked_again(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    phone: MakePhone,
) -> None:
    page = await open_page("1006", expected="503")
    lists = "**/api/v1/messages?*"
    async with centre.desk("1006", ready=False), left(centre, phone, seconds=3.0) as (row, _):
        item = page.locator(f"[data-message='{row['id']}']")
        await expect(item).to_be_visible()
        await page.route(lists, lambda route: route.fulfill(status=503))
        await page.reload()
        retry = page.locator(".messages").get_by_role("button", name="Try again")
        await expect(retry).to_be_visible()
        await page.unroute(lists)
        await retry.click()
        await expect(item).to_be_visible()
        await page.keyboard.press("v")
        await page.keyboard.press("c")
        await expect(page.get_by_text("The queue will call back.")).to_be_visible()
        await expect(item).to_have_count(0)
        assert (await centre.get(f"messages/{row['id']}"))["state"] == "handled"
        (promised,) = [one for one in await centre.items("call-backs") if one["number"] == row["caller"]]
        assert (promised["queue"], promised["state"]) == ("support", "open")
        assert (await centre.ask("DELETE", f"call-backs/{promised['id']}")).status_code == 200


async def test_an_agent_calls_back_from_his_own_mailbox(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    phone: MakePhone,
) -> None:
    page = await open_page("1006")
    async with (
        centre.desk("1006", ready=False, incoming=AutoAnswer()) as desk,
        left(centre, phone, seconds=3.0) as (row, _),
        open_lab(AutoAnswer()) as lab,
    ):
        path = f"messages/{row['id']}"
        given = await centre.ask("POST", f"{path}/hand-out", json={"to": "agent:1006"})
        assert given.status_code == 200, given.text
        later = {"not_before": "2030-01-01T00:00:00Z"}
        assert (await centre.ask("POST", f"{path}/call-back", user="1006", json=later)).status_code == 400
        assert (await centre.ask("POST", f"{path}/call-back", json={})).status_code == 400  # whose it is not
        item = page.locator(f"[data-message='{row['id']}']")
        await expect(item).to_contain_text("for me")
        await page.keyboard.press("v")
        await page.keyboard.press("c")
        own = await desk.next_call()
        customer = await lab.next_call()
        await own.answered.wait()
        await customer.answered.wait()
        await expect(page.get_by_text("Your phone rings, then the caller is called.")).to_be_visible()
        assert (await centre.get(path))["state"] == "heard"  # that it is handled he says himself
        await customer.hang_up()
        await own.ended.wait()
        made = await centre.eventually(lambda: centre.items("contacts", agent="1006"), bool)
        assert (made[0]["direction"], made[0]["outcome"]) == ("outbound", "handled")
