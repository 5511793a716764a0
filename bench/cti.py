"""The agent's page with the telephone in it: ``python -m bench.cti [--calls 20]``.

A Chromium without a window signs an agent in and takes call after call of a SIP phone. Measured: from the press
of Enter until both hear each other's tone, from the offer (its event's time) until the pop is painted, and until a
supervisor's wallboard shows the agent in his new state, how long a page takes to be there when it is loaded anew,
and what is loaded, compressed as on the wire, until the log-in shows, until the desk does, and until the telephone
is ready.
Browser, caller and platform share the CPUs: figures are upper bounds.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import httpx
from playwright.async_api import BrowserContext, Page, Response, expect

from bench.figures import conditions, distribution, show, single, write_json
from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre, unused_numbers
from tests.e2e.test_pages import fill_log_in
from tests.e2e.test_pages_softphone import sign_in
from tests.support import audio, sources
from tests.support.chromium import chromium, give_ear
from tests.support.phone import SipPhone
from tests.support.platform import PlatformProcess

TALK_GOAL_MS: Final = 700.0
POP_GOAL_MS: Final = 200.0
WALL_GOAL_MS: Final = 1_000.0
LOAD_GOAL_KB: Final = 300.0
INTERACTIVE_GOAL_MS: Final = 1_500.0

#: Notes when the pop of each call was painted, and polls for the tone faster than a person could.
_WATCH: Final = """
window.popped = {};
new MutationObserver(() => {
  const caller = document.querySelector(".call-caller")?.textContent;
  if (caller && document.querySelector(".pop") && !(caller in window.popped)) {
    window.popped[caller] = 0;
    requestAnimationFrame(() => requestAnimationFrame(() => (window.popped[caller] = Date.now())));
  }
}).observe(document.documentElement, { subtree: true, childList: true, characterData: true });
window.heardAt = (hertz) => new Promise((done) => {
  const look = () => (standsOut(hertz) > 15 ? done(Date.now()) : setTimeout(look, 5));
  look();
});
true  // a function would be called
"""
#: Notes when each change of the agents' states in a queue was painted.
_WATCH_WALL: Final = """
window.changed = [];
new MutationObserver(() => {
  requestAnimationFrame(() => requestAnimationFrame(() => window.changed.push(Date.now())));
}).observe(document.querySelector("[data-queue='support'] .tile-agents"), {
  subtree: true, childList: true, characterData: true, attributes: true,
});
true
"""


@asynccontextmanager
async def _browser(base: str, folder: Path) -> AsyncIterator[BrowserContext]:
    microphone = folder / "microphone.wav"
    audio.write_wav(microphone, audio.tone(AGENT_HZ, 1.0, rate=48_000), rate=48_000)
    async with chromium(microphone) as browser:
        context = await browser.new_context(base_url=base, locale="en-GB", permissions=["microphone"])
        await give_ear(context)
        yield context


async def _one(
    page: Page, wall: Page, centre: Centre, talk: list[float], pops: list[float], shown: list[float]
) -> None:
    number = centre.new_caller()
    async with SipPhone(number, source=sources.tone(CALLER_HZ)) as phone:
        call = await phone.dial(centre.number("95001"))
        await expect(page.get_by_role("button", name="Answer")).to_be_visible()
        await page.wait_for_function("caller => window.popped[caller] > 0", arg=number)
        hearing = asyncio.ensure_future(page.evaluate("hertz => heardAt(hertz)", CALLER_HZ))
        pressed, pressed_wall = time.monotonic(), time.time()
        await page.keyboard.press("Enter")
        heard = await call.heard(tone=AGENT_HZ, since=pressed, limit=10)
        talk.append(max(heard - pressed, await hearing / 1000 - pressed_wall))
        contact = await centre.contact(number)
        offered = next(event for event in await centre.events(contact["id"]) if event["type"] == "Offered")
        painted = await page.evaluate("caller => window.popped[caller]", number)
        at = datetime.fromisoformat(offered["at"]).timestamp()
        pops.append(painted / 1000 - at)
        change = await wall.wait_for_function("since => changed.find((when) => when >= since)", arg=at * 1000)
        shown.append(await change.json_value() / 1000 - at)
        await call.hang_up()
    await expect(page.locator(".state-now")).to_have_attribute("data-state", "wrap_up")
    await page.keyboard.press("F2")
    await expect(page.locator(".state-now")).to_have_attribute("data-state", "ready")


async def _interactive(page: Page, shows: str) -> float:
    """Milliseconds from the navigation until this is there; what was loaded before comes from the cache."""
    await page.reload(wait_until="commit")
    await page.locator(shows).wait_for()
    return float(await page.evaluate("performance.now()"))


async def run(options: argparse.Namespace) -> int:
    """All calls; 0 when none failed."""
    expect.set_options(timeout=15_000)
    facts = conditions()
    talk: list[float] = []
    pops: list[float] = []
    loads: list[float] = []
    ready: list[float] = []
    shown: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bench-cti-") as folder:
        platform = PlatformProcess(Path(folder) / "data")
        platform.start()
        try:
            async with (
                httpx.AsyncClient(base_url=platform.http, timeout=15.0) as client,
                _browser(platform.http, Path(folder)) as context,
                _browser(platform.http, Path(folder)) as across,  # a page behind another one is drawn late
            ):
                centre = Centre(platform, {}, unused_numbers(), client)
                sizes: list[float] = []

                async def count(response: Response) -> None:
                    sizes.append((await response.request.sizes())["responseBodySize"])

                page = await context.new_page()
                page.on("response", count)
                await page.goto("/login", wait_until="networkidle")
                loads.append(sum(sizes) / 1000)
                ready.append(await _interactive(page, "#username"))
                await fill_log_in(page, "1004", "demo-1004")
                await expect(page.locator("#seat")).to_be_visible()
                await page.wait_for_load_state("networkidle")
                loads.append(sum(sizes) / 1000)
                await page.evaluate(_WATCH)
                await sign_in(page, "seat-04")
                loads.append(sum(sizes) / 1000)
                ready.append(await _interactive(page, ".state-now[data-state='ready']"))
                await expect(page.locator("[data-phone='ready']")).to_be_visible()
                await page.evaluate(_WATCH)
                wall = await across.new_page()
                await wall.goto("/login")
                await fill_log_in(wall, "sup1", "demo-sup1")
                await expect(wall).to_have_url(f"{platform.http}/")
                await wall.goto("/wallboard")
                await expect(wall.locator("[data-requirement]").first).to_be_visible()
                await wall.evaluate(_WATCH_WALL)
                for _ in range(options.calls):
                    await _one(page, wall, centre, talk, pops, shown)
        finally:
            platform.stop()
    figures = [
        distribution("Enter → both hear each other in the browser", talk, goal_ms=TALK_GOAL_MS),
        distribution("offer → pop painted", pops, goal_ms=POP_GOAL_MS),
        distribution("offer → wallboard shows it", shown, goal_ms=WALL_GOAL_MS),
        single("log-in loaded anew until it takes input", ready[0], "ms", goal=INTERACTIVE_GOAL_MS),
        single("desk loaded anew until the live state is there", ready[1], "ms", goal=INTERACTIVE_GOAL_MS),
        single("loaded until the log-in shows", loads[0], "kB", goal=LOAD_GOAL_KB),
        single("… until the desk shows", loads[1], "kB", goal=LOAD_GOAL_KB),
        single("… until the telephone is ready", loads[2], "kB"),
    ]
    found = [figure for figure in figures if figure is not None]
    show("The agent's page with its telephone", found, facts)
    if options.json:
        write_json(options.json, found, facts)
    return 0


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--json", type=Path, default=None)
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
