"""The flow designer in a real Chromium: what is drawn there is published there and heard on the phone."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Final

import numpy as np
import pytest
import soundfile
import soxr
from playwright.async_api import Locator, Page, expect

from tests.e2e.centre import Centre
from tests.e2e.test_calls_voice_mail import is_heard
from tests.e2e.test_pages import SCREENS, TAKE_PICTURES, OpenPage, browser, fill_log_in, open_page  # noqa: F401
from tests.support import audio
from tests.support.chromium import chromium, faults_of
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE, Samples
from tests.support.people import recorded

NUMBER: Final = "95088"
_SAID: Final = {
    "zh": "您好，这是在页面上画出来的流程，感谢您的来电。",
    "en": "Good day. This flow was drawn on the page. Thank you very much for your call today.",
}

#: A file from elsewhere: legal YAML, one of its nodes leads to none.
_BROUGHT: Final = """\
flow: brought
languages: [en]
on_error: end
start: tell
nodes:
  tell: {kind: say, prompt: {en: Good day}, next: nowhere}
  end: {kind: hangup}
"""


def card(page: Page, node: str) -> Locator:
    return page.locator(f".flow-canvas [data-node='{node}']")


async def drag_a_line(page: Page, node: str, exit_path: str, to: str) -> None:
    """From an exit of a node to another node, by the mouse."""
    source = card(page, node).locator(f"[data-handleid='{exit_path}']")
    target = card(page, to).locator("[data-handleid='in']")
    await source.hover(trial=True)  # the canvas may still be on its way to a node: wait until both stand still
    await target.hover(trial=True)
    begin, end = await source.bounding_box(), await target.bounding_box()
    assert begin is not None
    assert end is not None
    await page.mouse.move(begin["x"] + 4, begin["y"] + 4)
    await page.mouse.down()
    await page.mouse.move(end["x"] - 20, end["y"] + 4, steps=4)
    await page.mouse.move(end["x"] + 4, end["y"] + 4, steps=4)
    await page.mouse.up()


async def preview(centre: Centre, language: str) -> Samples:
    """The prompt as the platform's own voice says it, at the rate of the call."""
    answer = await centre.ask("POST", "flows/preview", json={"language": language, "prompt": _SAID[language]})
    assert answer.status_code == 200, answer.text
    samples, rate = soundfile.read(io.BytesIO(answer.content), dtype="float64")
    if rate == 2 * RATE:  # the lower half of its band is what a telephone passes on
        samples = np.fft.irfft(np.fft.rfft(samples)[: samples.size // 4 + 1], samples.size // 2) / 2
    return np.asarray(samples * 32767)


async def test_a_flow_that_is_drawn_and_published_on_the_page_answers_a_call(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    phone: MakePhone,
) -> None:
    page = await open_page("sup1", "/admin/flows")
    await expect(page.locator("[data-flow='main']")).to_contain_text("95000")
    await page.keyboard.press("n")
    await page.locator("#flow-name").fill("drawn")
    await page.get_by_label("Empty").check()
    await page.get_by_role("button", name="Create").click()
    await expect(card(page, "end")).to_contain_text("Start")
    await expect(page.locator(".flow-told.good")).to_be_visible()

    # By keyboard: a node, its words, that it is the start.
    await page.keyboard.press("a")
    await page.keyboard.type("say")
    await page.keyboard.press("Enter")
    await expect(card(page, "say")).to_be_visible()
    for language, words in _SAID.items():
        await page.locator(f"[data-prompt='prompt.{language}']").fill(words)
    await page.locator(".flow-toolbar h1").click()
    await page.keyboard.press("t")
    await expect(card(page, "say")).to_contain_text("Start")
    problem = page.locator("[data-problem='nodes.say.next']")
    await expect(problem).to_contain_text("is missing")
    await page.keyboard.press("j")
    await problem.click()
    await expect(page.locator("[data-field='next'] input")).to_be_focused()

    # By mouse: where it leads, taken back, and once more.
    await drag_a_line(page, "say", "next", "end")
    await expect(page.locator(".react-flow__edge")).to_have_count(1)
    await expect(page.locator(".flow-told.good")).to_be_visible()
    await page.locator(".flow-toolbar h1").click()
    await page.keyboard.press("u")
    await expect(page.locator(".react-flow__edge")).to_have_count(0)
    await page.keyboard.press("r")
    await expect(page.locator(".react-flow__edge")).to_have_count(1)
    await page.keyboard.press("Control+s")
    await expect(page.locator(".flow-unsaved")).to_have_count(0)

    # What is not published yet is walked through beside the canvas.
    await page.keyboard.press("i")
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(page.locator(".sim-transcript")).to_contain_text(_SAID["en"])
    await page.locator(".flow-toolbar h1").click()
    await page.keyboard.press("i")

    await page.keyboard.press("p")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("first version: 2 nodes")
    await dialog.get_by_role("button", name="Publish").click()
    await expect(page.get_by_text("Version 1 in service")).to_be_visible()
    try:
        bound = await centre.ask("PUT", f"configuration/numbers/{NUMBER}", json={"flow": "drawn"})
        assert bound.status_code == 200, bound.text
        call = await (await phone(centre.new_caller())).dial(centre.number(NUMBER))
        await call.ended.wait(30)
        for language in _SAID:
            is_heard(await preview(centre, language), call.recording().samples)
        await centre.eventually(lambda: centre.get("flows/drawn/heat"), lambda heat: len(heat["nodes"]) == 2)
        await page.reload()
        await expect(card(page, "say")).to_be_visible()
        await page.keyboard.press("h")
        await expect(card(page, "say")).to_contain_text("1 came")
    finally:
        await centre.ask("DELETE", f"configuration/numbers/{NUMBER}")
        assert (await centre.ask("DELETE", "flows/drawn")).status_code == 200


async def test_two_who_edit_the_same_flow_are_asked_whose_stays(open_page: OpenPage, centre: Centre) -> None:  # noqa: F811
    document = {
        "flow": "both",
        "languages": ["en"],
        "on_error": "end",
        "start": "tell",
        "nodes": {"tell": {"kind": "say", "prompt": {"en": "One"}, "next": "end"}, "end": {"kind": "hangup"}},
    }
    assert (await centre.ask("PUT", "flows/both", json={"document": document})).status_code == 200
    page = await open_page("sup1", "/admin/flows/of/both", expected="412")
    try:
        await card(page, "tell").click()
        await page.locator("[data-prompt='prompt.en']").fill("Mine")
        document["title"] = "Theirs"
        assert (await centre.ask("PUT", "flows/both", json={"document": document})).status_code == 200
        await page.get_by_role("link", name="Wallboard").click()
        await page.get_by_role("button", name="Stay").click()
        await page.keyboard.press("Control+s")
        dialog = page.get_by_role("dialog", name="Somebody else")
        await expect(dialog).to_contain_text("tell")
        assert (await centre.get("flows/both"))["document"]["title"] == "Theirs"
        await dialog.get_by_role("button", name="Keep mine").click()
        await expect(page.locator(".flow-unsaved")).to_have_count(0)
        kept = (await centre.get("flows/both"))["document"]
        assert (kept["nodes"]["tell"]["prompt"]["en"], "title" in kept) == ("Mine", False)

        await page.locator("[data-prompt='prompt.en']").fill("Mine again")
        document["title"] = "Theirs again"
        assert (await centre.ask("PUT", "flows/both", json={"document": document})).status_code == 200
        await page.keyboard.press("Control+s")
        await dialog.get_by_role("button", name="Take theirs").click()
        await expect(dialog).to_have_count(0)
        await expect(page.locator(".flow-unsaved")).to_have_count(0)
        await expect(card(page, "tell")).to_contain_text("One")
        assert (await centre.get("flows/both"))["document"] == document
    finally:
        assert (await centre.ask("DELETE", "flows/both")).status_code == 200


async def test_a_file_is_looked_at_before_it_is_taken_and_a_flow_in_use_is_kept(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    tmp_path: Path,
) -> None:
    page = await open_page("sup1", "/admin/flows", expected="4")
    file = tmp_path / "brought.yaml"
    file.write_text(_BROUGHT, "utf-8")
    try:
        await page.locator("input[type=file]").set_input_files(file)
        dialog = page.get_by_role("dialog")
        await expect(dialog.locator("li", has=page.locator("code", has_text="nodes.tell.next"))).to_contain_text(
            "nowhere"
        )
        await expect(dialog).to_contain_text("Flow brought will be created")
        assert (await centre.ask("GET", "flows/brought")).status_code == 404
        await dialog.get_by_role("button", name="Take as draft").click()
        await expect(page.locator("[data-problem='nodes.tell.next']")).to_contain_text("nowhere")
        await page.goto("/admin/flows")
        await expect(page.locator("[data-flow='brought']")).to_contain_text("not published")

        await page.locator("input[type=file]").set_input_files(file)
        await expect(dialog).to_contain_text("There is a flow brought already")
        await expect(dialog.get_by_role("button", name="Replace the draft")).to_be_enabled()
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(dialog).to_have_count(0)

        file.write_text("flow: [\n", "utf-8")
        await page.locator("input[type=file]").set_input_files(file)
        await expect(dialog.get_by_role("alert")).to_contain_text("line 2, column 1")
        await dialog.get_by_role("button", name="Cancel").click()

        await page.locator("[data-flow='main']").get_by_role("button", name="Remove").click()
        refused = page.get_by_role("dialog")
        await expect(refused).to_contain_text("number 95000")
        assert (await centre.ask("GET", "flows/main")).status_code == 200
    finally:
        assert (await centre.ask("DELETE", "flows/brought")).status_code == 200


async def test_recordings_are_heard_and_kept_and_versions_compared_and_brought_back(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    tmp_path: Path,
) -> None:
    document = {
        "flow": "sounds",
        "languages": ["en"],
        "on_error": "end",
        "start": "tell",
        "nodes": {"tell": {"kind": "say", "prompt": {"en": "One"}, "next": "end"}, "end": {"kind": "hangup"}},
    }
    assert (await centre.ask("PUT", "flows/sounds", json={"document": document})).status_code == 200
    page = await open_page("sup1", "/admin/flows")
    sound = tmp_path / "hello.wav"
    soundfile.write(sound, np.sin(np.arange(RATE) * 0.3) * 0.2, RATE)
    try:
        await page.locator("[data-flow='sounds']").get_by_role("button", name="Recordings").click()
        recordings = page.get_by_role("dialog")
        await expect(recordings).to_contain_text("This flow has no recordings.")
        await recordings.get_by_role("textbox", name="Name").fill("hello")
        await recordings.get_by_role("combobox", name="Language").press("ArrowDown")
        await page.locator(".ant-select-item-option", has_text="en").click()
        await recordings.get_by_role("group").locator("input[type=file]").set_input_files(sound)
        row = recordings.locator("[data-recording='hello en']")
        await expect(row).to_contain_text("nothing")
        async with page.expect_response("**/flows/sounds/recordings/hello/en") as answered:
            await row.get_by_role("button", name="Listen").click()
        assert (await answered.value).headers["content-type"] == "audio/wav"
        await row.get_by_role("button", name="Remove").click()
        await page.locator(".ant-popconfirm").get_by_role("button", name="Remove").click()
        await expect(row).to_have_count(0)
        await recordings.get_by_role("textbox", name="Name").fill("hello")
        await recordings.get_by_role("group").locator("input[type=file]").set_input_files(sound)
        await expect(row).to_be_visible()

        assert (await centre.ask("POST", "flows/sounds/publish", json={})).status_code == 200
        document["nodes"]["tell"]["prompt"] = {"en": [{"recording": "hello"}]}  # type: ignore[index]
        document["nodes"]["ask"] = {  # type: ignore[index]
            "kind": "query",
            "query": "nothing",
            "on_found": "end",
            "on_missing": "end",
            "on_error": "end",
        }
        document["nodes"]["tell"]["next"] = "ask"  # type: ignore[index]
        assert (await centre.ask("PUT", "flows/sounds", json={"document": document})).status_code == 200
        await page.goto("/admin/flows")
        await page.locator("[data-flow='sounds']").get_by_role("button", name="Recordings").click()
        await expect(row).to_contain_text("draft · tell · Prompt")
        await expect(row.get_by_role("button", name="Remove")).to_be_disabled()

        # Queries that there are are offered; one that there is not is marked.
        await page.goto("/admin/flows/of/sounds")
        await expect(page.locator("[data-problem='nodes.ask.query']")).to_contain_text("there is no Query nothing")
        await card(page, "ask").click()
        query = page.locator("[data-field='query']")
        await expect(query.locator(".ant-select-status-warning")).to_have_count(1)
        await query.locator("input").fill("balance")
        await page.locator(".ant-select-item-option", has_text="balance_by_account").click()
        await expect(query.locator(".ant-select-status-warning")).to_have_count(0)

        # Keys that lead away ask first.
        await page.locator(".flow-toolbar h1").click()
        await page.keyboard.press("g")
        await page.keyboard.press("w")
        await page.get_by_role("button", name="Stay").click()
        await page.keyboard.press("Control+s")
        await expect(page.locator(".flow-unsaved")).to_have_count(0)

        await page.keyboard.press("p")
        publishing = page.get_by_role("dialog", name="Publish sounds")
        differences = publishing.locator(".flow-differences")
        await expect(differences.locator("li.added")).to_contain_text("ask")
        await expect(differences).to_contain_text("One")
        await publishing.get_by_role("button", name="Publish").click()
        await expect(page.get_by_text("Version 2 in service")).to_be_visible()
        await expect(publishing).to_have_count(0)

        await page.keyboard.press("v")
        drawer = page.get_by_role("dialog", name="Versions")
        await expect(drawer.locator(".flow-differences li.added")).to_contain_text("ask")
        await drawer.locator(".flow-version").nth(1).click()
        await drawer.get_by_role("button", name="Put in service again").click()
        await page.locator(".ant-popconfirm").get_by_role("button", name="Put in service again").click()
        await expect(page.get_by_text("Version 1 in service")).to_be_visible()
        versions = (await centre.get("flows/sounds/versions"))["items"]
        assert {version["number"]: version["current"] for version in versions} == {1: True, 2: False}
        await page.goto("about:blank")  # its panels would go on asking for what is removed now
    finally:
        assert (await centre.ask("DELETE", "flows/sounds")).status_code == 200


@pytest.mark.skipif(not TAKE_PICTURES, reason="CCP_SCREENS=1 writes docs/screens")
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark"), ("zh", "light"), ("en", "dark")])
async def test_pictures_of_the_designer(open_page: OpenPage, language: str, theme: str) -> None:  # noqa: F811
    page = await open_page("admin", "/admin/flows", language=language, theme=theme)
    await expect(page.locator("[data-flow='main']")).to_contain_text("95000")
    await page.screenshot(path=SCREENS / f"flows-{language}-{theme}.png", animations="disabled")
    await page.goto("/admin/flows/of/support")
    await card(page, "review").click()
    await expect(page.locator(".flow-told.good")).to_be_visible()
    await expect(page.locator(".flow-properties")).to_contain_text("listen")
    await page.screenshot(path=SCREENS / f"flow-{language}-{theme}.png", animations="disabled")
    await page.locator(".flow-toolbar h1").click()
    await page.keyboard.press("i")
    await page.locator(".sim-head button").first.click()
    await expect(page.locator(".flow-card.visited")).to_be_visible()
    await page.screenshot(path=SCREENS / f"flow-simulated-{language}-{theme}.png", animations="disabled")


async def test_a_flow_is_walked_by_voice(centre: Centre, tmp_path: Path) -> None:
    """Somebody says "three" into the microphone of the page, as often as he is asked: of the recorded digits
    one that is understood with a confidence of 90 %, whatever a browser does to it."""
    noise = np.random.default_rng(1).normal(0, 6, 7 * RATE)
    said = np.concatenate([noise[: 3 * RATE], recorded("digits/3"), noise[3 * RATE :]])
    microphone = tmp_path / "microphone.wav"
    audio.write_wav(microphone, soxr.resample(said, RATE, 48_000), rate=48_000)
    async with chromium(microphone) as browser:  # noqa: F811
        context = await browser.new_context(
            base_url=centre.platform.http, locale="en-GB", permissions=["microphone"]
        )
        faults = faults_of(context)
        page = await context.new_page()
        await page.goto("/login")
        await fill_log_in(page, "sup1", "demo-sup1")
        await expect(page).to_have_url(f"{centre.platform.http}/")
        await page.goto("/admin/flows/of/spoken")
        await expect(card(page, "ask")).to_be_visible()
        await page.keyboard.press("i")
        await page.get_by_role("button", name="Start", exact=True).click()
        await expect(page.locator(".sim-place")).to_contain_text("may be said")
        await page.get_by_role("switch", name="Sound").click()
        await page.get_by_role("switch", name="Microphone").click()
        await expect(page.locator(".sim-spoke", has_text="three").first).to_be_visible()
        await expect(page.locator(".sim-changed", has_text="digit = 3").first).to_be_visible()
        await expect(page.locator(".sim-entered", has_text=re.compile("→ (tell|doubt)")).first).to_be_visible()
        await context.close()
        assert not faults, faults
