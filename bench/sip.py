"""How fast SIP is: the parser alone, the stack in memory, and two-leg calls through the whole platform.

``python -m bench.sip [--only parser,stack,register,calls,overload,memory] [--rate 50] [--seconds 10] [--media]``

Speeds are per second of CPU time of what is measured, so that other work on the machine counts little. ``stack``:
a gateway between two peers, all in memory, messages as bytes, INVITE to BYE on both legs; only the gateway's share
is measured. ``register``: digest and refresh of 10,000 contacts. ``calls``: SIPp → platform → SIPp over UDP by the
demo centre's trunk `lab`; the CPU is that of each process, journal and facts included. With ``--media`` the calls
carry sound both ways for ``--hold`` seconds; ``--no-trace`` and ``--no-journal`` leave these out, to compare.
``overload``: the good calls at ``--capacity`` and at three times as many, where the others must get a clean 503.
``memory``: what a standing dialog takes of control, trace and journal on and off.

A call costs up to twice the CPU at rates that leave the processor idle in between: caches and branch tables are
cold each time (the stack in memory shows the same when it pauses between calls). Compare like rates only.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.figures import Figure, add_phases, conditions, show, single, write_json
from bench.sip_platform import calls_phase, memory_phase, overload_phase
from bench.sip_stack import RegistrarBench, StackBench, request_texts
from gateway.sip.parser import parse_message
from tests.support.milestone import PeerError

PHASES = ("parser", "stack", "register", "calls", "overload", "memory")


def fastest(work: Callable[[], object], repeat: int, rounds: int = 5) -> float:
    """CPU seconds of one ``work()``, the best of some rounds: the others were disturbed."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.thread_time()
        for _ in range(repeat):
            work()
        best = min(best, (time.thread_time() - begun) / repeat)
    return best


async def parser_phase(_: argparse.Namespace) -> list[Figure]:
    """The parser alone."""
    figures = []
    for name, data in request_texts().items():
        seconds = fastest(lambda data=data: parse_message(data), 3000)  # type: ignore[misc]
        note = f"{len(data)} bytes, {seconds * 1e6:.1f} µs"
        figures.append(single(f"parser, {name}", 1 / seconds, "messages/s", note=note))
    return figures


async def stack_phase(options: argparse.Namespace) -> list[Figure]:
    """Whole calls in memory."""
    figures = []
    for trace in (True, False):
        bench = StackBench(trace=trace)
        await bench.open()
        bench.calls(300)
        costs = sorted(bench.calls(200) for _ in range(options.rounds))
        note = f"trace {'on' if trace else 'off'}; worst round {costs[-1] * 1000:.2f} ms a call"
        figures.append(single("stack, two-leg calls", 1 / costs[0], "calls/s", note=note))
        kept = bench.kept_bytes(500) / 2 / 1024
        figures.append(single("stack, memory of a standing dialog with its leg", kept, "KiB", note=note[:9]))
    return figures


async def register_phase(_: argparse.Namespace) -> list[Figure]:
    """10,000 contacts that are refreshed every 60 s."""
    bench = RegistrarBench(10_000)
    await bench.open()
    first = bench.round()
    again = bench.round()
    note = f"{again * 60 / 10_000 * 1e6:.0f} µs a refresh; the first registration, with challenge: {first:.1%}"
    return [single("10,000 contacts refreshed every 60 s", again * 100, "% of a core", note=note)]


async def run(options: argparse.Namespace) -> int:
    """All phases asked for."""
    facts = conditions()
    figures: list[Figure] = []
    problems: list[str] = []
    phases: dict[str, Callable[[argparse.Namespace], Awaitable[list[Figure]]]] = {
        "parser": parser_phase,
        "stack": stack_phase,
        "register": register_phase,
        "calls": calls_phase,
        "overload": overload_phase,
        "memory": memory_phase,
    }
    for name in options.only:
        try:
            figures += await phases[name](options)
        except PeerError as error:
            problems.append(f"{name}: {error}")
    show("SIP", figures, facts, problems)
    if options.json:
        write_json(options.json, figures, facts, problems)
    return 1 if problems else 0


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_phases(parser, PHASES, default=("parser", "stack", "register", "calls"))
    parser.add_argument("--rounds", type=int, default=8, help="rounds of 200 calls of the stack phase")
    parser.add_argument("--rate", type=float, default=50.0, help="calls a second through the platform")
    parser.add_argument("--capacity", type=float, default=100.0, help="calls a second that one core carries")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long calls are offered")
    parser.add_argument("--hold", type=float, default=1.0, help="how long a call through the platform lasts")
    parser.add_argument("--media", action="store_true", help="calls through the platform carry sound both ways")
    parser.add_argument("--no-trace", action="store_true", help="without the signalling trace")
    parser.add_argument("--no-journal", action="store_true", help="without the journal")
    parser.add_argument("--held", type=int, default=400, help="calls of the memory phase")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(asyncio.run(run(parse())))
