"""Real worker processes for tests, and the control process that drives them."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from ccplatform.contracts.legs import LegQuality
from ccplatform.contracts.words import CallId, LegId
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.media.client import MediaPool
from gateway.media.port import LocalAudio, MediaEvent
from gateway.media.settings import MediaSettings
from tests.gateway.media.peers import Peer, tone

CALL = CallId("call")

WORKER_PROGRAM = """
import sys
from gateway.media.settings import MediaSettings
from gateway.media.worker import run_worker

settings = MediaSettings.model_validate_json(sys.argv[1])
run_worker(settings, sys.argv[2], int(sys.argv[3]), lambda: print("ready", flush=True))
"""


class WorkerProcess:
    """Started and ready when the constructor returns."""

    def __init__(self, settings: MediaSettings, socket_path: Path, index: int = 0) -> None:
        self.path = socket_path
        arguments = [
            sys.executable,
            "-c",
            WORKER_PROGRAM,
            settings.model_dump_json(),
            str(socket_path),
            str(index),
        ]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=os.getcwd())
        assert self.process.stdout is not None
        assert b"ready\n" in iter(self.process.stdout.readline, b""), "the worker ended"

    def kill(self) -> None:
        self.process.kill()
        self._finish()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._finish()

    def _finish(self) -> int:
        assert self.process.stdout is not None
        try:
            return self.process.wait(10)
        finally:
            self.process.stdout.close()


class Control:
    """The control process of a test: a pool, its events, and peers that talk in real time."""

    def __init__(self, paths: list[Path], wait_seconds: float = 30.0) -> None:
        self.clock = SystemClock()
        self.tasks = TaskSupervisor(self.clock)
        self.events: list[MediaEvent] = []
        self.changed = asyncio.Event()
        self.pool = MediaPool(
            sockets=paths,
            listener=self._listen,
            clock=self.clock,
            tasks=self.tasks,
            wait_seconds=wait_seconds,
        )

    def _listen(self, event: MediaEvent) -> None:
        self.events.append(event)
        self.changed.set()

    async def wait_for(self, kind: type, count: int = 1) -> list[Any]:
        while len(found := [event for event in self.events if isinstance(event, kind)]) < count:
            self.changed.clear()
            await self.changed.wait()
        return found

    async def open(
        self, leg: str, call: CallId = CALL, near: str | None = None, *, ipv6: bool = False
    ) -> LocalAudio | None:
        answer: asyncio.Future[LocalAudio | None] = asyncio.get_running_loop().create_future()
        beside = LegId(near) if near else None
        self.pool.open_leg(call, LegId(leg), answer.set_result, ipv6=ipv6, near=beside)
        return await answer

    async def connect(self, leg: str, peer: Peer, call: CallId = CALL, near: str | None = None) -> None:
        local = await self.open(leg, call, near, ipv6=":" in peer.host)
        assert local is not None
        peer.to = (local.host, local.port)
        self.pool.connect_leg(LegId(leg), peer.remote())

    async def performed(self) -> None:
        """All that was asked of the call's worker is done: it does one thing after the other."""
        await self.open("asked last")
        await self.close_leg("asked last")

    async def close_leg(self, leg: str) -> LegQuality | None:
        answer: asyncio.Future[LegQuality | None] = asyncio.get_running_loop().create_future()
        self.pool.close_leg(LegId(leg), answer.set_result)
        return await answer

    async def close(self) -> None:
        await self.pool.close()
        await self.tasks.close()


async def talk(seconds: float, *pairs: tuple[Peer, float]) -> None:
    """Peers speak tones, paced by the real clock, and listen."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for index in range(round(seconds * 50)):
        for peer, hertz in pairs:
            peer.say(tone(hertz, 0.02, start=index * 160))
        await asyncio.sleep(begin + (index + 1) * 0.02 - loop.time())
        for peer, _ in pairs:
            peer.listen()
