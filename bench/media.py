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
import multiprocessing
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import numpy as np
import psutil

from bench.media_load import ENGINE_KEY, PEER_KEY, SRTP_PROFILE, LoadResult, is_secured, play_peers
from bench.media_worker import allow_many_sockets, relay_bare, serve
from ccplatform.contracts.legs import LegQuality
from ccplatform.contracts.media import Bridge, RecordingClosed, StartRecording
from ccplatform.contracts.words import CallId, LegId, RecordingId
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.media.client import MediaPool
from gateway.media.port import LocalAudio, MediaEvent, RemoteAudio, SdesKeys
from gateway.media.protocol import WorkerStats
from gateway.media.settings import MediaSettings

_SPAWN: Final = multiprocessing.get_context("spawn")
_FORK: Final = multiprocessing.get_context("fork")
_WARM_UP: Final = 3.0
_SETTINGS: Final = MediaSettings(rtp_ports="16000-31999", max_legs_per_worker=8000)

_RT_LIMIT: Final = Path("/proc/sys/kernel/sched_rt_runtime_us")

GOAL_CALLS: Final = 1000
JUDGED_CALLS: Final = 500
GOAL_CPU: Final = 80.0
GOAL_TICK_MS: Final = 20.0
GOAL_RATIO: Final = 1.6
GOAL_DELAY_MS: Final = 50.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured at one number of calls. Milliseconds, per cent of a core, bytes."""

    calls: int
    cpu: float
    tick_p50: float
    tick_p99: float
    tick_p99_worst: float
    tick_max: float
    skipped: int
    delay_p50: float
    delay_p95: float
    lost: int
    load: LoadResult
    leg_bytes: float
    kept: float
    stolen: float
    cut: int

    @property
    def holds(self) -> bool:
        """Whether all calls were served."""
        return not self.lost and not self.skipped and not self.cut


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A kind of call."""

    recorded: bool = False
    secured: bool = False


PROFILES: Final = {
    "bridged": Profile(),
    "recorded": Profile(recorded=True),
    "secured": Profile(recorded=True, secured=True),
}


class _Calls:
    """A pool with one worker, and what is asked of it."""

    def __init__(self, pool: MediaPool, folder: Path, profile: Profile) -> None:
        self._pool = pool
        self._folder = folder
        self._profile = profile

    async def connect(self, index: int, udp: socket.socket) -> int:
        answer: asyncio.Future[LocalAudio | None] = asyncio.get_running_loop().create_future()
        leg = LegId(f"{index}")
        self._pool.open_leg(CallId(f"{index // 2}"), leg, answer.set_result)
        local = await answer
        if local is None:
            raise SystemExit("the worker has no port left")
        codec, payload_type = ("PCMA", 8) if index % 2 == 0 else ("PCMU", 0)
        keys = SdesKeys(profile=SRTP_PROFILE, local=ENGINE_KEY, remote=PEER_KEY)
        remote = RemoteAudio(
            host="127.0.0.1",
            port=int(udp.getsockname()[1]),
            codec=codec,
            payload_type=payload_type,
            sdes=keys if self._profile.secured and is_secured(index) else None,
        )
        self._pool.connect_leg(leg, remote)
        return local.port

    def begin(self, call: int) -> None:
        """Both legs are connected: let them talk."""
        self._pool.perform(Bridge(a=LegId(f"{2 * call}"), b=LegId(f"{2 * call + 1}")))
        if not self._profile.recorded:
            return
        self._pool.perform(
            StartRecording(
                call=CallId(f"{call}"),
                recording=RecordingId(f"{call}"),
                left=LegId(f"{2 * call}"),
                right=LegId(f"{2 * call + 1}"),
                path=str(self._folder / f"{call}.wav"),
            )
        )

    async def lost(self, index: int) -> int:
        answer: asyncio.Future[LegQuality | None] = asyncio.get_running_loop().create_future()
        self._pool.close_leg(LegId(f"{index}"), answer.set_result)
        quality = await answer
        return quality.packets_lost if quality else 0


@contextmanager
def _peers(calls: int) -> Iterator[list[socket.socket]]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2 * calls)]
    for udp in sockets:
        udp.bind(("127.0.0.1", 0))
    yield sockets
    for udp in sockets:
        udp.close()


