"""Keys and queries of callers in a menu, with speech: ``python -m bench.ivr_calls [--calls 60] [--target …]``.

So many callers are in the telephone bank (95006) at once. Each presses its keys in the silence after a prompt: the
time from the end of the key to the first audible sample of the answer (R10.3.1.6), and from the last key of an
account number to the first audible sample of the balance, which was looked up and spoken for this caller alone
(R10.3.1.7). Callers and platform share the CPUs: figures are upper bounds. CPU a session is what control, media
and speech engine spent from the first call to the last, the platform's own idle work included, by seconds of
sessions.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from bench.calls import at_rate, prepared
from bench.figures import conditions, distribution, show, single, write_json
from tests.support.milestone import PeerError
from tests.support.phone import SipPhone
from tests.support.phone_call import PhoneCall
from tests.support.platform import PlatformProcess

KEY_GOAL_MS: Final = 200.0
QUERY_GOAL_MS: Final = 500.0


@dataclass(slots=True)
class Times:
    """Seconds, one entry per key or query."""

    keys: list[float] = field(default_factory=list)
    queries: list[float] = field(default_factory=list)
    sessions: float = 0.0  # of all calls together


async def bank_call(call: PhoneCall, times: Times, quiet: float) -> None:
    """English, account, number, balance."""
    await call.answered.wait(10)
    await call.heard(limit=10)
    for key in "21":
        await call.ear.silent_for(quiet, limit=60)
        times.keys.append(await _answer(call, key))
    await call.ear.silent_for(quiet, limit=60)
    for key in "60000":
        await call.press(key)
    times.queries.append(await _answer(call, "1"))


async def _answer(call: PhoneCall, key: str) -> float:
    ended_at = await call.press(key)
    return await call.heard(since=ended_at, limit=10) - ended_at


def spent(platform: PlatformProcess | None) -> float:
    """CPU seconds of control and media with their children; 0 for a platform that is not ours."""
    if platform is None:
        return 0.0
    parents = [psutil.Process(pid) for role in ("control", "media") for pid in platform.pids(role)]
    family = {one for parent in parents for one in (parent, *parent.children(recursive=True))}
    return sum(times.user + times.system for times in (one.cpu_times() for one in family))


async def run(options: argparse.Namespace) -> int:
    """All callers; 0 when no call failed."""
    facts, times = conditions(), Times()
    async with prepared(options) as bench, SipPhone("bench") as phone:

        async def one(number: int) -> None:
            began = time.monotonic()
            call = await phone.dial(bench.number("95006"), caller=f"1380000{number % 10000:04d}")
            try:
                await bank_call(call, times, options.quiet)
            finally:
                await call.hang_up()
                call.close()
                times.sessions += time.monotonic() - began

        before = spent(bench.platform)
        await at_rate(options.rate, options.calls, one, bench.problems)
        share = (spent(bench.platform) - before) / max(times.sessions, 1e-9)
    note = f"{options.calls} callers, {options.rate:g} calls/s"
    figures = [
        distribution("key end → first sample", times.keys, goal_ms=KEY_GOAL_MS, note=note),
        distribution("last key of a query → first sample", times.queries, goal_ms=QUERY_GOAL_MS, note=note),
    ]
    if share > 0:
        figures.append(single("CPU a session", 100 * share, "% of a core", note=note))
        figures.append(single("sessions a core", 1 / share, "", note=note))
    shown = [figure for figure in figures if figure is not None]
    show("Callers in the telephone bank", shown, facts, bench.problems)
    if options.json:
        write_json(options.json, shown, facts, bench.problems)
    return 1 if bench.problems else 0


def main() -> None:
    """Run and print; exit 1 when calls failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", help="HOST:PORT of the SIP address of a running platform (demo centre)")
    parser.add_argument("--http", default="http://127.0.0.1:8080", help="its pages, with --target")
    parser.add_argument("--calls", type=int, default=60, help="callers; a call lasts for about half a minute")
    parser.add_argument("--rate", type=float, default=5.0, help="calls a second: all are there after calls / rate")
    parser.add_argument("--quiet", type=float, default=1.2, help="silence before a key, seconds")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    try:
        sys.exit(asyncio.run(run(parser.parse_args())))
    except PeerError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
