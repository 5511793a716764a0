"""No action of the desk takes more than two clicks: each is done with a mouse, and the table of
``docs/packages/web.md`` says how many it took. What is typed is typed into what has the focus."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Locator, Page, expect

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.e2e.test_calls_recording import rule
from tests.e2e.test_calls_voice_mail import left
from tests.e2e.test_pages_softphone import browser_of, desk
from tests.support import sources
from tests.support.chromium import hears
from tests.support.fixtures import MakePhone
from tests.support.phone import AutoAnswer, SipPhone
from tests.support.phone_call import PhoneCall

_MOST: Final = 2
_PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "packages" / "web.md"
_ROW: Final = re.compile(r"^\| (?P<action>[^|]+) \| (?P<clicks>\d+)(?:: [^|]+)? \| [^|]+ \|$", re.MULTILINE)
_OF_MESSAGES: Final = {"hear a message", "a message is handled", "call back who left it", "remove a message"}
_CRM: Final = "https://crm.example"

#: Counts what a mouse clicks: not what Enter in a form clicks, nor the field that a label clicks.
_COUNT: Final = """
window.clicks = 0;
{
  let pressed = false;
  addEventListener("pointerdown", () => (pressed = true), true);
  addEventListener("click", ({ isTrusted }) => {
    if (isTrusted && pressed) window.clicks += 1;
    pressed = false;
  }, true);
}
"""


def written() -> dict[str, int]:
    """The table: clicks by action."""
    text = _PAGE.read_text("utf-8").partition("| action | clicks | keys |")[2].partition("\n\n")[0]
    return {row["action"]: int(row["clicks"]) for row in _ROW.finditer(text)}


class Mouse:
    """Counts the clicks on a page, by action."""

    def __init__(self, page: Page) -> None:
        self.took: dict[str, int] = {}
        self._page = page

    @asynccontextmanager
    async def does(self, action: str) -> AsyncIterator[None]:
        """What is done within, and seen to be done, is this action."""
        before = await self._page.evaluate("clicks")
        yield
        self.took[action] = await self._page.evaluate("clicks") - before


class Desk:
    """The agent's page, by a mouse."""

    def __init__(self, page: Page, mouse: Mouse) -> None:
        self.page = page
        self.does, self.took = mouse.does, mouse.took
        self.call = page.locator(".call-card")

    def button(self, name: str, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=re.compile(f"^{re.escape(name)}"))

    async def press(self, name: str, within: Locator | None = None) -> None:
        await self.button(name, within).click()

    async def is_in(self, state: str) -> None:
        await expect(self.page.locator(".state-now")).to_have_attribute("data-state", state)

    async def type(self, field: Locator, text: str) -> None:
        """Into the field that has the focus."""
        await expect(field).to_be_focused()
        await self.page.keyboard.type(text)

    async def stage(self, word: str) -> None:
        await expect(self.call.locator(".call-stage")).to_contain_text(word)

    async def asks(self, order: str) -> None:
        """1005, by the field for whom to call."""
        somebody = self.page.locator(".call-somebody")
        await somebody.click()
        await self.type(somebody, "1005")
        await self.press(order, self.call)

    async def talks_to_1005(self) -> Locator:
        asked = self.call.get_by_label("Asked about the caller")
        await expect(self.button("Conference", asked)).to_be_enabled()
        return asked

    async def ends_wrap_up(self) -> None:
        await self.is_in("wrap_up")
        await self.press("Done")
        await self.is_in("ready")


async def test_no_action_of_the_desk_takes_more_than_two_clicks(centre: Centre, tmp_path: Path) -> None:
    number = centre.new_caller()
    async with AsyncExitStack() as stack:
        context = await stack.enter_async_context(browser_of(centre, tmp_path / "microphone.wav", AGENT_HZ))
        await context.add_init_script(_COUNT)
        await context.route(f"{_CRM}/**", lambda route: route.fulfill(body="customer", content_type="text/html"))
        await stack.enter_async_context(_centre_has(centre, number))
        await stack.enter_async_context(centre.desk("1005", ready=False, incoming=AutoAnswer()))
        page = await desk(context, "1004")
        mouse = Mouse(page)
        own = Desk(page, mouse)
        stack.push_async_callback(centre.sign_out, "1004")
        phone = await stack.enter_async_context(SipPhone(number, source=sources.tone(CALLER_HZ)))
        await _state(own)
        await _devices(own)
        await _information(own)
        async with _answered(own, phone, centre, "answer"):
            await _customer(own, number)
            await _controls(own)
            await _consulting(own)
        await _wrap_up(own)
        await _handing_over(own, phone, centre)
        await _recording(own, phone, centre)
        await _calling(own)
    await centre.nothing_left()
    table = written()
    assert max(table.values()) <= _MOST
    assert mouse.took == {action: clicks for action, clicks in table.items() if action not in _OF_MESSAGES}


