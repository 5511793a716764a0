"""E1 in a real Chromium: an agent's browser on an E1 call, the page of the spans and the clock; a switch apart."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from gateway.isdn.span_calls import CallState
from gateway.media.audio import RATE
from tests.e2e.centre import AGENT_HZ, CALLER_HZ
from tests.e2e.exchange import SPAN, SPAN_PORTS, Exchange, environment_of, exchange_of, span_settings
from tests.e2e.test_pages import browser, fill_log_in  # noqa: F401
from tests.e2e.test_pages_axe import findings
from tests.e2e.test_pages_softphone import browser_of, desk, sign_in
from tests.gateway.isdn.back_to_back import needs_libpri
from tests.gateway.isdn.spans import until
from tests.support import audio
from tests.support.chromium import PATIENCE_MS, hears
from tests.support.milestone import PATIENCE
from tests.support.platform import PlatformProcess
from tests.support.ports import PortBlock
from tests.support.time_server import TimeServer

pytestmark = needs_libpri
#: The span whose switch is a program of its own.
OTHER = 1
#: Pictures of what was looked at go there, if it is set.
PICTURES = os.environ.get("CCP_TEST_PICTURES", "")


@pytest.fixture(scope="module")
def ports() -> Iterator[PortBlock]:
    block = PortBlock(2 * SPAN_PORTS + 1)
    yield block
    block.close()


@pytest.fixture(scope="module")
def e1_platform(tmp_path_factory: pytest.TempPathFactory, ports: PortBlock) -> Iterator[PlatformProcess]:
    spans = span_settings(ports, overlap=True, digits_seconds=5.0), span_settings(ports, OTHER)
    time_server = json.dumps([f"127.0.0.1:{ports.first + 2 * SPAN_PORTS}"])
    clock = {"CCP_CLOCK__SERVERS": time_server, "CCP_CLOCK__EVERY_SECONDS": "1"}
    with PlatformProcess(tmp_path_factory.mktemp("p"), environment=environment_of(*spans) | clock) as started:
        yield started
        assert started.stop() == 0, started.tail()


@pytest.fixture
async def exchange(
    e1_platform: PlatformProcess, ports: PortBlock, callers: Iterator[int]
) -> AsyncIterator[Exchange]:
    async with exchange_of(e1_platform, ports, callers, overlap=True) as exchange:
        yield exchange


async def test_an_e1_caller_talks_with_an_agents_browser_and_is_recorded(
    exchange: Exchange, tmp_path: Path
) -> None:
    centre, number = exchange.centre, exchange.centre.new_caller()
    async with browser_of(centre, tmp_path / "microphone.wav", AGENT_HZ) as context:
        page = await desk(context, "1004")
        try:
            await sign_in(page, "seat-04")
            voice = await exchange.dial("95000", number)
            await exchange.hears(voice)
            voice.press("2")
            await expect(page.locator(".call-caller")).to_have_text(number)
            await page.get_by_role("button", name="Answer").click()
            await expect(page.locator(".state-now")).to_have_attribute("data-state", "talking")
            voice.repeat(audio.tone(CALLER_HZ))
            await hears(page, CALLER_HZ)
            await exchange.hears_tones(voice, AGENT_HZ)

            await page.get_by_role("button", name="Hold").click()
            await expect(page.get_by_role("button", name="Retrieve")).to_be_visible()
            at = len(voice.heard()) + RATE
            await until(lambda: len(voice.heard()) > at + RATE)
            assert not audio.has_tone(voice.heard()[-RATE:], AGENT_HZ)
            await page.get_by_role("button", name="Retrieve").click()
            await expect(page.locator(".state-now")).to_have_attribute("data-state", "talking")
            await exchange.hears_tones(voice, AGENT_HZ)

            await page.get_by_role("button", name="Hang up").click()
            assert await exchange.switch.reached(voice, CallState.ENDING, PATIENCE)
            assert voice.call.cause == 16
        finally:
            await centre.sign_out("1004")
    contact = await centre.ended(number)
    assert (contact["trunk"], contact["outcome"], contact["agent"]) == (SPAN, "handled", "1004")
    assert (await centre.recording(contact["id"]))["complete"]
    await centre.nothing_left()


async def test_a_number_dialled_digit_by_digit_is_called_when_no_other_digit_comes(exchange: Exchange) -> None:
    centre, number = exchange.centre, exchange.centre.new_caller()
    voice = exchange.switch.call("9", number, complete=False)
    assert voice is not None
    for digit in "5000":
        exchange.switch.span.digits(voice.call, digit)
    assert await exchange.switch.reached(voice, CallState.CONNECTED, PATIENCE), voice.call.cause
    await exchange.hears(voice)
    assert (await centre.contact(number))["dialled"] == "95000"
    exchange.switch.hang_up(voice)
    assert (await centre.ended(number))["outcome"] == "abandoned_ivr"


async def maintainer(page: Page, exchange: Exchange) -> None:
    page.set_default_timeout(PATIENCE_MS)
    await page.goto("/login")
    await fill_log_in(page, "admin", "demo-admin")
    await expect(page).to_have_url(f"{exchange.centre.platform.http}/")
    await page.goto("/admin/trunks")
    await expect(page.locator(f"[data-span='{SPAN}']")).to_be_visible()


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
async def test_the_page_of_the_spans_shows_and_does_what_maintenance_needs(
    exchange: Exchange, tmp_path: Path, ports: PortBlock, language: str, theme: str
) -> None:
    centre = exchange.centre
    locale = {"en": "en-GB", "zh": "zh-CN"}[language]
    options: dict[str, Any] = {
        "locale": locale,
        "color_scheme": theme,
        "viewport": {"width": 1280, "height": 1400},
    }
    async with browser_of(centre, tmp_path / "m.wav", AGENT_HZ, **options) as context:
        page = await context.new_page()
        await maintainer(page, exchange)
        span = page.locator(f"[data-span='{SPAN}']")
        voice = await exchange.dial("95002", centre.new_caller())
        busy = span.locator(".span-channel.busy")
        await expect(busy).to_have_count(1)
        await expect(busy.locator(".num")).to_have_text(str(voice.call.slot))
        await busy.click()
        await expect(span.locator(".span-chosen")).to_contain_text("95002")

        clock = page.locator("[data-clock]")
        async with TimeServer(port=ports.first + 2 * SPAN_PORTS) as server:
            server.ahead = -5.0
            await expect(clock.locator("[data-offset='off']")).to_be_visible()
            await centre.eventually(
                lambda: centre.items("alarms", active=True),
                lambda rows: any(row["kind"] == "clock_off" for row in rows),
            )
            await centre.eventually(centre.metrics, lambda text: "\ncc_clock_offset_seconds -" in text)
            if PICTURES:
                await page.screenshot(path=Path(PICTURES) / f"spans-{language}.png", full_page=True)
            assert not await findings(page)
            server.ahead = 0.0
            await expect(clock.locator("[data-offset='right']")).to_be_visible()
            await centre.eventually(
                lambda: centre.items("alarms", active=True),
                lambda rows: not any(row["kind"].startswith("clock_") for row in rows),
            )

        trace = {"en": "D channel", "zh": "D 信道"}[language]
        await span.get_by_role("button", name=trace, exact=True).click()
        await expect(page.locator(".span-ladder .came").first).to_contain_text("CONNECT ACKNOWLEDGE")
        await expect(page.locator(".span-ladder")).to_contain_text("SETUP")
        if PICTURES:
            await page.screenshot(path=Path(PICTURES) / f"trace-{language}.png")


async def test_the_alarm_of_a_wrong_clock_outlives_the_process_that_watches_it(
    exchange: Exchange, ports: PortBlock
) -> None:
    centre = exchange.centre

    async def alarms() -> list[str]:
        rows = await centre.items("alarms", active=True)
        return [row["id"] for row in rows if row["kind"] == "clock_off"]

    async with TimeServer(port=ports.first + 2 * SPAN_PORTS) as server:
        server.ahead = 30.0
        (alarm,) = await centre.eventually(alarms, bool)
        killed = centre.platform.kill("web")
        await centre.platform.wait_ready_again("web", killed)
        assert await alarms() == [alarm]
        server.ahead = 0.0
        await centre.eventually(alarms, lambda ids: not ids)


async def test_what_times_a_span_is_chosen(exchange: Exchange) -> None:
    centre = exchange.centre

    async def timing() -> list[str]:
        return [row["timing"] for row in (await centre.get("isdn/spans"))["items"] if row["id"] == SPAN]

    async def in_service() -> list[bool]:
        answer = await centre.ask("GET", "isdn/spans")
        rows = answer.json()["items"] if answer.status_code == 200 else []
        return [row["usable"] for row in rows if row["id"] == SPAN]

    async def choose(source: str, span: str = SPAN) -> int:
        answer = await centre.ask("POST", f"isdn/spans/{span}/timing/{source}", user="admin", json={})
        return int(answer.status_code)

    assert await choose("system") == 204
    await centre.eventually(timing, lambda now: now == ["system"])
    centre.platform.kill("e1")
    await centre.eventually(in_service, lambda there: there == [True])
    assert await timing() == ["system"]
    (kept,) = [row for row in await centre.items("audit", user="admin") if row["action"] == "span.timing"]
    change = {"before": {"timing": "span"}, "after": {"timing": "system"}}
    assert (kept["subject"], kept["object"], kept["detail"]) == ("admin", SPAN, change)
    assert await choose("span") == 204
    await centre.eventually(timing, lambda now: now == ["span"])
    await exchange.in_service()
    await exchange.dial("95002", centre.new_caller())
    assert await choose("moon") == 422
    assert await choose("span", "nowhere") == 404


async def test_a_switch_that_a_user_starts_calls_the_menu(
    exchange: Exchange, ports: PortBlock, tmp_path: Path
) -> None:
    """As on a second machine: another data directory, and nothing but the line between the two."""
    far = tmp_path / "far"
    environment = {**os.environ, **environment_of(span_settings(ports, OTHER))}
    command = (sys.executable, "-m", "ccplatform", "e1")
    at = ("--data-dir", str(far))
    switch = await asyncio.create_subprocess_exec(*command, "switch", *at, env=environment)
    try:
        await until(lambda: (far / "run" / "e1-switch.sock").exists() or switch.returncode is not None)
        heard = tmp_path / "heard.wav"
        dial = await asyncio.create_subprocess_exec(
            *(*command, "dial", "95000", "--seconds", "4", "--record", str(heard), *at),
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await dial.communicate()
        assert dial.returncode == 0, told.decode()
        assert audio.activity(audio.read_wav(heard)[1][0]) > 0.2
    finally:
        switch.terminate()
        assert await switch.wait() == 0
