"""The web pages in a real Chromium: log-in, live overview, wallboard, desk, administration.

``CCP_SCREENS=1`` also writes the pictures of `docs/screens/` (a CJK font must be installed for the Chinese ones).
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, WebSocketRoute, expect

from tests.e2e.centre import CALLER_HZ, Centre
from tests.e2e.rig import talking
from tests.support import sources
from tests.support.chromium import PATIENCE_MS, chromium, faults_of
from tests.support.fixtures import MakePhone
from tests.support.milestone import PATIENCE
from tests.support.phone import AutoAnswer, SipPhone
from tests.support.platform import PlatformProcess

#: Taken out of the environment: the platform refuses `CCP_` variables that are no settings of its own.
TAKE_PICTURES: Final = os.environ.pop("CCP_SCREENS", "") == "1"
SCREENS: Final = Path(__file__).resolve().parents[2] / "docs" / "screens"
_LOCALES: Final = {"en": "en-GB", "zh": "zh-CN"}

OpenPage = Callable[..., Awaitable[Page]]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest.fixture
async def open_page(browser: Browser, platform: PlatformProcess) -> AsyncIterator[OpenPage]:
    """``await open_page("sup1", "/wallboard")``: a page of somebody's own browser, logged in through the form.

    Whatever a page reports as an error (scripts, refused requests, the content security policy) fails the test,
    but for the statuses that a test expects.
    """
    faults: list[list[str]] = []
    contexts: list[BrowserContext] = []

    async def make(
        user: str | None, path: str = "/", *, language: str = "en", theme: str = "light", expected: str = ""
    ) -> Page:
        context = await browser.new_context(
            base_url=platform.http,
            viewport={"width": 1280, "height": 720},
            locale=_LOCALES[language],
            color_scheme="dark" if theme == "dark" else "light",
        )
        contexts.append(context)
        faults.append(faults_of(context, expected=expected))
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        if user is None:
            await page.goto(path)
            return page
        await page.goto("/login")
        await fill_log_in(page, user, f"demo-{user}")
        await expect(page).to_have_url(f"{platform.http}/")
        if path != "/":
            await page.goto(path)
        return page

    yield make
    for context in contexts:
        await context.close()
    assert not any(faults), faults


async def fill_log_in(page: Page, user: str, password: str) -> None:
    await page.locator("#username").fill(user)
    await page.locator("#password").fill(password)
    await page.locator("button[type=submit]").click()


def agent_row(page: Page, agent: str) -> Locator:
    return page.locator(f"[data-agent='{agent}']")


# --- log-in -------------------------------------------------------------------------------------------------


async def test_a_wrong_password_is_said_and_the_right_one_opens_the_page_that_was_asked_for(
    open_page: OpenPage, platform: PlatformProcess
) -> None:
    page = await open_page(None, "/wallboard", expected="401")
    await expect(page).to_have_url(f"{platform.http}/login")
    await fill_log_in(page, "sup1", "not-his-password")
    await expect(page.get_by_role("alert")).to_contain_text("User or password is wrong.")
    await expect(page.locator("#username")).to_have_value("sup1")
    await fill_log_in(page, "sup1", "demo-sup1")
    await expect(page).to_have_url(f"{platform.http}/wallboard")
    await expect(page).to_have_title("Wallboard · ccplatform")


async def test_the_token_stays_in_the_tab_and_is_worthless_after_the_log_out(
    open_page: OpenPage, platform: PlatformProcess
) -> None:
    page = await open_page("sup1")
    await expect(agent_row(page, "1001")).to_be_visible()
    kept = await page.evaluate("sessionStorage.getItem('ccplatform.session')")
    token = re.search(r'"token":"([^"]+)"', kept)
    assert token is not None
    assert token[1] not in await page.evaluate("JSON.stringify(localStorage) + document.cookie + location.href")

    await page.reload()
    await expect(agent_row(page, "1001")).to_be_visible()
    async with page.expect_response("**/auth/logout"):
        await page.get_by_role("button", name="Log out").click()
    await expect(page).to_have_url(f"{platform.http}/login")
    async with httpx.AsyncClient(base_url=platform.http, timeout=PATIENCE) as client:
        answer = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token[1]}"})
    assert answer.status_code == 401


async def test_the_language_follows_the_browser_and_then_the_choice(open_page: OpenPage) -> None:
    page = await open_page(None, "/login", language="zh")
    await expect(page.get_by_role("heading", name="登录")).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    await page.get_by_role("button", name="中文").click()
    await fill_log_in(page, "sup1", "demo-sup1")
    await expect(
        page.get_by_role("heading", name="技能组 ").or_(page.get_by_label("技能组", exact=True))
    ).to_be_visible()
    await expect(page.locator("#agents-title")).to_have_text("座席")


# --- overview -----------------------------------------------------------------------------------------------


async def test_the_overview_follows_the_centre_without_a_reload(open_page: OpenPage, centre: Centre) -> None:
    page = await open_page("sup1")
    await expect(page.locator("[data-queue='support']")).to_contain_text("Support")
    await expect(agent_row(page, "1004")).to_contain_text("Signed out")
    for part in ("/api/v1/seats", "/api/v1/forecast"):  # asked for by parts of the page that come after the first
        loaded = f"performance.getEntriesByType('resource').some((entry) => entry.name.endsWith('{part}'))"
        async with asyncio.timeout(PATIENCE):
            await page.evaluate(f"async () => {{ while (!{loaded}) await new Promise(requestAnimationFrame); }}")
    await page.evaluate("window.sameDocument = true")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    try:
        await centre.set_state("1004", "not_ready", seat="seat-04", user="1004")
        await expect(agent_row(page, "1004")).to_contain_text("Not ready")
        await expect(agent_row(page, "1004")).to_contain_text("seat-04")
        await centre.set_state("1004", "not_ready", reason="lunch", user="1004")
        await expect(agent_row(page, "1004")).to_contain_text("Lunch")
        await centre.set_state("1004", "ready", user="1004")
        await expect(agent_row(page, "1004")).to_contain_text("Ready")
        await expect(page.locator("[data-queue='support']")).to_contain_text("1Ready")
    finally:
        await centre.sign_out("1004")
    await expect(agent_row(page, "1004")).to_contain_text("Signed out")
    assert await page.evaluate("window.sameDocument") is True
    asked = [url for url in requests if "/forecast" not in url]  # made anew each minute, asked for then
    assert not asked, "everything comes over the event stream"


async def test_a_call_is_seen_from_the_queue_to_the_talk_and_its_story_is_told(
    open_page: OpenPage, centre: Centre
) -> None:
    page = await open_page("sup1")
    await expect(agent_row(page, "1004")).to_be_visible()
    async with talking(centre) as talk:
        row = page.locator("[data-call]", has_text=talk.number)
        await expect(row).to_contain_text("Talking")
        await expect(row).to_contain_text("1004")
        await expect(agent_row(page, "1004")).to_contain_text(talk.number)
        await expect(page.locator("[data-queue='support']")).to_contain_text("1Talking")
    await expect(row).to_have_count(0)
    recording = await centre.recording(talk.contact)

    await page.goto("/admin")
    await page.locator(f"[data-row='{talk.contact}']").click()
    await expect(page).to_have_url(re.compile(f"/admin/contacts/{talk.contact}$"))
    await expect(page.locator(".story")).to_contain_text("Connected")
    await page.get_by_role("tab", name="SIP messages").click()
    await expect(page.locator(".ladder")).to_contain_text("INVITE")
    await page.get_by_role("button", name="Listen").click()
    audio = page.locator("audio")
    await expect(audio).to_have_attribute("src", re.compile("^/api/v1/recordings/linked/"))
    seconds = await audio.evaluate(
        """async (audio) => {
            if (audio.readyState < 1) await new Promise((loaded) => (audio.onloadedmetadata = loaded));
            return audio.duration;
        }"""
    )
    assert seconds == pytest.approx(recording["seconds"], abs=0.05)
    await expect(page.get_by_role("img", name="Loudness of caller and agent over time")).to_be_visible()


async def test_a_lost_connection_is_said_with_a_countdown_and_mends_itself(
    open_page: OpenPage, centre: Centre
) -> None:
    page = await open_page("sup1", expected="WebSocket")
    sockets: list[WebSocketRoute] = []
    away = False

    async def connect(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        if away:
            await socket.close(code=1001)
        else:
            socket.connect_to_server()

    await page.route_web_socket("**/api/v1/events", connect)
    await page.reload()
    await expect(agent_row(page, "1004")).to_contain_text("Signed out")
    away = True
    await sockets[-1].close(code=1001)
    bar = page.locator(".bar.lost")
    await expect(bar).to_contain_text(re.compile(r"Next attempt in \d+ s"))
    await expect(bar).to_contain_text(re.compile(r"Figures of [\d:]+, [\d:]+ old"))
    await expect(page.locator(".stale-figures")).to_have_count(1)
    await expect(agent_row(page, "1004")).to_contain_text("Signed out")
    try:
        await centre.set_state("1004", "not_ready", seat="seat-04", user="1004")
        away = False
        await page.keyboard.press("r")
        await expect(bar).to_have_count(0)
        await expect(page.locator(".stale-figures")).to_have_count(0)
        await expect(agent_row(page, "1004")).to_contain_text("Not ready")
    finally:
        await centre.sign_out("1004")


# --- wallboard and administration ----------------------------------------------------------------------------


async def test_the_wallboard_shows_queues_and_the_clauses_of_the_standard(open_page: OpenPage) -> None:
    page = await open_page("sup1", "/wallboard")
    await expect(page.locator("article[data-queue]")).to_have_count(3)
    await expect(page.locator("article[data-queue='sales']")).to_contain_text("Target 80 % in 20 s")
    await expect(page.locator("article[data-queue='sales'] .tile-more")).to_contain_text("Expected wait")
    await expect(page.locator("article[data-queue='sales'] .tile-more")).to_contain_text("abandoned")
    clauses = page.locator("[data-requirement]")
    await expect(clauses.first).to_be_visible()
    assert {"R10.3.1.1.a", "R10.3.1.2", "R10.3.1.3.delay", "R10.3.1.6", "R10.3.2.d"} <= {
        await clause.get_attribute("data-requirement") for clause in await clauses.all()
    }
    for clause in await clauses.all():
        await expect(clause).to_contain_text(re.compile("Pass|Fail|Insufficient|No data"))
        await expect(clause).to_contain_text("n = ")
    await page.keyboard.press("f")
    await expect(page.locator(".wall-controls")).to_have_count(0)
    await page.keyboard.press("f")
    await expect(page.locator(".wall-controls")).to_be_visible()


#: Least height of a digit that is read from ten metres: 16 minutes of arc (ISO 9241-303) are 46.5 mm, and a pixel
#: of a screen of 65 inches (1920 of them in a row) is 0.749 mm.
_TEN_METRES_PX: Final = 62
#: Height of a digit of each element as it is drawn, pixels.
_DIGITS: Final = """(all) => all.map((one) => {
    const { font, fontSize, fontWeight, fontFamily } = getComputedStyle(one);
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = font || `${fontWeight} ${fontSize} ${fontFamily}`;
    return pen.measureText("8").actualBoundingBoxAscent;
})"""

#: What does not fit into its frame.
_TOO_SMALL: Final = """(all) => all
    .filter((one) => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1)
    .map((one) => one.innerText)"""


async def test_the_loud_figures_of_a_full_screen_are_read_from_ten_metres(open_page: OpenPage) -> None:
    page = await open_page("sup1", "/wallboard")
    await page.set_viewport_size({"width": 1920, "height": 1080})
    await expect(page.locator("[data-requirement]").first).to_be_visible()
    await page.keyboard.press("f")
    await expect(page.locator(".wall.full")).to_be_visible()
    for figures in (".tile-level b", ".tile-waits b"):
        await expect(page.locator(figures).first).to_be_visible()
        heights = await page.locator(figures).evaluate_all(_DIGITS)
        assert min(heights) >= _TEN_METRES_PX, (figures, heights)
    assert await page.locator(".tile").evaluate_all(_TOO_SMALL) == []
    await page.keyboard.press("f")
    await expect(page.locator(".wall-controls")).to_be_visible()
    await page.set_viewport_size({"width": 1280, "height": 720})
    assert await page.locator(".tile").evaluate_all(_TOO_SMALL) == []


async def test_the_administration_shows_what_the_role_permits(open_page: OpenPage) -> None:
    page = await open_page("admin", "/admin/audit")
    await expect(page.locator("tr.ant-table-row").first).to_contain_text("Log in")
    await page.get_by_role("button", name="Check the chain").click()
    await expect(page.get_by_text(re.compile("entries are intact"))).to_be_visible()
    supervisor = await open_page("sup1", "/admin/audit")
    await expect(supervisor.get_by_text("Your role does not permit this.")).to_be_visible()
    await expect(supervisor.get_by_role("link", name="Audit")).to_have_count(0)


async def test_a_maintainer_blocks_and_activates_a_trunk_by_keyboard(open_page: OpenPage, centre: Centre) -> None:
    page = await open_page("tech1", "/admin/trunks")
    row = page.locator("[data-trunk='lab']")
    await expect(row).to_contain_text("Active")
    await expect(row).to_contain_text("UDP 127.0.0.1:5081")
    await expect(page.locator("[data-trunk='pstn']")).to_contain_text("takes no calls")
    await expect(page.get_by_text("Nobody is banned.")).to_be_visible()
    try:
        await row.get_by_role("button", name="Block").focus()
        await page.keyboard.press("Enter")
        await expect(row).to_contain_text("Blocked")
        assert (await centre.get("trunks/lab"))["state"] == "blocked"
        await row.get_by_role("button", name="Isolate").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("End all calls of lab and cut it off?")).to_be_visible()
        await page.get_by_role("button", name="No", exact=True).click()
        await row.get_by_role("button", name="Activate").click()
        await expect(row).to_contain_text("Active")
    finally:
        await centre.ask("POST", "trunks/lab/activate", user="tech1")
    looking = await open_page("sup1", "/admin/trunks", language="zh")
    await expect(looking.get_by_role("heading", name="中继", exact=True)).to_be_visible()
    await expect(looking.locator("[data-trunk='lab'] button").first).to_be_disabled()


async def test_a_maintainer_resets_a_listener_and_a_seat(
    open_page: OpenPage, centre: Centre, phone: MakePhone
) -> None:
    seat = await phone("8010", password="demo-8010")
    await seat.register(centre.sip)
    page = await open_page("tech1", "/admin/trunks")
    row = page.locator("[data-reset='seat-10']")
    await expect(row).to_contain_text("UDP 127.0.0.1")
    await row.get_by_role("button", name="Reset").click()
    await page.get_by_role("button", name="Yes", exact=True).click()
    await expect(row).to_contain_text("no phone registered")
    for transport in ("UDP", "TCP"):
        answer = await centre.ask("POST", f"sip/ports/{transport}/reset", user="tech1")
        assert answer.status_code == 204, answer.text
    await seat.register(centre.sip)
    await expect(row).to_contain_text("UDP 127.0.0.1")


# --- desk ---------------------------------------------------------------------------------------------------


async def test_an_agent_signs_in_and_changes_his_state_by_page_and_keys(
    open_page: OpenPage, centre: Centre
) -> None:
    page = await open_page("1004")
    state = page.locator("[data-state]")
    await expect(state).to_have_attribute("data-state", "signed_out")
    try:
        seat = page.get_by_role("combobox")
        await seat.fill("seat-04")
        await seat.press("Escape")
        await page.get_by_role("button", name=re.compile("Sign in")).click()
        await expect(state).to_have_attribute("data-state", "not_ready")
        await page.keyboard.press("F2")
        await expect(state).to_have_attribute("data-state", "ready")
        assert (await centre.get("agents/1004"))["state"] == "ready"
        await page.keyboard.press("p")
        await page.keyboard.press("2")
        await expect(state).to_have_attribute("data-state", "not_ready")
        await expect(page.locator(".state-sub")).to_contain_text("Lunch 午餐")
        await page.get_by_role("button", name=re.compile("^Ready")).click()
        await expect(state).to_have_attribute("data-state", "ready")
        await page.get_by_role("button", name=re.compile("Sign out")).click()
        await expect(state).to_have_attribute("data-state", "signed_out")
    finally:
        await centre.sign_out("1004")


async def test_a_desk_offers_the_configured_reasons_and_no_others(open_page: OpenPage, centre: Centre) -> None:
    tea = {"name": "Afternoon tea", "position": 1}
    made = await centre.ask("PUT", "configuration/reasons/tea", user="admin", json=tea)
    assert made.is_success, made.text
    try:
        await centre.set_state("1004", "not_ready", seat="seat-04", user="1004")
        page = await open_page("1004", expected="409")
        first = page.get_by_role("group", name="Not ready because of").get_by_role("button").first
        await expect(first).to_contain_text("Afternoon tea")
        await first.click()
        await expect(page.locator(".state-sub")).to_contain_text("Afternoon tea")
        await centre.ask("DELETE", "configuration/reasons/tea", user="admin")
        await page.get_by_role("button", name=re.compile("^Lunch")).click()
        await expect(page.locator(".state-sub")).to_contain_text("Lunch")
        await first.click()  # the page does not know yet that it is gone
        await expect(page.get_by_text("This reason is not offered any more")).to_be_visible()
        await expect(first).to_contain_text("Break")
        assert (await centre.get("agents/1004"))["reason"] == "lunch"
    finally:
        await centre.ask("DELETE", "configuration/reasons/tea", user="admin")
        await centre.sign_out("1004")


async def test_an_agent_sees_who_calls_and_holds_the_call(open_page: OpenPage, centre: Centre) -> None:
    async with (
        centre.desk("1004", incoming=AutoAnswer()),
        SipPhone("13800000001", source=sources.tone(CALLER_HZ)) as phone,
    ):
        page = await open_page("1004")
        call = await phone.dial(centre.number("95001"))
        card = page.locator(".call-card")
        await expect(card).to_contain_text("13800000001")
        await expect(page.locator(".customer-card")).to_contain_text("Zhang Wei")
        await expect(card).to_contain_text("Talking")
        await page.keyboard.press("h")
        await expect(card).to_contain_text("On hold")
        await page.keyboard.press("h")
        await expect(card).to_contain_text("Talking")
        await page.keyboard.press("e")
        await call.ended.wait()
        await expect(page.locator("[data-state]")).to_have_attribute("data-state", "wrap_up")


async def test_the_pop_shows_the_way_through_the_menu_and_open_call_backs(
    open_page: OpenPage, centre: Centre
) -> None:
    number = centre.new_caller()
    wanted = {"queue": "support", "number": number, "not_before": "2100-01-01T00:00:00Z"}
    promise = await centre.ask("POST", "call-backs", user="1004", json=wanted)
    assert promise.status_code == 201, promise.text
    try:
        async with (
            centre.desk("1004") as desk,
            SipPhone(number, source=sources.tone(CALLER_HZ)) as phone,
        ):
            page = await open_page("1004")
            call = await phone.dial(centre.number("95000"))
            await call.heard(speech=True)
            await call.press("2")
            ringing = await desk.next_call()  # once they talk the promise is settled
            card = page.locator(".customer-card")
            steps = card.get_by_role("list", name="In the menus").get_by_role("listitem")
            await expect(steps).to_contain_text(["greeting", "menu 2", "support"])
            await expect(card.get_by_role("list", name="Open call-backs")).to_contain_text("support")
            await ringing.answer()
            await call.hang_up()
    finally:
        await centre.ask("DELETE", f"call-backs/{promise.json()['id']}")


async def test_an_agent_asks_a_colleague_by_keyboard_and_hands_the_caller_over(
    open_page: OpenPage, centre: Centre
) -> None:
    async with (
        centre.desk("1004", incoming=AutoAnswer()),
        centre.desk("1005", ready=False, incoming=AutoAnswer()),
        SipPhone("13800000001", source=sources.tone(CALLER_HZ)) as phone,
    ):
        page = await open_page("1004")
        call = await phone.dial(centre.number("95001"))
        card = page.locator(".call-card")
        await expect(card).to_contain_text("Talking")
        await page.keyboard.press("c")
        await page.keyboard.type("1005")
        await page.keyboard.press("Enter")
        asked = card.get_by_label("Asked about the caller")
        await expect(asked).to_contain_text("1005")
        await expect(asked.get_by_role("button", name="Conference")).to_be_enabled()
        await page.keyboard.press("s")
        await expect(card.locator(".call-stage")).to_contain_text("Talking")
        await page.keyboard.press("f")
        await expect(card.get_by_label("In the conference")).to_contain_text("1005")
        await card.get_by_role("button", name="Let go").click()
        await expect(card.get_by_label("In the conference")).to_have_count(0)
        await page.keyboard.press("e")
        await call.ended.wait()


async def test_what_an_agent_notes_is_shown_at_the_next_call_of_that_number(
    open_page: OpenPage, centre: Centre
) -> None:
    text = "wants <b>a letter</b> & a call"
    async with (
        centre.desk("1004", incoming=AutoAnswer()),
        SipPhone("13800000007", source=sources.tone(CALLER_HZ)) as phone,
    ):
        page = await open_page("1004")
        state, card = page.locator("[data-state]"), page.locator(".note-card")
        call = await phone.dial(centre.number("95001"))
        await expect(page.locator(".call-card")).to_contain_text("Talking")
        follow_up = card.get_by_role("button", name="Follow-up")
        await expect(follow_up).to_be_visible()
        await page.keyboard.press("2")  # it is saved at once
        await expect(follow_up).to_have_attribute("aria-pressed", "true")
        await expect(card.get_by_role("status")).to_contain_text("Saved")
        await page.keyboard.press("n")
        await page.keyboard.type(text)
        await expect(card.get_by_role("status")).to_contain_text("Not saved yet")
        await page.reload()  # what was not saved is not lost
        await expect(card.get_by_role("textbox")).to_have_value(text)
        await page.keyboard.press("e")
        await call.ended.wait()
        await expect(state).to_have_attribute("data-state", "wrap_up")
        await page.keyboard.press("+")
        await expect(card.locator(".wrap-up-time")).to_contain_text(re.compile(r"0:[23]\d left"))
        await page.keyboard.press("w")
        await expect(state).to_have_attribute("data-state", "ready")
        await expect(card.get_by_role("status")).to_contain_text("Saved")
        again = await phone.dial(centre.number("95001"))
        await expect(page.locator(".last-contacts")).to_contain_text(f"Follow-up 需跟进 {text}")
        await page.keyboard.press("e")
        await again.ended.wait()
    _, noted = (await centre.items("contacts", caller="13800000007"))[:2]
    drawer = (await open_page("sup1", f"/admin/contacts/{noted['id']}")).locator(".contact-notes")
    await expect(drawer).to_contain_text(text)


# --- pictures -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not TAKE_PICTURES, reason="CCP_SCREENS=1 writes docs/screens")
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("en", "dark"), ("zh", "light"), ("zh", "dark")])
async def test_pictures_of_the_pages(open_page: OpenPage, centre: Centre, language: str, theme: str) -> None:
    SCREENS.mkdir(parents=True, exist_ok=True)

    async def take(page: Page, name: str) -> None:
        await page.mouse.move(0, 0)
        await page.screenshot(path=SCREENS / f"{name}-{language}-{theme}.png", animations="disabled")

    async def opened(user: str | None, path: str, shows: str) -> Page:
        page = await open_page(user, path, language=language, theme=theme)
        await expect(page.locator(shows).first).to_be_visible()
        return page

    async with AsyncExitStack() as people:
        for agent in ("1004", "1005"):
            await people.enter_async_context(centre.desk(agent, incoming=AutoAnswer()))
        await people.enter_async_context(centre.desk("1002"))
        await people.enter_async_context(centre.desk("1001", ready=False))
        await centre.set_state("1001", "not_ready", reason="lunch", user="1001")
        for number, dialled in (("13800000001", "95001"), ("13800000002", "95001"), ("13800000003", "95001")):
            phone = await people.enter_async_context(SipPhone(number, source=sources.tone(CALLER_HZ)))
            await (await phone.dial(centre.number(dialled))).answered.wait()
        await centre.agent_is("1005", "talking")
        await take(await opened(None, "/login", "#username"), "login")
        await take(await opened("sup1", "/", "[data-call] >> nth=2"), "overview")
        await take(await opened("sup1", "/wallboard", "[data-requirement]"), "wallboard")
        await take(await opened("sup1", "/admin", "[data-row]"), "admin")
        await take(await opened("tech1", "/admin/trunks", "[data-trunk='lab']"), "trunks")
        await take(await opened("1004", "/", ".pop"), "desk")
    contacts = await centre.items("contacts", caller="13800000001")
    page = await opened("admin", f"/admin/contacts/{contacts[0]['id']}", ".story li")
    await page.locator(".player button").click()
    await expect(page.locator(".waveform")).to_be_visible()
    await take(page, "contact")