async def test_no_action_with_a_voice_message_takes_more_than_two_clicks(
    centre: Centre, phone: MakePhone, tmp_path: Path
) -> None:
    async with browser_of(centre, tmp_path / "microphone.wav", AGENT_HZ) as context:
        await context.add_init_script(_COUNT)
        page = await desk(context, "1006")
        mouse = Mouse(page)
        own = Desk(page, mouse)
        async with centre.desk("1006", ready=False):
            for action in ("hear a message", "call back who left it", "remove a message"):
                async with left(centre, phone, seconds=2.0) as (row, _):
                    item = page.locator(f"[data-message='{row['id']}']")
                    await expect(item).to_be_visible()
                    await _message(own, item, action)
            promised = [one for one in await centre.items("call-backs") if one["number"].startswith("1390")]
            for one in promised:
                await centre.ask("DELETE", f"call-backs/{one['id']}")
    table = written()
    assert mouse.took == {action: table[action] for action in _OF_MESSAGES}


async def _message(own: Desk, item: Locator, action: str) -> None:
    match action:
        case "hear a message":
            async with own.does(action):
                await own.press("Listen", item)
                await expect(item.locator("audio")).to_be_visible()
            async with own.does("a message is handled"):
                await own.press("Handled", item)
                await expect(item).to_have_count(0)
        case "call back who left it":
            async with own.does(action):
                await own.press("Call back", item)
                await expect(item).to_have_count(0)
        case _:
            async with own.does(action):
                await own.press("Delete", item)
                await own.press("Yes")
                await expect(item).to_have_count(0)


@asynccontextmanager
async def _centre_has(centre: Centre, number: str) -> AsyncIterator[None]:
    """Two customers with this number, a script, a link into a CRM, and something to be read."""
    for account in ("one", "two"):
        card = {"phone": number, "name": f"Customer {account}"}
        card |= dict.fromkeys(("name_latin", "level", "city", "note"), "")
        path = f"customers/{number}-{account}"
        made = await centre.ask("PUT", path, user="1004", json=card, headers={"If-None-Match": "*"})
        assert made.is_success, made.text
    steps = [{"title": "Greeting", "text": "Good day."}, {"title": "Goodbye", "text": "Thank you."}]
    wanted: dict[str, dict[str, Any]] = {
        "scripts/clicks": {"name": "First call", "queues": ["support"], "position": 1, "steps": steps},
        "crm-links/clicks": {"name": "Our CRM", "url": f"{_CRM}/{{account}}"},
        "articles/urgent": {"title": "Read this now", "text": "All of it.", "urgent": True},
        "articles/other": {"title": "Read this some time", "text": "If you like."},
    }
    try:
        for path, document in wanted.items():
            made = await centre.ask("PUT", f"configuration/{path}", user="admin", json=document)
            assert made.is_success, made.text
        yield
    finally:
        for path in wanted:
            await centre.ask("DELETE", f"configuration/{path}", user="admin")


async def _state(own: Desk) -> None:
    page = own.page
    async with own.does("sign in"):
        await own.type(page.locator("#seat"), "seat-04")
        await page.get_by_text("This browser", exact=True).click()
        await own.press("Sign in")
        await own.is_in("not_ready")
    async with own.does("sign out"):
        await own.press("Sign out")
        await own.is_in("signed_out")
    async with own.does("sign in where one was last"):
        await own.press("Sign in")
        await own.is_in("not_ready")
    await expect(page.locator("[data-phone='ready']")).to_be_visible()
    async with own.does("ready"):
        await own.press("Ready")
        await own.is_in("ready")
    async with own.does("a pause for a reason"):
        await own.press("Lunch")
        await expect(page.locator(".state-sub")).to_contain_text("Lunch")
    await own.press("Ready")
    await own.is_in("ready")
    async with own.does("not ready"):
        await own.press("Not ready")
        await own.is_in("not_ready")


