"""What the media engine costs and how much delay it adds; run with ``python -m bench.media``.

For each number of calls: one real worker process, one load process per run that plays the peers of all legs
(two per call, bridged, G.711 at 20 ms; one leg A-law, the other µ-law, so that every frame is decoded, mixed
and encoded again). Measured over ``--seconds`` after a warm-up:

* CPU of the worker process per call, in per cent of one core, also with every call recorded (``--record``);
* one-way delay added by the engine: from ``sendto`` of a packet to the receipt of the packet that carries the
  same sound on the other side, found by a mark (one loud frame) in the signal, p50 and p95;
* its tick times and overruns, and the packets that never reached it (a full socket buffer).

The load process is a plain Python loop and takes a core of its own; beyond what it can pace the row says so
(``late``: share of its rounds that began more than 10 ms late), and the delay figures are then its own.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import multiprocessing
import os
import select
import socket
import struct
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil
import structlog

from ccplatform.contracts.legs import LegQuality
from ccplatform.contracts.media import Bridge, StartRecording
from ccplatform.contracts.words import CallId, LegId, RecordingId
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.media.client import MediaPool
from gateway.media.g711 import Law, encode
from gateway.media.port import LocalAudio, RemoteAudio
from gateway.media.settings import MediaSettings
from gateway.media.worker import run_worker

_HEADER = struct.Struct("!BBHII")
_MARK_EVERY = 25  # rounds between marks
_BATCHES = 10  # the peers of a round are spread over the 20 ms, as on a network


@dataclass(frozen=True)
class LoadResult:
    """What the load process saw."""

    late_share: float
    delays: list[float]


def _serve(settings: MediaSettings, path: str, ready: Connection) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    run_worker(settings, path, 0, lambda: ready.send("ready"))


class _Phones:
    """The peers of all legs: leg 2n is bridged with 2n + 1."""

    def __init__(self, ports: list[int], receive: list[socket.socket]) -> None:
        self._sockets = receive
        for udp, port in zip(receive, ports, strict=True):
            udp.connect(("127.0.0.1", port))
        self._poll = select.epoll()
        self._index_of = {udp.fileno(): index for index, udp in enumerate(receive)}
        for udp in receive:
            self._poll.register(udp.fileno(), select.EPOLLIN)
        rng = np.random.default_rng(7)
        quiet = (rng.standard_normal(160) * 200).astype(np.int16)
        loud = (rng.standard_normal(160) * 8000).astype(np.int16)
        self._quiet = [encode(law, quiet).tobytes() for law in (Law.PCMA, Law.PCMU)]
        self._loud = [encode(law, loud).tobytes() for law in (Law.PCMA, Law.PCMU)]
        self._marked_at = [0.0] * len(receive)
        self.delays: list[float] = []

    def send(self, round_: int, batch: int) -> None:
        """Send the packets of one batch of legs."""
        for index in range(batch, len(self._sockets), _BATCHES):
            law = index % 2
            marked = (round_ + index // 2) % _MARK_EVERY == 0
            payload = self._loud[law] if marked else self._quiet[law]
            header = _HEADER.pack(0x80, 8 if law == 0 else 0, round_ & 0xFFFF, round_ * 160, index + 1)
            if marked:
                self._marked_at[index ^ 1] = time.monotonic()
            self._sockets[index].send(header + payload)

    def receive(self, until: float) -> None:
        """Take packets until the instant; look for marks."""
        while (left := until - time.monotonic()) > 0:
            for fd, _ in self._poll.poll(left):
                index = self._index_of[fd]
                data = self._sockets[index].recv(512)
                sent_at = self._marked_at[index]
                if sent_at and _is_loud(data, index % 2):
                    self.delays.append(time.monotonic() - sent_at)
                    self._marked_at[index] = 0.0


def _is_loud(data: bytes, law: int) -> bool:
    """Whether a packet carries the mark: some code of the outer segments near its beginning."""
    flip = 0x55 if law == 0 else 0xFF
    return any((code ^ flip) & 0x70 >= 0x50 for code in data[12:32])


def _load(ports: list[int], sockets: list[socket.socket], seconds: float, warm_up: float, out: Connection) -> None:
    phones = _Phones(ports, sockets)
    warm_rounds, rounds = round(warm_up * 50), round((warm_up + seconds) * 50)
    begin = time.monotonic() + 0.05
    late = 0
    for round_ in range(rounds):
        if round_ == warm_rounds:
            late = 0
            phones.delays.clear()
            out.send("warm")
        for batch in range(_BATCHES):
            due = begin + round_ * 0.02 + batch * 0.02 / _BATCHES
            phones.receive(due)
            late += batch == 0 and time.monotonic() - due > 0.01
            phones.send(round_, batch)
    out.send("done")
    phones.receive(time.monotonic() + 0.1)
    out.send(LoadResult(late / (rounds - warm_rounds), phones.delays))


async def _measure(calls: int, seconds: float, record: bool, folder: Path) -> None:
    settings = MediaSettings(rtp_ports="30000-39999")
    context = multiprocessing.get_context("spawn")
    path = str(folder / f"media-{calls}")
    here, there = context.Pipe()
    worker = context.Process(target=_serve, args=(settings, path, there))
    worker.start()
    here.recv()
    clock = SystemClock()
    tasks = TaskSupervisor(clock)
    pool = MediaPool(sockets=[path], listener=lambda event: None, clock=clock, tasks=tasks)
    await pool.start()
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2 * calls)]
    ports = [await _connect(pool, index, udp) for index, udp in enumerate(sockets)]
    for call in range(calls):
        a, b = LegId(f"{2 * call}"), LegId(f"{2 * call + 1}")
        pool.perform(Bridge(a=a, b=b))
        if record:
            wav = str(folder / f"{calls}-{call}.wav")
            name = RecordingId(f"{call}")
            pool.perform(StartRecording(call=CallId(f"{call}"), recording=name, left=a, right=b, path=wav))
    result, cpu = await asyncio.to_thread(_run_load, ports, sockets, seconds, worker.pid or 0)
    stats = pool.workers[0].stats
    lost = sum([await _lost(pool, index) for index in range(2 * calls)])
    p50, p95 = np.percentile(result.delays, (50, 95)) * 1000 if result.delays else (float("nan"), float("nan"))
    tick = (stats.tick_p50_seconds * 1000, stats.tick_p99_seconds * 1000) if stats else (0.0, 0.0)
    print(
        f"{calls:6d} {'yes' if record else 'no':>8} {cpu * 100:8.1f} {cpu * 100 / calls:10.3f} "
        f"{p50:8.1f} {p95:8.1f} {tick[0]:9.2f} {tick[1]:9.2f} {stats.overruns if stats else 0:8d} "
        f"{lost:7d} {result.late_share:6.1%}",
        flush=True,
    )
    await pool.close()
    worker.terminate()
    worker.join()
    for udp in sockets:
        udp.close()


async def _connect(pool: MediaPool, index: int, udp: socket.socket) -> int:
    udp.bind(("127.0.0.1", 0))
    answer: asyncio.Future[LocalAudio | None] = asyncio.get_running_loop().create_future()
    leg = LegId(f"{index}")
    pool.open_leg(CallId(f"{index // 2}"), leg, answer.set_result)
    local = await answer
    if local is None:
        raise SystemExit("the worker has no port left")
    codec, payload_type = ("PCMA", 8) if index % 2 == 0 else ("PCMU", 0)
    port = int(udp.getsockname()[1])
    pool.connect_leg(leg, RemoteAudio(host="127.0.0.1", port=port, codec=codec, payload_type=payload_type))
    return local.port


async def _lost(pool: MediaPool, index: int) -> int:
    answer: asyncio.Future[LegQuality | None] = asyncio.get_running_loop().create_future()
    pool.close_leg(LegId(f"{index}"), answer.set_result)
    quality = await answer
    return quality.packets_lost if quality else 0


def _run_load(
    ports: list[int], sockets: list[socket.socket], seconds: float, worker: int
) -> tuple[LoadResult, float]:
    """Run the load in a process of its own; its result and the worker's share of a core meanwhile."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    load = context.Process(target=_load, args=(ports, sockets, seconds, 2.0, there))
    load.start()
    process = psutil.Process(worker)
    here.recv()
    before, begin = _cpu_seconds(process), time.monotonic()
    here.recv()
    cpu = (_cpu_seconds(process) - before) / (time.monotonic() - begin)
    result: LoadResult = here.recv()
    load.join()
    return result, cpu


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """Run the bench and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[10, 100, 500])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--record", action="store_true", help="record every call as well")
    options = parser.parse_args()
    print(f"# {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, {options.seconds:g} s per row")
    print("# calls recorded    cpu%  cpu%/call  delay50  delay95   tick50ms  tick99ms overruns    lost   late")
    with tempfile.TemporaryDirectory() as folder:
        for calls in options.calls:
            asyncio.run(_measure(calls, options.seconds, options.record, Path(folder)))


if __name__ == "__main__":
    main()
