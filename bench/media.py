"""What the media engine costs and how much delay it adds.

``python -m bench.media`` is a quick look of some minutes; ``chrt -r 1 python -m bench.media --goals`` on a machine
with two cores and nothing else to do is the measurement that docs/performance.md holds: recorded calls, 60 s a
row, then a flood and the breaking point, 20 minutes in all.

With ``chrt`` the kernel limits real-time work: what takes more than ``kernel.sched_rt_runtime_us`` (950,000: 95 %)
of a second on a core is held up for the rest of it. A worker at 80 to 90 % of its core, and its load, meet that
limit now and then: the ticks of 60 to 79 ms come from it, and with them most of what is skipped and ``kept``.
There are none after ``sysctl kernel.sched_rt_runtime_us=-1``, which the measurement wants; the header tells it.

For each number of calls one real worker process on one core and one load process on the other, which plays the
peers of all legs (two per call, bridged, G.711 at 20 ms; one leg A-law, the other µ-law, so that every frame is
decoded, mixed and encoded again). Every row is measured after a warm-up and shows

* ``cpu%``: CPU of the worker process in per cent of one core, and per call (user and system, all its threads);
* ``bare%``: CPU of a process that only reads and sends the same packets through the same sockets, and the ratio;
* the tick's duration (median; 99th percentile; the 99th percentile of the worst two seconds, which is nearly their
  longest tick; maximum) and ticks skipped, ms;
* ``dly``: from the send call for a packet to the kernel's receipt of the packet with the same sound on the other
  side, p50 and p95, ms;
* ``lost``: packets that the engine did not take from its sockets in time, or did not send;
* ``load%``: CPU of the load, and ``late``: how late one in a hundred of its groups of packets left, ms;
* ``leg-kB``: memory of the worker per leg;
* ``kept%``: what kept a worker that wanted to run from its core, per cent of the time: other work, the limit of
  ``chrt``, and the host of a guest (``stolen%``, of both cores).

A row ends with ``LOAD`` where the load was the limit and not the engine: more than one in a hundred of its groups
left more than 5 ms late. Such a row says nothing about delay, ticks and the breaking point. It ends with ``CUT``
and the number of recordings that ended before their calls: the disk, or the thread that writes, could not follow,
and the row is not about so many recorded calls.

Calls are bridged; recorded as well; or *secured*: recorded, and the µ-law leg encrypted with keys from SDP
(AES_CM_128_HMAC_SHA1_80). Then a flood on one leg, and the breaking point: the most recorded calls, in steps of a
tenth, for which nothing is lost and no tick is skipped. Goals are printed with their ratios from 500 calls on.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path
from typing import Final

from bench.media_rows import PROFILES, Row, measure, measure_bare
from bench.media_worker import allow_many_sockets

_RT_LIMIT: Final = Path("/proc/sys/kernel/sched_rt_runtime_us")

GOAL_CALLS: Final = 1000
JUDGED_CALLS: Final = 500
GOAL_CPU: Final = 80.0
GOAL_TICK_MS: Final = 20.0
GOAL_RATIO: Final = 1.6
GOAL_DELAY_MS: Final = 50.0


def _show(row: Row, profile: str, bare: float) -> None:
    print(
        f"{row.calls:6d} {profile:>9} {row.cpu:7.1f} {row.cpu / row.calls:7.3f} {bare:7.1f} {row.cpu / bare:6.2f}"
        f" {row.tick_p50:7.2f} {row.tick_p99:7.2f} {row.tick_p99_worst:7.2f} {row.tick_max:7.2f} {row.skipped:5d}"
        f" {row.delay_p50:6.1f} {row.delay_p95:6.1f} {row.lost:6d} {row.load.cpu:6.0%}"
        f" {row.load.late_p99 * 1000:6.2f} {row.leg_bytes / 1024:6.1f} {row.kept:5.1f}"
        f" {row.stolen:7.1f}{f'  CUT {row.cut}' if row.cut else ''}{'' if row.load.paced else '  LOAD'}",
        flush=True,
    )


def _judge(row: Row, bare: float) -> None:
    print(f"# {row.calls} bridged and recorded calls against the goals (ratio 1.00 and less is met)")
    for name, value, goal in (
        ("CPU of one core, %", row.cpu, GOAL_CPU * row.calls / GOAL_CALLS),
        ("ratio to the bare system calls", row.cpu / bare, GOAL_RATIO),
        ("tick p99, ms", row.tick_p99, GOAL_TICK_MS),
        ("one-way delay added p95, ms", row.delay_p95, GOAL_DELAY_MS),
    ):
        print(f"#   {name:32} {value:8.2f}  goal {goal:7.2f}  ratio {value / goal:.2f}")
    print(f"#   {'packets lost by the engine':32} {row.lost:8d}  goal       0")


def _breaking_point(start: int, seconds: float) -> None:
    rows = {start: asyncio.run(measure(start, "recorded", seconds))}
    step = 1.1 if rows[start].holds else 1 / 1.1
    calls = start
    while rows[calls].holds == (step > 1) and calls > 1:
        calls = round(calls * step)
        rows[calls] = asyncio.run(measure(calls, "recorded", seconds))
    best = max((row for row in rows.values() if row.holds), key=lambda row: row.calls, default=None)
    worst = min((row for row in rows.values() if not row.holds), key=lambda row: row.calls, default=None)
    if best is not None:
        _show(best, "breaking", measure_bare(best.calls, min(seconds, 10.0)))
        print(f"# breaking point: {best.calls} recorded calls at {best.cpu:.1f} % of a core")
    if worst is not None:
        whose = "the engine" if worst.load.paced else "the load, not the engine,"
        print(f"# {worst.calls}: {worst.lost} lost, {worst.skipped} ticks skipped; {whose} was the limit")


def _scheduling() -> str:
    """Whether this runs as real-time work, and what the kernel allows that of each second."""
    if os.sched_getscheduler(0) not in (os.SCHED_FIFO, os.SCHED_RR):
        return "ordinary priority"
    limit = int(_RT_LIMIT.read_text())
    return "real-time, no limit" if limit < 0 else f"real-time, limited to {limit} us of a second"


def main() -> None:
    """Run the bench and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[10, 100, 500, 1000])
    parser.add_argument("--profiles", nargs="+", default=list(PROFILES), choices=list(PROFILES))
    parser.add_argument("--seconds", type=float, default=10.0, help="measured time of each row")
    parser.add_argument("--flood", type=int, default=50000, help="packets a second to one leg; 0: no flood")
    parser.add_argument("--no-breaking-point", action="store_true")
    parser.add_argument("--goals", action="store_true", help="recorded calls only, 60 s per row")
    options = parser.parse_args()
    if options.goals:
        options.profiles, options.seconds = ["recorded"], 60.0
    allow_many_sockets()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the supervisor does for its children
    print(
        f"# {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, {options.seconds:g} s per row,"
        f" {_scheduling()}"
    )
    print(
        "# calls   profile    cpu%  %/call   bare%  ratio  tick50  tick99  worst2 tickmax  skip  dly50  dly95"
        "   lost  load%   late leg-kB kept% stolen%"
    )
    for calls in options.calls:
        bare = measure_bare(calls, min(options.seconds, 10.0))
        for profile in options.profiles:
            row = asyncio.run(measure(calls, profile, options.seconds))
            _show(row, profile, bare)
            if calls >= JUDGED_CALLS and profile == "recorded":
                _judge(row, bare)
    if options.flood:
        calls = min(options.calls)
        row = asyncio.run(measure(calls, "bridged", options.seconds, options.flood))
        print(f"# and {options.flood} packets/s more to one leg; lost and delay of its neighbours:")
        _show(row, "flooded", measure_bare(calls, min(options.seconds, 10.0)))
    if not options.no_breaking_point:
        _breaking_point(max(options.calls), options.seconds)


if __name__ == "__main__":
    main()