async def measure(calls: int, profile: str, seconds: float, flood: int = 0) -> Row:
    """One row; ``flood``: packets a second sent to the first leg besides."""
    here, there = _SPAWN.Pipe()
    stats: list[WorkerStats] = []
    ended: list[RecordingClosed] = []

    def listen(event: MediaEvent) -> None:
        if isinstance(event, RecordingClosed):
            ended.append(event)

    with tempfile.TemporaryDirectory() as folder, _peers(calls) as sockets:
        path = f"{folder}/media"
        worker = _SPAWN.Process(target=serve, args=(_SETTINGS, path, 0, there))
        worker.start()
        here.recv()
        clock = SystemClock()
        pool = MediaPool(sockets=[path], listener=listen, clock=clock, tasks=TaskSupervisor(clock))
        await pool.start()
        process, work = psutil.Process(worker.pid or 0), _Calls(pool, Path(folder), PROFILES[profile])
        empty = process.memory_info().rss
        ports = [await work.connect(index, udp) for index, udp in enumerate(sockets)]
        for call in range(calls):
            work.begin(call)
        pool.on_stats = stats.append
        load = _Load(ports, sockets, seconds, flood, PROFILES[profile].secured)
        waited = _Waited(process.pid)

        def warm() -> None:
            stats.clear()
            waited.begin()

        result, cpu = await asyncio.to_thread(_run, load, process, warm)
        kept, stolen = waited.shares()
        cut, until = len(ended), time.monotonic()
        full = process.memory_info().rss
        lost = result.lost + sum([await work.lost(index) for index in range(bool(flood), 2 * calls)])
        await pool.close()
        worker.terminate()
        begun, took = here.recv()
        worker.join()
    ticks = took[(begun > waited.since) & (begun < until)] * 1000
    delays = np.percentile(result.delays, (50, 95)) * 1000 if result.delays else (float("nan"),) * 2
    return Row(
        calls=calls,
        cpu=cpu * 100,
        tick_p50=float(np.median(ticks)),
        tick_p99=float(np.percentile(ticks, 99)),
        tick_p99_worst=max(float(np.percentile(ticks[n : n + 100], 99)) for n in range(0, len(ticks), 100)),
        tick_max=float(ticks.max()),
        skipped=stats[-1].overruns - stats[0].overruns,
        delay_p50=float(delays[0]),
        delay_p95=float(delays[1]),
        lost=lost,
        load=result,
        leg_bytes=(full - empty) / (2 * calls),
        kept=kept * 100,
        stolen=stolen * 100,
        cut=cut,
    )


def measure_bare(calls: int, seconds: float) -> float:
    """CPU of the system calls alone, in per cent of a core."""
    here, there = _SPAWN.Pipe()
    with _peers(calls) as sockets:
        relay = _SPAWN.Process(target=relay_bare, args=([udp.getsockname()[1] for udp in sockets], 0, there))
        relay.start()
        ports = here.recv()
        load = _Load(ports, sockets, seconds)
        result, cpu = _run(load, psutil.Process(relay.pid or 0), lambda: None)
        here.send("end")
        relay.join()
    if not result.paced:
        print(f"# the load was late with {calls} calls of the bare system calls, which are too few for the ratio")
    return cpu * 100


@dataclass(frozen=True)
class _Load:
    """What the load process is to do."""

    ports: list[int]
    sockets: list[socket.socket]
    seconds: float
    flood: int = 0
    secured: bool = False


def _run(what: _Load, process: psutil.Process, warm: Callable[[], None]) -> tuple[LoadResult, float]:
    """Run the load in a process of its own; its result and the measured process's share of a core meanwhile."""
    here: Connection
    here, there = _FORK.Pipe()
    core = (os.cpu_count() or 1) - 1
    times = (what.seconds, _WARM_UP)
    load = _FORK.Process(
        target=play_peers, args=(what.ports, what.sockets, core, *times, what.flood, what.secured, there)
    )
    load.start()
    here.recv()
    warm()
    before, begin = _cpu_seconds(process), time.monotonic()
    here.recv()
    cpu = (_cpu_seconds(process) - before) / (time.monotonic() - begin)
    result: LoadResult = here.recv()
    load.join()
    return result, cpu


class _Waited:
    """How long a process was ready to run and did not, and how much of the machine its host took."""

    def __init__(self, pid: int) -> None:
        self._schedstat = Path(f"/proc/{pid}/schedstat")
        self.begin()

    def begin(self) -> None:
        self._from = time.monotonic(), *self._now()

    @property
    def since(self) -> float:
        """When it began, monotonic."""
        return self._from[0]

    def shares(self) -> tuple[float, float]:
        """Of the time since :meth:`begin`: of the process, of all cores."""
        begin, ready, stolen = self._from
        seconds = time.monotonic() - begin
        ready_now, stolen_now = self._now()
        return (ready_now - ready) / seconds, (stolen_now - stolen) / seconds / (os.cpu_count() or 1)

    def _now(self) -> tuple[float, float]:
        return int(self._schedstat.read_text().split()[1]) / 1e9, float(psutil.cpu_times().steal)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


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
