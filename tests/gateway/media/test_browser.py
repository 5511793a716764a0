"""Chromium against a media worker: it answers our offer, proves who it is, and gets through a bad network."""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from ccplatform.contracts.media import Echo, Play, ToneItem
from ccplatform.contracts.words import CallId, LegId, PlaybackId
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.leg_sessions import LegSessions
from gateway.media.client import MediaPool
from gateway.media.port import LegNotSecured, LegSecured, LocalAudio, MediaEvent
from gateway.media.settings import MediaSettings
from gateway.sip.audio_formats import AudioPolicy
from gateway.sip.media_protection import SrtpPolicy
from gateway.sip.offer_answer import AudioNegotiation
from tests.gateway.media.workers import WorkerProcess
from tests.support.chromium import hears
from tests.support.ports import free_port
from tests.support.web_phone import web_page

LEG = LegId("leg")


class Lossy:
    """A relay in front of a leg's port that loses every fifth datagram, by a fixed seed."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._dice = random.Random(7)
        self._front = self._socket(self._forth)
        self._backs: dict[Any, socket.socket] = {}
        self.address: tuple[str, int] = self._front.getsockname()
        self.lost = 0

    def close(self) -> None:
        for udp in (self._front, *self._backs.values()):
            asyncio.get_running_loop().remove_reader(udp)
            udp.close()

    def _socket(self, ready: Callable[[socket.socket], None]) -> socket.socket:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        asyncio.get_running_loop().add_reader(udp, ready, udp)
        return udp

    def _forth(self, front: socket.socket) -> None:
        data, source = front.recvfrom(4096)
        if source not in self._backs:
            self._backs[source] = self._socket(lambda back: self._carry(back.recv(4096), front, source))
        self._carry(data, self._backs[source], self._target)

    def _carry(self, data: bytes, by: socket.socket, to: Any) -> None:
        if self._dice.random() < 0.2:
            self.lost += 1
        else:
            by.sendto(data, to)


class Engine:
    """A worker with one leg, and its negotiation with a browser."""

    def __init__(self, tmp_path: Path) -> None:
        first = free_port()
        settings = MediaSettings(rtp_ports=f"{first - first % 2}-{first - first % 2 + 19}", handshake_seconds=30)
        self._worker = WorkerProcess(settings, tmp_path / "media-0")
        clock = SystemClock()
        self._tasks = TaskSupervisor(clock)
        self._events: asyncio.Queue[MediaEvent] = asyncio.Queue()
        self.pool = MediaPool(
            sockets=[tmp_path / "media-0"], listener=self._events.put_nowait, clock=clock, tasks=self._tasks
        )

    async def open(self) -> LocalAudio:
        await self.pool.start()
        opened: asyncio.Future[LocalAudio | None] = asyncio.get_running_loop().create_future()
        self.pool.open_leg(CallId("call"), LEG, opened.set_result)
        local = await opened
        assert local is not None
        return local

    async def told(self, kind: type) -> Any:
        async with asyncio.timeout(30):
            while not isinstance(event := await self._events.get(), kind):
                pass
            return event

    async def close(self) -> None:
        await self.pool.close()
        await self._tasks.close()
        self._worker.stop()


@pytest.fixture
async def engine(tmp_path: Path, compiled_helper: None) -> AsyncIterator[Engine]:
    engine = Engine(tmp_path)
    yield engine
    await engine.close()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with web_page() as page:
        await page.evaluate("hertz => say(hertz)", 700)
        yield page


def session(local: LocalAudio) -> AudioNegotiation:
    sessions = LegSessions(audio=AudioPolicy(), srtp=SrtpPolicy.ACCEPT, random_number=secrets.randbits)
    return sessions.session(local, "WSS")


async def test_a_browser_answers_our_offer_and_hears_itself(engine: Engine, page: Page) -> None:
    ours = session(await engine.open())
    answer = await page.evaluate("sdp => answer(sdp)", ours.offer().decode())
    ours.take_answer(answer.encode())
    assert ours.remote is not None
    engine.pool.connect_leg(LEG, ours.remote)
    engine.pool.perform(Echo(leg=LEG))
    assert await engine.told(LegSecured) == LegSecured(leg=LEG, profile="AEAD_AES_128_GCM")
    await hears(page, 700)


async def test_a_browsers_call_moves_to_another_worker(engine: Engine, page: Page, tmp_path: Path) -> None:
    """What a re-INVITE does when a worker died: another certificate, other passwords, the same call."""
    ours = session(await engine.open())
    ours.take_answer((await page.evaluate("sdp => answer(sdp)", ours.offer().decode())).encode())
    assert ours.remote is not None
    engine.pool.connect_leg(LEG, ours.remote)
    engine.pool.perform(Echo(leg=LEG))
    await hears(page, 700)
    other = tmp_path / "other"
    other.mkdir()
    successor = Engine(other)
    ours.move(await successor.open())
    ours.take_answer((await page.evaluate("sdp => answer(sdp)", ours.offer().decode())).encode())
    successor.pool.connect_leg(LEG, ours.remote)
    tone = ToneItem(hertz=(1000.0,), seconds=60)
    successor.pool.perform(Play(leg=LEG, playback=PlaybackId("here"), items=(tone,)))
    await successor.told(LegSecured)
    await hears(page, 1000)
    await successor.close()


async def test_a_browser_with_another_certificate_is_found_out(engine: Engine, page: Page) -> None:
    ours = session(await engine.open())
    answer: str = await page.evaluate("sdp => answer(sdp)", ours.offer().decode())
    line = next(line for line in answer.split("\r\n") if line.startswith("a=fingerprint:"))
    other = "a=fingerprint:sha-256 " + ":".join(["00"] * 32)
    ours.take_answer(answer.replace(line, other).encode())
    assert ours.remote is not None
    engine.pool.connect_leg(LEG, ours.remote)
    engine.pool.perform(Echo(leg=LEG))
    failed = await engine.told(LegNotSecured)
    assert "not the one of its session description" in failed.reason


async def test_a_fifth_of_all_datagrams_lost_keeps_nobody_from_securing_a_call(engine: Engine, page: Page) -> None:
    local = await engine.open()
    relay = Lossy((local.host, local.port))
    host, port = relay.address
    ours = session(LocalAudio(host=host, port=port, fingerprint=local.fingerprint))
    answer = ours.answer((await page.evaluate("offer()")).encode())
    assert ours.remote is not None
    engine.pool.connect_leg(LEG, ours.remote)
    engine.pool.perform(Echo(leg=LEG))
    await page.evaluate("sdp => answered(sdp)", answer.decode())
    await engine.told(LegSecured)
    await page.wait_for_function("standsOut(700) > 0")
    assert relay.lost > 0
    relay.close()
