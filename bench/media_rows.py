"""Rows of ``bench.media``: calls through one real worker process, with its load in another, measured together."""

from __future__ import annotations

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
from bench.media_worker import relay_bare, serve
from ccplatform.contracts.legs import LegQuality
from ccplatform.contracts.media import Bridge, RecordingClosed, Seal, StartRecording
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
                seal=Seal(key=bytes(32), wrapped=b""),
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
    there.close()  # a load that dies is told, not waited for
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
