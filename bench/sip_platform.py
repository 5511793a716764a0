"""Two-leg calls through the whole platform: SIPp → platform → SIPp over UDP, by the demo centre's trunk `lab`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bench.figures import Figure, single
from bench.unjournalled import PROGRAM
from tests.e2e.lab import LAB_PORT, lab_is_free
from tests.support import sipp
from tests.support.platform import PlatformProcess

#: CPU of one two-leg call, ms: 400 calls/s on one core.
CALL_GOAL_MS: Final = 2.5
SETUP_GOAL_MS: Final = 100.0
#: The platform as it is delivered, unlike that of tests.
AS_SHIPPED: Final = {"CCP_SIP__OVERLOAD__LAG_SECONDS": "0.2"}
NUMBER: Final = "95004"
ROLES: Final = ("control", "media", "web")


@asynccontextmanager
async def platform_with_lab(*, trace: bool, journal: bool, media: bool) -> AsyncIterator[PlatformProcess]:
    """A platform, and the far end of its trunk; ``media``: which sends back what it hears."""
    await lab_is_free()
    environment = AS_SHIPPED | {"CCP_SIP__TRACE": str(trace).lower()}
    with tempfile.TemporaryDirectory(prefix="ccb-") as directory:
        data = Path(directory) / "data"
        if journal:
            platform = PlatformProcess(data, rtp_ports=4000, environment=environment)
        else:
            platform = PlatformProcess(data, rtp_ports=4000, environment=environment, program=PROGRAM)
        try:
            await asyncio.to_thread(platform.start)
            async with sipp.Sipp("uas", port=LAB_PORT, hold=0.0, limit=60, rtp_echo=media):
                await sipp.run("uac", platform.sip, number=NUMBER, calls=20, rate=20)
                yield platform
            await asyncio.to_thread(platform.stop)
        finally:
            platform.close()


async def calls_phase(options: argparse.Namespace) -> list[Figure]:
    """Calls at one rate."""
    return await _at_rates([options.rate], options)


async def overload_phase(options: argparse.Namespace) -> list[Figure]:
    """What the platform carries, and three times as many."""
    return await _at_rates([options.capacity, 3 * options.capacity], options)


async def memory_phase(options: argparse.Namespace) -> list[Figure]:
    """Calls that stay, in all four combinations of trace and journal."""
    figures: list[Figure] = []
    for trace in (True, False):
        for journal in (True, False):
            async with platform_with_lab(trace=trace, journal=journal, media=False) as platform:
                figures += await _memory_of_calls(platform, options.held, _switches(trace, journal, False))
    return figures


async def _at_rates(rates: list[float], options: argparse.Namespace) -> list[Figure]:
    figures: list[Figure] = []
    trace, journal, media = not options.no_trace, not options.no_journal, options.media
    async with platform_with_lab(trace=trace, journal=journal, media=media) as platform:
        for rate in rates:
            figures += await _at_rate(platform, rate, options, _switches(trace, journal, media))
    return figures


def _switches(trace: bool, journal: bool, media: bool) -> str:
    return f"trace {'on' if trace else 'off'}, journal {'on' if journal else 'off'}{', with media' * media}"


async def _at_rate(
    platform: PlatformProcess, rate: float, options: argparse.Namespace, switches: str
) -> list[Figure]:
    """Calls at one rate, and what they cost beyond an idle platform. A refused call is no failure when the refusal
    was a clean one."""
    idle = await _idle_cpu(platform)
    before, begun = _cpu(platform), time.monotonic()
    result = await sipp.run(
        "uac_talks" if options.media else "uac_or_refused",
        platform.sip,
        number=NUMBER,
        calls=round(rate * options.seconds),
        rate=rate,
        hold=options.hold,
        limit=options.seconds + options.hold + 60,
    )
    elapsed, after = time.monotonic() - begun, _cpu(platform)
    good = result.successful - result.refused
    note = f"{rate:g}/s offered: {good} good, {result.refused} refused by a clean 503, {result.failed} failed"
    p50, p95, largest = result.setup_ms
    figures = [
        single(
            f"CPU of {role} for a two-leg call",
            (after[role] - before[role] - idle[role] * elapsed) * 1000 / max(1, good),
            "ms",
            goal=CALL_GOAL_MS if role == "control" else None,
            note=f"{switches}; {note}" if role == "control" else f"calls of {options.hold:g} s",
        )
        for role in ROLES
    ]
    setup = Figure(
        name="setup, INVITE → 200 through both legs", unit="ms", samples=result.successful,
        p50=p50, p95=p95, largest=largest, goal=SETUP_GOAL_MS, note=note,
    )  # fmt: skip
    repeats = f"{note}, {result.retransmissions} repeats"
    return [*figures, single("good calls", good / options.seconds, "calls/s", note=repeats), setup]


async def _memory_of_calls(platform: PlatformProcess, held: int, switches: str) -> list[Figure]:
    """Resident memory of control before and while so many calls stay; as many went before and made room."""
    await sipp.run("uac", platform.sip, number=NUMBER, calls=held, rate=40, hold=held / 40, limit=120)
    await asyncio.sleep(2)
    before = platform.rss_bytes("control")
    async with sipp.Sipp(
        "uac", target=platform.sip, number=NUMBER, calls=held, rate=40, hold=600, limit=700
    ) as caller:
        await asyncio.sleep(held / 40 + 2)
        grown = platform.rss_bytes("control") - before
    assert caller.port
    note = f"{switches}; {held} calls, {before / 2**20:.0f} MiB before"
    return [single("memory of control for a standing dialog", grown / 1024 / (2 * held), "KiB", note=note)]


async def _idle_cpu(platform: PlatformProcess) -> dict[str, float]:
    """Cores that each role uses when nothing happens."""
    before = _cpu(platform)
    await asyncio.sleep(2)
    return {role: (used - before[role]) / 2 for role, used in _cpu(platform).items()}


def _cpu(platform: PlatformProcess) -> dict[str, float]:
    return {role: platform.cpu_seconds(role) for role in ROLES}
