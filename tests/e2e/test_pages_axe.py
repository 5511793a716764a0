"""Every page as axe-core sees it in a real Chromium: names of controls, contrast, landmarks, order of headings.

What axe-core cannot see (keys, focus, words that are announced) the other tests of the pages do.
"""

from __future__ import annotations

import io
import re
import secrets
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import soundfile
from playwright.async_api import Page, expect

from tests.e2e.centre import CALLER_HZ, Centre
from tests.e2e.rig import talking
from tests.e2e.test_pages import SCREENS, TAKE_PICTURES, OpenPage, browser, open_page  # noqa: F401
from tests.support import sources
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE
from tests.support.phone import AutoAnswer, SipPhone

_AXE: Final = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
#: What fades in has the contrast of glass: wait for the end of all that moves and ends.
_AT_REST: Final = """async () => {
    const running = (one) => one.playState === "running" && one.effect.getComputedTiming().endTime !== Infinity;
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    await Promise.allSettled(document.getAnimations().filter(running).map((one) => one.finished));
}"""
#: What is there when an area of the administration is drawn; of the others, their title.
_DRAWN: Final = {
    "/admin/contacts": "[data-row]",
    "/admin/recordings": "[data-row]",
    "/admin/users": "[data-setting='sup1']",
    "/admin/teams": "[data-setting]",
    "/admin/agents": "[data-setting='1004']",
    "/admin/queues": "[data-setting='support']",
    "/admin/numbers": "[data-setting='95001']",
    "/admin/trunks": "[data-trunk='lab']",
    "/admin/mystery": ".mystery-hint",
    "/admin/audit": "tr.ant-table-row",
    "/admin/signalling": "tbody tr",
    "/admin/flows": "[data-flow='main']",
}
#: Pages within areas.
_WITHIN: Final = {
    "/admin/users/of/sup1": "[data-field='password']",
    "/admin/agents/of/1004": "[data-field='name'] input",
    "/admin/queues/of/support": "[data-field='rings']",
    "/admin/seats/of/seat-04": "[data-field='password']",
    "/admin/trunks/of/lab": "[data-field='peers']",
    "/admin/flows/of/support": ".flow-canvas [data-node='review']",
    "/admin/no-such-area": "main .notice",
}


async def areas_of(page: Page) -> list[str]:
    """The areas that the page leads to, as it lists them itself: none can be forgotten here."""
    await expect(page.locator(".admin-areas a").first).to_be_visible()
    areas: list[str] = await page.locator(".admin-areas a").evaluate_all(
        "(links) => links.map((link) => link.getAttribute('href'))"
    )
    assert set(areas) >= _DRAWN.keys()
    return areas


async def go(page: Page, path: str) -> None:
    """To another page as its links do, without loading everything anew."""
    await page.evaluate(
        "(path) => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')); }", path
    )


def _drawn_of(area: str) -> str:
    return _DRAWN.get(area, f".admin:has(a.active[href='{area}']) main h2")


async def _is_drawn(page: Page, shows: str) -> None:
    await expect(page.locator(shows).first).to_be_visible()
    await expect(page.locator(".ant-skeleton, .ant-spin-spinning")).to_have_count(0)


