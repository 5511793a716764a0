"""Wallboards that are drawn: ``python -m bench.cti_walls [--walls 1,5,10,20] [--seconds 30] [--rate 5]``.

So many ``/wallboard`` pages are open, each in a context of its own of one Chromium without a window (1920 × 1080),
on a platform with ``--agents`` signed-in agents, whose queue gets ``--rate`` calls a second that are offered,
answered and held for two seconds. Meanwhile an agent of another queue, whom no call reaches, becomes ready and not
ready once a second: measured is from the time of each such change to the frame in which a page shows it, over all
pages. CPU of the web process is told beyond that with no wallboard, that of the browser apart from it: real
wallboards share no browser, and where cores are few, this one is most of the work.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import psutil
from playwright.async_api import Browser, Page, expect

from bench.figures import Figure, conditions, distribution, percentile, show, single, write_json
from bench.office import NUMBER, Office, office
from bench.phones import Answer
from tests.e2e.test_pages import fill_log_in
from tests.support import sipp
from tests.support.chromium import chromium
from tests.support.platform import PlatformProcess

SHOWN_GOAL_MS: Final = 1_000.0
#: Of the demo centre: he is in the queue ``sales`` only.
_AGENT, _SEAT, _QUEUE = "1001", "seat-01", "sales"
_LIMITS: Final = {"CCP_CTI__EVENTS__SOCKETS_PER_USER": "100"}
_HOLD_SECONDS: Final = 2.0

#: Notes what the tile says of its agents in each frame in which that is new: ``[when, whether one is ready]``.
_WATCH: Final = """
(queue) => {
  const tile = document.querySelector(`[data-queue='${queue}'] .tile-agents`);
  const watched = window.shown !== undefined;
  window.shown = [];
  if (watched) return;
  let last = null;
  const look = () => requestAnimationFrame(() => {
    const ready = tile.querySelector(".state-part.ready") !== null;
    if (ready !== last) requestAnimationFrame(() => window.shown.push([Date.now(), ready]));
    last = ready;
  });
  new MutationObserver(look).observe(tile, { subtree: true, childList: true, characterData: true });
}
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What the probing agent did, by the server's clock."""

    at: float
    ready: bool


@dataclass(slots=True)
class Measured:
    """Of one number of wallboards. CPU in seconds of one core a second."""

    walls: int
    seconds: list[float] = field(default_factory=list)
    missed: int = 0
    web: float = 0.0
    browser: float = 0.0


def delays(changes: Sequence[Change], shown: Sequence[tuple[float, bool]]) -> tuple[list[float], int]:
    """How long each change took to be seen, seconds, and how many were not before they were over."""
    found: list[float] = []
    again = [*(change.at for change in changes[2:]), float("inf"), float("inf")]  # when it was so once more
    for change, over in zip(changes, again, strict=False):
        seen = (when for when, ready in shown if ready is change.ready and change.at <= when < over)
        if (when := next(seen, None)) is not None:
            found.append(when - change.at)
    return found, len(changes) - len(found)


async def run(options: argparse.Namespace) -> int:
    """All numbers of wallboards in turn, on one platform."""
    expect.set_options(timeout=60_000)
    facts = conditions()
    problems: list[str] = []
    async with office(options.agents, environment=_LIMITS, rtp_ports=2000) as bench, chromium() as browser:
        bench.phones.behave(Answer.TALK)
        await bench.set_all("not_ready", sign_in=True)
        await bench.set_all("ready")
        await bench.set_state(_AGENT, "not_ready", _SEAT)
        measured = await _all(bench, browser, options, problems)
    figures = _figures(measured)
    show("Wallboards that are drawn", figures, facts, problems)
    if options.json:
        write_json(options.json, figures, facts, problems)
    return 1 if problems else 0


async def _all(
    bench: Office, browser: Browser, options: argparse.Namespace, problems: list[str]
) -> list[Measured]:
    measured: list[Measured] = []
    pages: list[Page] = []
    async with AsyncExitStack() as stack:
        for walls in (0, *sorted(options.walls)):
            while len(pages) < walls:
                pages.append(await _wallboard(bench.platform, browser, stack))
            await asyncio.sleep(3.0)
            measured.append(await _one(bench, pages, options, problems))
    return measured