async def _devices(own: Desk) -> None:
    page = own.page
    trial = page.locator(".sound-test")
    async with own.does("try the microphone"):
        await own.press("Sound test")
        await expect(trial.get_by_text("You are heard")).to_be_visible()
    await own.press("Sound test")
    for action, legend in (("choose a microphone", "Microphone"), ("choose a headset", "Headset")):
        async with own.does(action):
            await own.press("Sound test")
            device = trial.get_by_role("group", name=legend).get_by_role("radio").nth(1)
            await device.click()
            await expect(device).to_be_checked()
        await page.keyboard.press("ArrowUp")
        await expect(trial.get_by_role("group", name=legend).get_by_role("radio").first).to_be_checked()
        await own.press("Sound test")
        await expect(trial).to_have_count(0)
    async with own.does("be called at the desk phone"):
        await own.press("Use the desk phone")
        await expect(page.locator("[data-phone='desk']")).to_be_visible()
    async with own.does("be called in this browser"):
        await own.press("Use this browser")
        await expect(page.locator("[data-phone='ready']")).to_be_visible()


async def _information(own: Desk) -> None:
    articles = own.page.locator(".articles")
    urgent, other = articles.locator("[data-article='urgent']"), articles.locator("[data-article='other']")
    async with own.does("an urgent notice was read"):
        await own.press("I have read this", urgent)
        await expect(urgent).to_contain_text("✓ read")
    async with own.does("another article was read"):
        await other.get_by_text("Read this some time").click()
        await own.press("I have read this", other)
        await expect(other).to_contain_text("✓ read")
    async with own.does("look for an article"):
        search = articles.get_by_role("textbox", name="Search information")
        await search.click()
        await own.type(search, "some time")
        await expect(urgent).to_have_count(0)
        await expect(other).to_be_visible()
    await search.fill("")
    await own.press("Ready")
    await own.is_in("ready")


@asynccontextmanager
async def _answered(own: Desk, phone: SipPhone, centre: Centre, action: str = "") -> AsyncIterator[PhoneCall]:
    """A call to the agent's queue, answered by the mouse; it is over at the end."""
    call = await phone.dial(centre.number("95001"))
    async with own.does(action or "answer"):
        await own.press("Answer")
        await own.is_in("talking")
        await hears(own.page, CALLER_HZ)
    yield call
    await call.ended.wait()


async def _customer(own: Desk, number: str) -> None:
    page, card = own.page, own.page.locator(".customer-card")
    other = card.locator(".customer-choice [aria-pressed='false']")
    name = await other.inner_text()
    async with own.does("another customer with the number"):
        await other.click()
        await expect(card.locator(".pop-name")).to_contain_text(name)
    async with own.does("the CRM"), page.context.expect_page() as opened:
        await card.get_by_role("link", name=re.compile("Our CRM")).click()
    crm = await opened.value
    assert crm.url == f"{_CRM}/{number}-{name.removeprefix('Customer ')}"
    await crm.close()
    async with own.does("who changed the customer"):
        await card.locator(".customer-history summary").click()
        await expect(card.locator(".customer-history ol li")).to_contain_text("1004")
    async with own.does("correct the customer"):
        await own.press("Correct", card)
        await own.type(card.get_by_label("Number"), "")
        await page.keyboard.press("Tab")
        await own.type(card.get_by_label("Name", exact=True), "Corrected")
        await own.press("Save", card)
        await expect(card.locator(".pop-name")).to_contain_text("Corrected")
    async with own.does("enter a customer"):
        await own.press("Enter the customer", card)
        await own.type(card.get_by_label("Account"), f"{number}-three")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await own.type(card.get_by_label("Name", exact=True), "Customer three")
        await own.press("Save", card)
        await expect(card.locator(".pop-name")).to_contain_text("Customer three")
    async with own.does("a step of the script"):
        await own.press("Goodbye", page.get_by_role("region", name="Script"))
        await expect(page.get_by_role("region", name="Script")).to_contain_text("Thank you.")


