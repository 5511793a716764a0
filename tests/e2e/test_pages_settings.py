"""The administration's settings in a real Chromium: what is made there is in force at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.async_api import Page, Route, expect

from ccplatform.configuration.paging import page_of
from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.e2e.test_pages import SCREENS, TAKE_PICTURES, OpenPage, browser, open_page  # noqa: F401
from tests.support import sources
from tests.support.fixtures import MakePhone
from tests.support.phone import AutoAnswer, SipPhone

_OFFICE: Final[dict[str, object]] = {
    "week": {day: [{"start": "09:00", "end": "18:00"}] for day in "01234"},
    "holidays": ["cn-2026"],
}


async def begin(page: Page, area: str) -> None:
    await page.goto(f"/admin/{area}")
    await page.get_by_role("button", name="New").click()


async def fill(page: Page, **fields: str) -> None:
    for name, text in fields.items():
        await page.locator(f"[data-field='{name}'] input").first.fill(text)


async def choose(page: Page, field: str, option: str) -> None:
    box = page.locator(f"[data-field='{field}'] input").first
    await box.click()
    await box.fill(option)
    await box.press("Enter")


async def save(page: Page, made: str) -> None:
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(f"[data-setting='{made}']")).to_be_visible()


async def test_an_agent_and_a_queue_made_on_the_page_get_a_call(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    phone: MakePhone,
) -> None:
    page = await open_page("admin", "/admin")
    await begin(page, "skills")
    await fill(page, id="piano", name="Piano 钢琴")
    await save(page, "piano")
    await begin(page, "agents")
    await fill(page, id="2001", name="Ada 艾达")
    await choose(page, "skills", "piano")
    await save(page, "2001")
    await begin(page, "queues")
    await fill(page, id="tuning", name="Tuning 调音")
    await choose(page, "skill", "piano")
    await save(page, "tuning")
    await begin(page, "seats")
    await fill(page, id="seat-55", sip_user="8055", password="demo-8055-secret")
    await save(page, "seat-55")
    caller = await phone(centre.new_caller())
    desk = SipPhone("8055", password="demo-8055-secret", incoming=AutoAnswer(), source=sources.tone(AGENT_HZ))
    async with desk:
        await desk.register(centre.sip)
        await centre.set_state("2001", "ready", seat="seat-55")
        call = await caller.dial(centre.number("95001"))
        contact = await centre.contact(caller.user)
        await centre.happened(contact["id"], "Queued")
        (row,) = [row for row in await centre.items("calls") if row["contact"] == contact["id"]]
        moved = await centre.ask("POST", f"calls/{row['id']}/transfer", json={"queue": "tuning"})
        assert moved.status_code == 200, moved.text
        await call.heard(tone=AGENT_HZ)
        assert (await centre.agent_is("2001", "talking"))["seat"] == "seat-55"
        in_use = await centre.ask("DELETE", "configuration/seats/seat-55", user="admin")
        assert (in_use.status_code, in_use.json()["code"]) == (409, "in_use")
        await call.hang_up()
        await centre.sign_out("2001")
    await page.goto("/admin/skills/of/piano")
    await page.get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("dialog").last).to_contain_text("agent 2001")
    await expect(page.get_by_role("dialog").last).to_contain_text("queue tuning")
    for path in ("seats/seat-55", "queues/tuning", "agents/2001", "skills/piano"):
        assert (await centre.ask("DELETE", f"configuration/{path}", user="admin")).status_code == 200


async def test_refusals_stand_at_their_field_and_nothing_is_overwritten(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
) -> None:
    page = await open_page("sup1", "/admin/agents", expected="4")
    try:
        await begin(page, "agents")
        await fill(page, id="not an id", name="Nobody")
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.locator("[data-field='id'] .setting-problem")).to_contain_text("an id has 1 to 64")
        await fill(page, id="2002")
        await save(page, "2002")
        await page.locator("[data-setting='2002'] a").click()
        await fill(page, name="Mine")
        other = {"name": "Other", "team": "", "skills": {}, "position": 1000}
        assert (await centre.ask("PUT", "configuration/agents/2002", json=other)).status_code == 200
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_role("alert").first).to_contain_text("Somebody else changed it")
        assert (await centre.get("configuration/agents/2002"))["name"] == "Other"
        await page.get_by_role("button", name="Close").first.click()
        await page.get_by_role("button", name="Discard").click()
        await expect(page).to_have_url(re.compile("/admin/agents$"))
        await page.reload()
        await page.locator("[data-setting='2002'] a").click()
        await page.get_by_role("tab", name="History").click()
        await expect(page.locator(".setting-history li")).to_have_count(2)
        await expect(page.locator(".setting-history li").first).to_contain_text("Nobody")
        await expect(page.locator(".setting-history li").first).to_contain_text("Other")
    finally:
        await centre.ask("DELETE", "configuration/agents/2002")


async def test_a_new_calendar_begins_with_the_holidays_that_the_server_has(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
) -> None:
    page = await open_page("admin", "/admin/calendars")
    year = await page.evaluate("() => new Date().getFullYear()")
    free, worked = f"{year}-01-03", f"{year}-01-04"
    lists = [
        {"id": "cn-2026", "years": [year], "days": [free], "make_up_days": [worked]},
        {"id": "past", "years": [year - 1], "days": [f"{year - 1}-01-03"], "make_up_days": []},
    ]
    await page.route("**/api/v1/configuration/holidays", lambda route: route.fulfill(json={"items": lists}))
    try:
        await begin(page, "calendars")
        day = page.locator(f"[data-day='{free}']")
        await expect(day).to_have_class(re.compile("closed"))
        await expect(page.locator(f"[data-day='{worked}']")).to_have_class(re.compile("make_up"))
        await day.click()
        await expect(day).to_have_class(re.compile("make_up"))
        await fill(page, id="fresh")
        await save(page, "fresh")
        made = await centre.get("configuration/calendars/fresh")
        assert made["make_up_days"][free] == 0
        assert made["days"]["2026-10-01"] == []  # of the list that the server has itself
    finally:
        await centre.ask("DELETE", "configuration/calendars/fresh")


async def test_a_sheet_is_compared_before_it_is_applied(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    tmp_path: Path,
) -> None:
    page = await open_page("sup1", "/admin/agents")
    await expect(page.locator("[data-setting='1004']")).to_be_visible()
    sheet = tmp_path / "agents.csv"
    sheet.write_text("id,name,team,skills,position\n3001,=Bad(),blue,sales=3; support=4,7\n", "utf-8")
    try:
        await page.locator("input[type=file]").set_input_files(sheet)
        line = page.locator("[data-line='2']")
        await expect(line).to_contain_text("new")
        await expect(line).to_contain_text("sales 3, support 4")
        assert (await centre.ask("GET", "configuration/agents/3001")).status_code == 404
        await page.get_by_role("button", name="Apply 1 lines").click()
        await expect(page.locator("[data-setting='3001']")).to_contain_text("=Bad()")
        out = await centre.ask("GET", "configuration/agents.csv")
        assert "3001,'=Bad()" in out.text
    finally:
        await centre.ask("DELETE", "configuration/agents/3001")


#: Scroll to the end of what is there, until the row with that id is.
TO_THE_END: Final = """id => {
    const box = document.querySelector(".live-table");
    box.scrollTo(0, box.scrollHeight);
    return box.querySelector(`[data-setting="${id}"]`) !== null;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_ten_thousand_agents_stay_smooth_to_look_at(open_page: OpenPage, theme: str) -> None:  # noqa: F811
    """Of 10,000 rows some hundreds are asked for, and those in sight are drawn; the server searches and sorts."""
    page = await open_page("sup1", "/", theme=theme)
    there = {
        f"{number:05}": {"name": f"Agent {number}", "team": "", "skills": {"sales": 5}, "position": 1000}
        for number in range(10_000)
    }
    asked: list[str] = []

    async def serve(route: Route) -> None:
        query = dict(parse_qsl(urlsplit(route.request.url).query))
        asked.append(query.get("sort", ""))
        sort, search = query.get("sort", ""), query.get("search", "")
        found = page_of(there, search=search, sort=sort, cursor=query.get("cursor"), limit=int(query["limit"]))
        items = [{"id": name, **row} for name, row in found.items.items()]
        answer = {"items": items, "revisions": {}, "total": found.total, "next_cursor": found.next_cursor}
        await route.fulfill(json=answer)

    await page.route("**/api/v1/configuration/agents?*", serve)
    await page.goto("/admin/agents")
    await expect(page.locator("[data-setting='00000']")).to_be_visible()
    await expect(page.locator(".count").first).to_have_text("10000")
    assert await page.locator("[data-setting]").count() < 100
    await page.wait_for_function(TO_THE_END, arg="00399")  # of the second page
    assert await page.locator("[data-setting]").count() < 100
    await page.locator(".live-table").evaluate("box => box.scrollTo(0, 0)")
    for _ in range(2):
        await page.locator(".live-table thead button").first.click()
    await expect(page.locator("[data-setting='09999']")).to_be_visible()
    await page.get_by_role("textbox", name="Search").fill("agent 7777")
    await expect(page.locator("[data-setting]")).to_have_count(1)
    assert {"", "id", "-id"} <= set(asked)


@pytest.mark.skipif(not TAKE_PICTURES, reason="CCP_SCREENS=1 writes docs/screens")
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
async def test_pictures_of_the_settings(open_page: OpenPage, centre: Centre, language: str, theme: str) -> None:  # noqa: F811
    await centre.ask("PUT", "configuration/calendars/offices", json=_OFFICE)
    page = await open_page("admin", "/admin/agents", language=language, theme=theme)
    for name, path, shows in (
        ("agents", "agents", "[data-setting='1004']"),
        ("queue", "queues/of/support", "[data-field='rings']"),
        ("calendar", "calendars/of/offices", ".setting-months"),
        ("trunk", "trunks/of/pstn", "[data-field='transfer']"),
        ("callers", "trunks/of/pstn", "[data-field='callers_out']"),
        ("permissions", "call-permissions", "[data-setting='agents']"),
        ("teams", "teams", "[data-setting]"),
        ("users", "users", "[data-setting='sup1']"),
        ("user", "users/of/sup1", "[data-field='password']"),
    ):
        await page.goto(f"/admin/{path}")
        await expect(page.locator(shows).first).to_be_visible()
        if name == "callers":
            await page.locator(f"{shows} button").last.click()
        if name in ("calendar", "trunk", "callers"):
            await page.locator(shows).scroll_into_view_if_needed()
        await page.screenshot(path=SCREENS / f"settings-{name}-{language}-{theme}.png", animations="disabled")
    assert (await centre.ask("DELETE", "configuration/calendars/offices")).status_code == 200


async def test_a_number_goes_by_rules_and_says_who_answers(open_page: OpenPage, centre: Centre) -> None:  # noqa: F811
    page = await open_page("sup1", "/admin/numbers")
    try:
        await begin(page, "numbers")
        await fill(page, id="95123")
        await choose(page, "flow", "main")
        await page.get_by_role("button", name="Add").click()
        await choose(page, "rules.0.flow", "echo")
        await fill(page, **{"rules.0.start": "2026-02-01T00:00", "rules.0.end": "2026-03-01T00:00"})
        asked = page.get_by_label("Who answers at")
        said = page.locator(".setting-field", has=asked).get_by_role("status")
        for at, answer in (
            ("2026-02-10T12:00", "echo · by rule 1"),
            ("2026-03-10T12:00", "main · no rule applies"),
        ):
            await asked.fill(at)
            await expect(said).to_have_text(answer)
        if TAKE_PICTURES:
            await page.screenshot(path=SCREENS / "settings-number-en-light.png", animations="disabled")
        await save(page, "95123")
        kept = await centre.get("configuration/numbers/95123")
        assert (kept["flow"], [rule["flow"] for rule in kept["rules"]]) == ("main", ["echo"])
    finally:
        await centre.ask("DELETE", "configuration/numbers/95123")


async def test_what_a_supervisor_publishes_is_on_the_desk_until_it_is_read(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
) -> None:
    page = await open_page("sup1", "/admin")
    await begin(page, "articles")
    await fill(page, id="storm", title="Storm warning 台风预警")
    await page.locator("[data-field='text'] textarea").first.fill("Calls from the coast go first.")
    await page.locator("[data-field='urgent'] button").click()
    await choose(page, "queues", "support")
    await save(page, "storm")
    try:
        desk = await open_page("1004")
        notice = desk.locator("[data-article='storm']")
        await expect(notice).to_contain_text("Calls from the coast go first.")
        await desk.get_by_label("Search information").fill("inland")
        await expect(notice).to_have_count(0)
        await desk.get_by_label("Search information").fill("COAST")
        await notice.get_by_role("button", name="I have read this").click()
        await expect(notice.get_by_role("button")).to_have_count(0)
        await expect(notice).to_contain_text("read")
        await page.goto("/admin/articles/of/storm")
        await expect(page.get_by_label("Who has read it")).to_contain_text("1004 (")
        await expect(page.get_by_label("Who has read it")).not_to_contain_text("1001")
    finally:
        assert (await centre.ask("DELETE", "configuration/articles/storm")).status_code == 200


async def test_a_script_that_is_configured_by_page_leads_through_the_call(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
) -> None:
    page = await open_page("admin", "/admin")
    await begin(page, "scripts")
    await fill(page, id="first", name="First call")
    await choose(page, "queues", "support")
    await page.locator("[data-field='steps.0.title'] input").fill("Greeting")
    await page.locator("[data-field='steps.0.text'] textarea").fill("Good day, <b>support</b>.")
    await save(page, "first")
    saved = await centre.get("configuration/scripts/first", user="admin")
    more = {name: saved[name] for name in ("name", "queues", "position")}
    more["steps"] = [*saved["steps"], {"title": "Goodbye", "text": "Thank you for calling."}]
    assert (await centre.ask("PUT", "configuration/scripts/first", user="admin", json=more)).status_code == 200
    try:
        async with (
            centre.desk("1004", incoming=AutoAnswer()),
            SipPhone("13800000001", source=sources.tone(CALLER_HZ)) as phone,
        ):
            desk = await open_page("1004")
            call = await phone.dial(centre.number("95001"))
            script = desk.get_by_role("region", name="Script")
            await expect(script.get_by_role("heading", name="First call")).to_be_visible()
            await expect(script).to_contain_text("Good day, <b>support</b>.")  # text, whatever it holds
            await expect(script).to_contain_text("1 of 2")
            await desk.keyboard.press("]")
            await expect(script).to_contain_text("Thank you for calling.")
            await expect(script).not_to_contain_text("Good day")
            await call.hang_up()
            await centre.agent_is("1004", "wrap_up")
            await expect(script).to_contain_text("2 of 2")
    finally:
        assert (await centre.ask("DELETE", "configuration/scripts/first", user="admin")).status_code == 200


async def test_a_pop_leads_into_the_crm_that_an_administrator_names(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
) -> None:
    page = await open_page("admin", "/admin")
    await begin(page, "crm-links")
    address = f"{centre.platform.http}/healthz?customer={{account}}&from={{caller}}"
    await fill(page, id="crm", name="Our CRM", url=address)
    await choose(page, "queues", "support")
    await save(page, "crm")
    try:
        async with (
            centre.desk("1004", incoming=AutoAnswer()),
            SipPhone("13800000001", source=sources.tone(CALLER_HZ)) as phone,
        ):
            desk = await open_page("1004", expected="404")  # that page has no icon
            call = await phone.dial(centre.number("95001"))
            link = desk.get_by_role("link", name="Our CRM")
            there = f"{centre.platform.http}/healthz?customer=600001&from=13800000001"
            await expect(link).to_have_attribute("href", there)
            await expect(link).to_have_attribute("rel", "noopener noreferrer")
            async with desk.context.expect_page() as opened:
                await desk.keyboard.press("l")
            assert (await opened.value).url == there
            await call.hang_up()
    finally:
        assert (await centre.ask("DELETE", "configuration/crm-links/crm", user="admin")).status_code == 200
