"""The flow designer in Chromium with large flows: ``python -m bench.designer [--nodes 1000] [--http …]``.

Per flow, from a signed-in browser, the mean user's way: the page is opened by its address until the first card is
drawn, a card is dragged, the canvas is pulled, a prompt is typed. A frame is the time from one animation frame to
the next while that is done; none can be below 16.7 ms. Browser, platform and database share the CPUs, and Chromium
draws without a GPU: figures are upper bounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
from playwright.async_api import Browser, Page

from bench.calls import prepared
from bench.figures import Figure, conditions, distribution, show, write_json
from bench.ivr import document
from tests.support.chromium import chromium
from tests.support.milestone import PeerError

FIRST_CARD_GOAL_MS: Final = 2000.0
FRAME_GOAL_MS: Final = 33.0
_USER: Final = "sup1"
_MOVES: Final = 90

#: When the first card stood in a frame that was drawn, ms since the page was asked for.
_FIRST_CARD: Final = """
window.firstCard = new Promise((drawn) => {
  new MutationObserver((_changes, observer) => {
    if (document.querySelector('.flow-canvas [data-node]') !== null) {
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => { drawn(performance.now()); }, 0));
    }
  }).observe(document, { childList: true, subtree: true });
});
"""
#: From now on the times between frames are written down.
_WATCH: Final = """
() => {
  window.frames_ = [];
  let before = performance.now();
  const next = (now) => {
    window.frames_.push(now - before);
    before = now;
    window.watch = requestAnimationFrame(next);
  };
  window.watch = requestAnimationFrame(next);
}
"""
_WATCHED: Final = "() => { cancelAnimationFrame(window.watch); return window.frames_.slice(1); }"


@asynccontextmanager
async def signed_in(browser: Browser, http: str) -> AsyncIterator[Page]:
    """A page of the demo's supervisor."""
    context = await browser.new_context(base_url=http, viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = await context.new_page()
    await page.goto("/login")
    await page.locator("input[autocomplete='username']").fill(_USER)
    await page.locator("input[type='password']").fill(f"demo-{_USER}")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{http}/")
    await page.add_init_script(_FIRST_CARD)
    yield page
    await context.close()


async def opened(page: Page, flow: str) -> float:
    """Seconds until the first card is drawn; what the browser has of the page it keeps."""
    await page.goto(f"/admin/flows/of/{flow}", wait_until="commit")
    return float(await page.evaluate("() => window.firstCard")) / 1000


async def moved(page: Page, x: float, y: float) -> list[float]:
    """Frames, seconds each, while the mouse pulls what stands there to and fro."""
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + 5, y)
    await page.evaluate(_WATCH)
    for step in range(_MOVES):
        away = step % 30
        await page.mouse.move(x + 6 * min(away, 30 - away), y + 3 * min(away, 30 - away))
    frames: list[float] = await page.evaluate(_WATCHED)
    await page.mouse.up()
    return [frame / 1000 for frame in frames]


async def typed(page: Page) -> list[float]:
    """Frames while the prompt of a node is written."""
    await page.locator("[data-prompt='prompt.en']").click()
    await page.evaluate(_WATCH)
    await page.keyboard.type("Welcome to our bank. Press a key.", delay=40)
    frames: list[float] = await page.evaluate(_WATCHED)
    return [frame / 1000 for frame in frames]


async def measured(page: Page, flow: str, repeats: int) -> list[Figure | None]:
    """All figures of a flow."""
    first = [await opened(page, flow) for _ in range(repeats)]
    await page.locator(".flow-problems [data-problem], .flow-told.good").first.wait_for(timeout=60_000)
    card = page.locator(".flow-canvas [data-node='n0']")
    box = await card.bounding_box()
    canvas = await page.locator(".flow-canvas").bounding_box()
    if box is None or canvas is None:
        raise PeerError("the designer shows no card")
    dragged = await moved(page, box["x"] + 60, box["y"] + 12)
    pulled = await moved(page, canvas["x"] + canvas["width"] - 260, canvas["y"] + 12)
    await card.click(position={"x": 60, "y": 12})
    written = await typed(page)
    return [
        distribution(f"{flow}: address → first card", first, goal_ms=FIRST_CARD_GOAL_MS),
        distribution(f"{flow}: a frame of a dragged card", dragged, goal_ms=FRAME_GOAL_MS),
        distribution(f"{flow}: a frame of a pulled canvas", pulled, goal_ms=FRAME_GOAL_MS),
        distribution(f"{flow}: a frame of a typed prompt", written, goal_ms=FRAME_GOAL_MS),
    ]


async def keep(http: str, sizes: list[int]) -> dict[str, int]:
    """Drafts of so many nodes, by name."""
    async with httpx.AsyncClient(base_url=f"{http}/api/v1", timeout=60) as client:
        answer = await client.post("/auth/login", json={"username": _USER, "password": f"demo-{_USER}"})
        answer.raise_for_status()
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        for size in sizes:
            body = {"document": {**json.loads(document(size, "json")), "flow": f"bench_{size}"}}
            (await client.put(f"/flows/bench_{size}", json=body)).raise_for_status()
    return {f"bench_{size}": size for size in sizes}


async def run(options: argparse.Namespace) -> int:
    """All flows."""
    facts = conditions()
    figures: list[Figure | None] = []
    async with prepared(options) as bench:
        flows = await keep(bench.http, options.nodes)
        async with chromium() as browser, signed_in(browser, bench.http) as page:
            facts["chromium"] = browser.version
            for flow in flows:
                figures += await measured(page, flow, options.repeats)
    shown = [figure for figure in figures if figure is not None]
    show("The flow designer", shown, facts)
    if options.json:
        write_json(options.json, shown, facts)
    return 0


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", help="HOST:PORT of the SIP address of a running platform (demo centre)")
    parser.add_argument("--http", default="http://127.0.0.1:8080", help="its pages, with --target")
    parser.add_argument("--nodes", type=int, nargs="+", default=[50, 1000], help="sizes of the flows")
    parser.add_argument("--repeats", type=int, default=5, help="how often a flow is opened")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    try:
        sys.exit(asyncio.run(run(parser.parse_args())))
    except PeerError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