async def _wallboard(platform: PlatformProcess, browser: Browser, stack: AsyncExitStack) -> Page:
    screen = {"width": 1920, "height": 1080}
    context = await browser.new_context(base_url=platform.http, locale="en-GB", viewport=screen)  # type: ignore[arg-type]
    stack.push_async_callback(context.close)
    page = await context.new_page()
    page.set_default_timeout(60_000)
    await page.goto("/login")
    await fill_log_in(page, "sup1", "demo-sup1")
    await expect(page).to_have_url(f"{platform.http}/")
    await page.goto("/wallboard")
    await expect(page.locator("[data-requirement]").first).to_be_visible()
    return page


async def _one(bench: Office, pages: list[Page], options: argparse.Namespace, problems: list[str]) -> Measured:
    found = Measured(walls=len(pages))
    for page in pages:
        await page.evaluate(_WATCH, _QUEUE)
    count = round(options.rate * options.seconds)
    bench.phones.rung()
    load = asyncio.ensure_future(
        sipp.run(
            "uac",
            bench.platform.sip,
            number=NUMBER,
            calls=count,
            rate=options.rate,
            hold=_HOLD_SECONDS,
            limit=options.seconds + 120,
        )
    )
    begun, web, drawn = time.monotonic(), bench.platform.cpu_seconds("web"), _browser_seconds()
    changes: list[Change] = []
    for number in range(options.seconds):
        ready = number % 2 == 0
        answer = await bench.rest.put(f"agents/{_AGENT}/state", json={"state": "ready" if ready else "not_ready"})
        answer.raise_for_status()
        changes.append(Change(datetime.fromisoformat(answer.json()["since"]).timestamp(), ready))
        await asyncio.sleep(max(0.0, begun + number + 1 - time.monotonic()))
    lasted = time.monotonic() - begun
    found.web = (bench.platform.cpu_seconds("web") - web) / lasted
    found.browser = (_browser_seconds() - drawn) / lasted
    await asyncio.sleep(2.0)
    for page in pages:
        shown = [(when / 1000, ready) for when, ready in await page.evaluate("shown")]
        seconds, missed = delays(changes, shown)
        found.seconds += seconds
        found.missed += missed
    await bench.set_state(_AGENT, "not_ready")
    result = await load
    rung = len(bench.phones.rung())
    if result.failed or rung < count:
        problems.append(f"{len(pages)} wallboards: {result.failed} of {count} calls failed, {rung} rang")
    return found


def _browser_seconds() -> float:
    """CPU time of all the browser's processes."""
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            if "chrom" in child.name():
                total += sum(child.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return total


def _figures(measured: list[Measured]) -> list[Figure]:
    idle, *rest = measured
    figures: list[Figure | None] = [single("no wallboard: CPU of web", 100 * idle.web, "% of a core")]
    for one in rest:
        word = f"{one.walls} wallboards"
        whole = len(one.seconds) + one.missed
        note = f"{one.missed} of {whole} changes not drawn before they were over"
        ordered = sorted(1000 * value for value in one.seconds)
        figures += [
            distribution(f"{word}: event → painted", one.seconds, goal_ms=SHOWN_GOAL_MS, note=note),
            single("… p99", percentile(ordered, 0.99), "ms") if ordered else None,
            single("… CPU of web for each", 100 * (one.web - idle.web) / one.walls, "% of a core"),
            single("… CPU of the browser for each", 100 * (one.browser - idle.browser) / one.walls, "% of a core"),
            single("… CPU of the browser", 100 * one.browser, "% of a core", note=f"web {100 * one.web:.0f} %"),
        ]
    return [figure for figure in figures if figure is not None]


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--walls", type=_numbers, default="1,5,10,20", help="how many, in turn")
    parser.add_argument("--seconds", type=int, default=30, help="and changes, for each of these")
    parser.add_argument("--rate", type=float, default=5.0, help="calls a second")
    parser.add_argument("--agents", type=int, default=50, help="agents who take them")
    parser.add_argument("--json", type=Path, default=None)
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
