"""Recordings in a real Chromium: heard while they are fetched, commented, exported with a reason."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from recording.wave import read_wave
from tests.e2e.centre import Centre
from tests.e2e.rig import talking
from tests.e2e.test_pages import OpenPage, browser, open_page  # noqa: F401

_LINKED = re.compile("^/api/v1/recordings/linked/")


async def listen(page: Page, contact: str) -> Locator:
    """Open the contact and its player; returns the media element, which plays."""
    await page.goto(f"/admin/contacts/{contact}")
    await page.get_by_role("button", name="Listen").click()
    audio = page.locator("audio")
    await expect(audio).to_have_attribute("src", _LINKED)
    await expect(page.get_by_role("img", name="Loudness of caller and agent over time")).to_be_visible()
    await audio.evaluate("(audio) => audio.readyState < 1 && new Promise((ok) => (audio.onloadedmetadata = ok))")
    return audio


async def test_a_recording_is_heard_from_any_moment_and_commented_there(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
) -> None:
    async with talking(centre) as talk:
        await asyncio.sleep(1.0)  # so that there is a moment in its midst
    await centre.recording(talk.contact)
    page = await open_page("sup1")
    audio = await listen(page, talk.contact)

    await page.get_by_text("1.5×", exact=True).click()
    assert await audio.evaluate("(audio) => audio.playbackRate") == 1.5
    await page.get_by_role("slider", name="Balance between caller and agent").press("ArrowRight")
    await audio.evaluate("(audio) => { audio.pause(); audio.currentTime = 0.5; }")
    await page.get_by_role("button", name="Comment this moment").click()
    await page.get_by_role("textbox", name="Comment at").fill("asks for a refund 退款")
    await page.get_by_role("textbox", name="Comment at").press("Enter")
    comments = page.get_by_role("region", name="Comments")
    await expect(comments.get_by_role("listitem")).to_contain_text("asks for a refund 退款")
    await expect(page.locator(".comment-mark")).to_have_count(1)
    await audio.evaluate("(audio) => { audio.currentTime = 0; }")
    await comments.get_by_role("button", name="Go to").click()
    assert await audio.evaluate("(audio) => audio.currentTime") == pytest.approx(0.5, abs=0.01)
    await expect(page.get_by_role("button", name="Export…")).to_be_disabled()

    await comments.get_by_role("button", name="Take this comment back").click()
    await expect(comments.get_by_role("listitem")).to_have_count(0)


async def test_an_export_needs_a_reason_and_says_so_to_nobody_but_the_audit(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
    tmp_path: Path,
) -> None:
    async with talking(centre) as talk:
        pass
    recording = await centre.recording(talk.contact)
    page = await open_page("auditor1")
    await listen(page, talk.contact)
    await page.get_by_role("button", name="Export…").click()
    window = page.get_by_role("dialog", name="Export the recording")
    await expect(window.get_by_role("button", name="Export")).to_be_disabled()
    await window.get_by_role("textbox", name="Reason").fill("case 4711")
    async with page.expect_download() as saved:
        await window.get_by_role("button", name="Export").click()
    download = await saved.value
    assert download.suggested_filename.startswith(f"{recording['id']}-")
    file = tmp_path / "export.wav"
    await download.save_as(file)
    assert read_wave(file).seconds == pytest.approx(recording["seconds"], abs=0.001)
    [row] = await centre.items("audit", user="auditor1", action="recording.export")
    assert row["object"] == recording["id"]
    assert row["detail"]["reason"] == "case 4711"


async def test_recordings_are_found_by_their_fields_and_held(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
) -> None:
    async with talking(centre) as talk:
        pass
    recording = await centre.recording(talk.contact)
    page = await open_page("auditor1", "/admin/recordings")
    row = page.locator(f"[data-row='{recording['id']}']")
    await expect(row).to_contain_text(talk.number)
    await page.get_by_role("searchbox", name="Caller").fill("13999999999")
    await page.get_by_role("searchbox", name="Caller").press("Enter")
    await expect(row).to_have_count(0)
    await page.get_by_role("searchbox", name="Caller").fill(talk.number)
    await page.get_by_role("searchbox", name="Caller").press("Enter")
    await expect(row).to_be_visible()
    await page.get_by_role("spinbutton", name="From minutes").fill("60")
    await page.get_by_role("spinbutton", name="From minutes").press("Enter")
    await expect(page).to_have_url(re.compile("shortest=3600"))
    await expect(row).to_have_count(0)
    await page.get_by_role("button", name="Clear filters").click()

    await row.click()
    hold = page.get_by_role("region", name="Legal hold")
    await hold.get_by_role("textbox", name="Reason").fill("case 4711")
    await hold.get_by_role("button", name="Hold").click()
    await expect(hold).to_contain_text("Held by auditor1: case 4711")
    await page.keyboard.press("Escape")
    held = page.get_by_role("checkbox", name="Legal hold")
    await held.click()
    await expect(held).to_be_checked()
    await expect(row).to_contain_text("legal hold")
    await page.get_by_role("tab", name="Daily proof").click()
    await expect(page.get_by_role("tabpanel", name="Daily proof")).to_be_visible()


async def test_a_supervisor_sees_neither_the_proof_nor_the_hold(
    open_page: OpenPage,  # noqa: F811
    centre: Centre,
) -> None:
    async with talking(centre) as talk:
        pass
    recording = await centre.recording(talk.contact)
    page = await open_page("sup1", f"/admin/recordings/{recording['id']}")
    await expect(page.get_by_role("button", name="Listen")).to_be_visible()
    await expect(page.get_by_role("region", name="Legal hold")).to_have_count(0)
    await expect(page.get_by_role("tab", name="Daily proof")).to_have_count(0)
