"""Debian's Chromium without a screen, as tests and benches start it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

#: Ends a failed wait only: the first start of a browser on a busy machine is slow.
PATIENCE_MS: Final = 45_000

#: Defines ``standsOut(hertz)`` of ``window.analyser``, decibels.
STANDS_OUT: Final = Path(__file__).with_name("stands_out.js")
#: Decibels by which a tone must stand out of all else that is heard.
_CLEAR_DB: Final = 15.0

_EAR: Final = Path(__file__).with_name("page_ear.js")
_PROGRAM: Final = "/usr/bin/chromium"
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks",
)


@asynccontextmanager
async def chromium(microphone: Path | None = None) -> AsyncIterator[Browser]:
    """A browser; its microphone, if any, hears this WAV file over and over."""
    fakes = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}",
    ]
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=_PROGRAM, args=[*_ARGUMENTS, *(fakes if microphone is not None else ())]
        )
        yield browser
        await browser.close()


def faults_of(context: BrowserContext, *, expected: str = "") -> list[str]:
    """What its pages will report as an error: scripts, refused requests, the content security policy.

    Console errors that hold ``expected`` are none.
    """
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on(
        "console",
        lambda said: (
            faults.append(f"{said.text} ({said.location['url']})")
            if said.type == "error" and not (expected and expected in said.text)
            else None
        ),
    )
    return faults


async def give_ear(context: BrowserContext) -> None:
    """Let its pages hear their calls, so that :func:`hears` works."""
    await context.add_init_script(path=_EAR)
    await context.add_init_script(path=STANDS_OUT)


async def hears(page: Page, hertz: float) -> None:
    """Wait until the page hears a tone, and nothing else."""
    await page.wait_for_function("([hertz, clear]) => standsOut(hertz) > clear", arg=[hertz, _CLEAR_DB])
