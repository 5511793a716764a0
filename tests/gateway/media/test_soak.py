"""Calls coming and going for a long time: the worker keeps its memory and its descriptors.

``make soak`` runs it for half an hour; ``SOAK_SECONDS`` sets another time.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections import deque
from pathlib import Path

import psutil
import pytest

from ccplatform.contracts.legs import LegQuality
from ccplatform.contracts.media import (
    Bridge,
    ForgetCall,
    JoinRoom,
    Mute,
    Play,
    RecordingClosed,
    SendDigits,
    SetGain,
    StartRecording,
    ToneItem,
)
from ccplatform.contracts.words import CallId, LegId, PlaybackId, RecordingId
from gateway.media.port import LocalAudio
from gateway.media.settings import MediaSettings
from tests.gateway.media.peers import Peer, tone
from tests.gateway.media.workers import Control, WorkerProcess
from tests.support.sealed import SEAL

_SECONDS = float(os.environ.get("SOAK_SECONDS", "1800"))
_CALLS = 20  # at any time
_TURNOVER = 2  # calls that end and begin in each round of 0.2 s
_GROWTH_BYTES = 8 * 2**20


class _Traffic:
    """Calls of three legs with everything that is done to calls; the oldest end first."""

    def __init__(self, control: Control, folder: Path) -> None:
        self._control = control
        self._folder = folder
        self._numbers = itertools.count()
        self._live: deque[tuple[CallId, list[tuple[LegId, Peer]]]] = deque()
        self._said = tone(440, 0.02)
        self._random = random.Random(11)
        self.begun = 0

    async def begin(self) -> None:
        number = next(self._numbers)
        call, pool = CallId(f"{number}"), self._control.pool
        legs: list[tuple[LegId, Peer]] = []
        for name in "abc":
            leg, peer = LegId(f"{number}{name}"), Peer(ssrc=number)
            answer: asyncio.Future[LocalAudio | None] = asyncio.get_running_loop().create_future()
            pool.open_leg(call, leg, answer.set_result)
            local = await answer
            assert local is not None
            peer.to = (local.host, local.port)
            pool.connect_leg(leg, peer.remote())
            legs.append((leg, peer))
        (a, _), (b, _), (c, _) = legs
        path = self._folder / f"{number}.wav"
        beep = ToneItem(hertz=(440.0,), seconds=0.3)
        for command in (
            Bridge(a=a, b=b),
            StartRecording(call=call, recording=RecordingId(call), left=a, right=b, path=str(path), seal=SEAL),
            SetGain(source=a, sink=c, gain=0.5),
            Mute(leg=b, muted=number % 3 == 0),
            JoinRoom(leg=c, room=f"room {number % 5}"),
            Play(leg=c, playback=PlaybackId(call), items=(beep,), loop=number % 2 == 0),
            SendDigits(leg=b, digits="12"),
        ):
            pool.perform(command)
        self._live.append((call, legs))
        self.begun += 1

    async def end(self) -> None:
        call, legs = self._live.popleft()
        answers: list[asyncio.Future[LegQuality | None]] = []
        for leg, _ in legs if int(call) % 4 else ():  # one in four is forgotten with its legs open
            answers.append(asyncio.get_running_loop().create_future())
            self._control.pool.close_leg(leg, answers[-1].set_result)
        self._control.pool.perform(ForgetCall(call=call))
        await asyncio.gather(*answers)
        for _, peer in legs:
            peer.close()
        for path in self._folder.glob("*.wav"):
            if int(path.stem) < int(call) - _CALLS:
                path.unlink()

    def talk(self) -> None:
        for _, legs in self._live:
            for _, peer in legs:
                if self._random.random() < 0.05:
                    peer.skip()
                else:
                    peer.say(self._said)
                peer.listen()
                peer.packets.clear()

    async def run(self, seconds: float) -> None:
        """Let calls come and go, then end them all."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for round_ in itertools.count(1):
            if loop.time() - begin > seconds:
                break
            if round_ % 10 == 0:
                for _ in range(_TURNOVER if len(self._live) >= _CALLS else 0):
                    await self.end()
                for _ in range(_TURNOVER):
                    await self.begin()
            self.talk()
            await asyncio.sleep(max(0.0, begin + round_ * 0.02 - loop.time()))
        while self._live:
            await self.end()
        await self._control.wait_for(RecordingClosed, self.begun)  # the last that a call leaves


@pytest.mark.soak
async def test_calls_that_come_and_go_leave_nothing_behind(tmp_path: Path) -> None:
    worker = WorkerProcess(MediaSettings(rtp_ports="24000-25999"), tmp_path / "media")
    control = Control([worker.path])
    await control.pool.start()
    process, traffic = psutil.Process(worker.process.pid), _Traffic(control, tmp_path)

    def descriptors() -> int:
        """Without those of the pairs of ports that are reserved for legs to come."""
        return process.num_fds() - 2 * len(control.pool._spare._stock[0, False])

    await traffic.run(_SECONDS / 4)
    files, memory = descriptors(), process.memory_info().rss
    await traffic.run(_SECONDS * 3 / 4)
    assert traffic.begun > _SECONDS
    assert descriptors() == files
    assert process.memory_info().rss < memory + _GROWTH_BYTES
    assert control.pool.workers[0].legs == 0
    print(f"{traffic.begun} calls; {files} descriptors; {memory} bytes, then {process.memory_info().rss}")
    await control.pool.close()
    assert worker.stop() == 0