async def findings(page: Page) -> list[str]:
    """What axe-core finds once all rests, of whatever impact, a line for each element: where, which rule, which
    element, why."""
    await page.evaluate(_AT_REST)
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_AXE.read_text("utf-8"))
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert found["testEngine"]["name"] == "axe-core"
    assert found["passes"], "nothing was looked at"
    return [
        f"{page.url}: {rule['id']} ({rule['impact']}): {node['html'][:160]}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
async def test_axe_finds_nothing_on_any_page(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    language: str,
    theme: str,
) -> None:
    found: list[str] = []

    async def look(page: Page, shows: str) -> None:
        await _is_drawn(page, shows)
        found.extend(await findings(page))

    async def opened(user: str | None, path: str) -> Page:
        return await open_page(user, path, language=language, theme=theme)

    await look(await opened(None, "/login"), "#username")
    async with AsyncExitStack() as people:
        await look(await opened("1004", "/"), "[data-state='signed_out']")
        await people.enter_async_context(centre.desk("1004", incoming=AutoAnswer()))
        phone = await people.enter_async_context(SipPhone("13800000001", source=sources.tone(CALLER_HZ)))
        await phone.dial(centre.number("95001"))
        await centre.agent_is("1004", "talking")
        await look(await opened("1004", "/"), ".call-card")
        page = await opened("sup1", "/")
        await look(page, "[data-call]")
        await page.goto("/wallboard")
        await look(page, "[data-requirement]")
    page = await opened("admin", "/admin")
    for path in await areas_of(page):
        await go(page, path)
        await look(page, _drawn_of(path))
    for path, shows in _WITHIN.items():
        await go(page, path)
        await look(page, shows)
    assert not found, "\n".join(found)


@pytest.mark.skipif(not TAKE_PICTURES, reason="CCP_SCREENS=1 writes docs/screens")
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
async def test_pictures_of_every_area(open_page: OpenPage, language: str, theme: str) -> None:  # noqa: F811
    page = await open_page("admin", "/admin", language=language, theme=theme)
    for path in await areas_of(page):
        await go(page, path)
        await _is_drawn(page, _drawn_of(path))
        await page.evaluate(_AT_REST)
        name = path.rpartition("/")[2]
        await page.screenshot(path=SCREENS / f"area-{name}-{language}-{theme}.png", animations="disabled")


@pytest.mark.parametrize(("language", "theme"), [("zh", "light"), ("en", "dark")])
async def test_axe_finds_nothing_in_the_parts_of_the_flow_designer(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    phone: MakePhone,
    language: str,
    theme: str,
) -> None:
    """The heat map with callers in it, versions and their differences, recordings, the simulator; surveys."""
    for keys in ("1600001", "4", "3"):
        call = await (await phone(centre.new_caller())).dial(centre.number("95006"))
        await call.answered.wait()
        await call.press("2" + keys)
        await call.heard(speech=True)
        await call.hang_up()
    await centre.eventually(lambda: centre.get("flows/bank/heat"), lambda heat: heat["sessions"] >= 3)
    await asked_in_two_versions(centre)
    found: list[str] = []

    async def look() -> None:
        await expect(page.locator(".ant-skeleton, .ant-spin-spinning")).to_have_count(0)
        found.extend(await findings(page))

    page = await open_page("sup1", "/admin/flows/of/bank", language=language, theme=theme)
    await expect(page.locator(".flow-canvas [data-node='menu']")).to_be_visible()
    await page.keyboard.press("h")
    await expect(page.locator(".flow-heat-bar .num")).to_contain_text(re.compile("[1-9]"))
    await look()
    await page.keyboard.press("h")
    await page.keyboard.press("i")
    await expect(page.locator(".sim")).to_be_visible()
    await look()
    await go(page, "/admin/flows/of/two")
    await expect(page.locator(".flow-canvas [data-node='ask']")).to_be_visible()
    await page.locator(".flow-canvas [data-node='tell']").click()
    await expect(page.locator("[data-field='prompt']")).to_be_visible()
    await look()
    await page.locator(".flow-toolbar h1").click()
    await page.keyboard.press("v")
    await expect(page.locator(".flow-differences li.added")).to_be_visible()
    await look()
    await page.goto("/admin/flows")
    recordings = page.locator("[data-flow='two']").get_by_role("button", name=re.compile("^(Recordings|录音)"))
    await recordings.click()
    await expect(page.locator("[data-recording='hello zh']")).to_be_visible()
    await look()
    await go(page, "/admin/surveys")
    await expect(page.locator("main h2, h2").first).to_be_visible()
    await look()
    await page.goto("about:blank")
    assert (await centre.ask("DELETE", "flows/two")).status_code == 200
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("language", "theme"), [("zh", "dark"), ("en", "light")])
async def test_axe_finds_nothing_in_the_player_of_a_recording(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    language: str,
    theme: str,
) -> None:
    """The list with a disposition by its name, the player with a comment, the export, the proof of each day."""
    async with talking(centre) as talk:
        pass
    recording = await centre.recording(talk.contact)
    note = {"disposition": "follow-up", "note": "", "key": secrets.token_hex(8)}
    kept = await centre.ask("PUT", f"me/contacts/{talk.contact}/note", user="1004", json=note)
    assert kept.status_code == 200, kept.text
    found: list[str] = []

    async def look() -> None:
        await expect(page.locator(".ant-skeleton, .ant-spin-spinning")).to_have_count(0)
        await page.evaluate(_AT_REST)
        found.extend(await findings(page))

    await centre.eventually(
        lambda: centre.items("recordings", contact=talk.contact),
        lambda rows: rows[0]["disposition"] == "follow-up",
    )
    page = await open_page("auditor1", "/admin/recordings", language=language, theme=theme)
    row = page.locator(f"[data-row='{recording['id']}']")
    await expect(row).to_contain_text("Follow-up 需跟进")
    await row.click()
    player = page.locator(f"[data-recording='{recording['id']}']")
    await player.get_by_role("button", name=re.compile("Listen|收 ?听")).click()
    await expect(player.locator(".waveform")).to_be_visible()
    await player.get_by_role("button", name=re.compile("Comment this moment|批注此刻")).click()
    await player.get_by_role("textbox").fill("asks for a refund 退款")
    await player.get_by_role("textbox").press("Enter")
    await expect(player.get_by_role("listitem")).to_be_visible()
    await look()
    await player.get_by_role("button", name=re.compile("Export|导出")).click()
    await expect(page.locator(".ant-modal").get_by_role("textbox")).to_be_visible()
    await look()
    await page.goto("/admin/recordings")
    await page.get_by_role("tab").last.click()
    await expect(page.get_by_role("tabpanel")).not_to_be_empty()
    await look()
    await page.goto("about:blank")
    assert not found, "\n".join(found)


async def asked_in_two_versions(centre: Centre) -> None:
    """A flow that was published twice, the second time with a question and a recording."""
    nodes: dict[str, Any] = {
        "tell": {"kind": "say", "prompt": {"zh": "您好。", "en": "Good day."}, "next": "end"},
        "end": {"kind": "hangup"},
    }
    document = {"flow": "two", "languages": ["zh", "en"], "on_error": "end", "start": "tell", "nodes": nodes}
    for more in ({}, {"ask": _QUESTION}):
        nodes |= more
        if more:
            nodes["tell"] |= {"next": "ask", "prompt": {"zh": [{"recording": "hello"}], "en": "Good day to you."}}
            document["title"] = "Two versions"
            wav = io.BytesIO()
            soundfile.write(wav, np.sin(np.arange(RATE) * 0.3) * 0.2, RATE, format="WAV")
            upload = await centre.ask("PUT", "flows/two/recordings/hello/zh", content=wav.getvalue())
            assert upload.status_code == 200, upload.text
        kept = await centre.ask("PUT", "flows/two", json={"document": document})
        assert kept.status_code in (200, 201), kept.text
        published = await centre.ask(
            "POST", "flows/two/publish", json={"note": "one more question" if more else ""}
        )
        assert published.status_code in (200, 201), published.text


_QUESTION: Final[dict[str, Any]] = {
    "kind": "menu",
    "prompt": {"zh": "中文请按1。", "en": "For English press 1."},
    "choices": {"1": "end"},
    "fallback": "end",
}