async def _controls(own: Desk) -> None:
    for action, name, then in (
        ("hold", "Hold", "Retrieve"),
        ("retrieve", "Retrieve", "Hold"),
        ("mute", "Mute", "Unmute"),
        ("unmute", "Unmute", "Mute"),
    ):
        async with own.does(action):
            await own.press(name, own.call)
            await expect(own.button(then, own.call)).to_be_enabled()
    async with own.does("a key of the telephone"), own.page.expect_response("**/dtmf") as answer:
        await own.press("Keypad", own.call)
        await own.call.get_by_role("group", name="Keypad").get_by_role("button", name="7").click()
    assert (await answer.value).ok
    await own.press("Keypad", own.call)
    sign = own.call.locator(".recorded")
    async with own.does("pause the recording"):
        await own.press("Pause recording", own.call)
        await own.call.get_by_role("group", name="Why?").get_by_role("button").first.click()
        await expect(sign).to_contain_text("Recording paused by 1004")
    async with own.does("resume the recording"):
        await own.press("Resume recording", own.call)
        await expect(sign).to_have_text("Recording")


async def _consulting(own: Desk) -> None:
    async with own.does("consult"):
        await own.asks("Consult")
        asked = await own.talks_to_1005()
    async with own.does("swap"):
        await own.press("Swap", asked)
        await own.stage("Talking")
    async with own.does("back to the caller"):
        await own.press("Back to the caller", asked)
        await expect(asked).to_have_count(0)
    members = own.call.get_by_label("In the conference")
    for _ in range(2):
        await own.asks("Consult")
        asked = await own.talks_to_1005()
        async with own.does("conference"):
            await own.press("Conference", asked)
            await expect(members).to_contain_text("1005")
        if "let somebody go" not in own.took:
            async with own.does("let somebody go"):
                await own.press("Let go", members)
                await expect(members).to_have_count(0)
    async with own.does("end the conference for all"):
        await own.press("End for all", own.call)
        await own.press("End for all: press again", own.call)
        await own.is_in("wrap_up")


async def _wrap_up(own: Desk) -> None:
    notes = own.page.locator(".note-card")
    follow_up = own.button("Follow-up", notes)
    async with own.does("a result"):
        await follow_up.click()
        await expect(own.page.locator(".note-card [aria-pressed='true']")).to_contain_text("Follow-up")
    async with own.does("a note"):
        text = notes.get_by_role("textbox")
        await text.click()
        await own.type(text, "a word")
        await own.page.keyboard.press("Tab")
        await expect(notes.get_by_role("status")).to_contain_text("Saved")
    async with own.does("more wrap-up"), own.page.expect_response("**/wrap-up/extend") as answer:
        await own.press("More time", notes)
    assert (await answer.value).ok
    async with own.does("end the wrap-up"):
        await own.press("Done", notes)
        await own.is_in("ready")


async def _handing_over(own: Desk, phone: SipPhone, centre: Centre) -> None:
    async with _answered(own, phone, centre) as call:
        await own.asks("Consult")
        asked = await own.talks_to_1005()
        async with own.does("complete"):
            await own.press("Hand over", asked)
            await own.is_in("wrap_up")
        await call.hang_up()
    await own.ends_wrap_up()
    await centre.agent_is("1005", "wrap_up")
    await centre.set_state("1005", "not_ready", user="1005")
    async with _answered(own, phone, centre) as call:
        async with own.does("transfer"):
            await own.asks("Transfer")
            await own.is_in("wrap_up")
        await call.hang_up()
    await own.ends_wrap_up()


async def _recording(own: Desk, phone: SipPhone, centre: Centre) -> None:
    sign = own.call.locator(".recorded")
    async with rule(centre, mode="on_demand", queues=["support"]), _answered(own, phone, centre):
        async with own.does("start a recording"):
            await own.press("Start recording", own.call)
            await expect(sign).to_have_text("Recording")
        async with own.does("stop a recording"):
            await own.press("Stop recording", own.call)
            await expect(own.button("Start recording", own.call)).to_be_visible()
        async with own.does("hang up"):
            await own.press("Hang up", own.call)
            await own.is_in("wrap_up")
    await own.ends_wrap_up()


async def _calling(own: Desk) -> None:
    await own.press("Not ready")
    await own.is_in("not_ready")
    async with own.does("call a number"):
        field = own.call.get_by_role("textbox", name="Number to call")
        await field.click()
        await own.type(field, "1005")
        await own.call.get_by_role("button", name="Call", exact=True).click()
        await own.stage("Talking")
    await own.press("Hang up", own.call)
    again = own.call.get_by_role("list", name="Last contacts").get_by_role("button", name="Call 1005").first
    await expect(again).to_be_enabled()
    async with own.does("call a number of the list"):
        await again.click()
        await own.stage("Talking")
    await own.press("Hang up", own.call)
    await expect(own.button("Hang up", own.call)).to_have_count(0)
