"""Voice bots: ``python -m bench.bots [--talks N] [--seconds S]``; the delay that the relays add.

The relays' process talks with a bot that says at once what it hears, for so many callers at a time. Each 20 ms of
every caller carries its number, from the tap's socket through the relay, the WebSocket, the bot and back into the
file that the media engine follows. What the media engine adds is not in it: what the file is ahead of the player
(40 ms), jitter buffer and tick.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import struct
import sys
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Final

import numpy as np
import psutil

from bench.figures import conditions, distribution, show, single, write_json
from ccplatform.contracts.words import ContactId, Severity
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.bots.sessions import Bots
from ivr.settings import BotSettings
from ivr.tapped import HEADER
from ivr.work import BotReady, BotResult, CloseBot, OpenBot

#: Goal of a talk: what is added here leaves room for the rest of 300 ms from mouth to mouth.
DELAY_GOAL_MS: Final = 60.0
_RATE: Final = 16000
_SAMPLES: Final = _RATE // 50
_NUMBER: Final = struct.Struct("<I")
_LOOK_SECONDS: Final = 0.001

ECHO: Final = """
import asyncio, sys
from websockets.asyncio.server import unix_serve

async def talk(connection):
    await connection.recv()
    await connection.send('{"type": "ready"}')
    async for message in connection:
        if isinstance(message, bytes):
            await connection.send(message)

async def main():
    async with unix_serve(talk, sys.argv[1], compression=None):
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


class _NoAlarms:
    def raise_alarm(self, kind: str, subject: str, severity: Severity, text: str) -> None:
        raise RuntimeError(text)

    def clear_alarm(self, kind: str, subject: str) -> None:
        pass


class _Caller:
    """One talk: what was sent when, and when it was found in the file."""

    def __init__(self, ready: BotReady) -> None:
        self.delays: list[float] = []
        self.sent: dict[int, float] = {}
        self._number = 0
        self._tap = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._tap.connect(ready.path)
        self._file = os.open(ready.sound, os.O_RDONLY)

    def send(self, now: float) -> None:
        """The next 20 ms: its number twice, then a tone that is none."""
        self._number += 1
        frame = np.full(_SAMPLES, 257, dtype="<i2").tobytes()
        number = _NUMBER.pack(self._number)
        self.sent[self._number] = now
        self._tap.send(HEADER.pack(self._number, 0, now) + number + number + frame[8:])

    def look(self) -> None:
        """Take what the file has got."""
        while data := os.read(self._file, 2 * _SAMPLES):
            now = time.monotonic()
            (number,) = _NUMBER.unpack_from(data)
            if (at := self.sent.pop(number, None)) is not None:
                self.delays.append(now - at)

    def close(self) -> None:
        """Let go."""
        self._tap.close()
        os.close(self._file)


async def _opened(bots: Bots, talks: int) -> list[_Caller]:
    callers: list[_Caller] = []
    for number in range(talks):
        ready: asyncio.Future[BotReady] = asyncio.get_running_loop().create_future()

        def took(event: BotResult, ready: asyncio.Future[BotReady] = ready) -> None:
            if isinstance(event, BotReady):
                ready.set_result(event)

        order = OpenBot(
            talk=1, bot="echo", language="en", max_seconds=60, resumed=False, barge_in=False, variables={}
        )
        bots.perform(ContactId(f"bench-{number}"), order, took)
        callers.append(_Caller(await ready))
    return callers


async def _talk(callers: list[_Caller], seconds: float) -> None:
    began = due = time.monotonic()
    while due < began + seconds:
        for caller in callers:
            caller.send(time.monotonic())
        due += 0.02
        while time.monotonic() < due:
            for caller in callers:
                caller.look()
            await asyncio.sleep(_LOOK_SECONDS)


async def _measure(talks: int, seconds: float) -> tuple[list[float], int, float]:
    """Delays, frames that did not come back, and CPU seconds of the relays."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "echo.sock"
        echo = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ECHO, str(path), stdout=PIPE, stderr=DEVNULL
        )
        assert echo.stdout is not None
        await echo.stdout.readline()
        clock = SystemClock()
        tasks = TaskSupervisor(clock)
        settings = {"echo": BotSettings(url="unix:echo.sock", sample_rate=_RATE, max_callers=talks)}
        bots = Bots(settings, sockets=Path(directory), clock=clock, alarms=_NoAlarms(), tasks=tasks)
        await bots.prepare()
        try:
            callers = await _opened(bots, talks)
            (relays,) = [one for one in psutil.Process().children() if "ivr.bots.process" in one.cmdline()]
            before = relays.cpu_times()
            await _talk(callers, seconds)
            after = relays.cpu_times()
            for number, caller in enumerate(callers):
                bots.perform(ContactId(f"bench-{number}"), CloseBot(talk=1, reason="end"), lambda _: None)
                caller.close()
        finally:
            await bots.close()
            await tasks.close()
            echo.kill()
            await echo.wait()
    delays = [delay for caller in callers for delay in caller.delays]
    lost = sum(len(caller.sent) for caller in callers)
    return delays, lost, after.user + after.system - before.user - before.system


def main() -> None:
    """Measure, print, and write a file if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--talks", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path, default=None)
    arguments = parser.parse_args()
    delays, lost, spent = asyncio.run(_measure(arguments.talks, arguments.seconds))
    share = spent / arguments.seconds / arguments.talks * 100
    found = distribution(
        f"caller → bot → file, {arguments.talks} talks",
        delays,
        goal_ms=DELAY_GOAL_MS,
        note="of one frame of 20 ms",
    )
    figures = [figure for figure in (found, single("relays, CPU a talk", share, "% of a core")) if figure]
    figures.append(single("frames that were not back at the end", float(lost), ""))
    facts = {**conditions(), "load": " ".join(f"{load:.1f}" for load in os.getloadavg())}
    show("Voice bots", figures, facts)
    if arguments.json:
        write_json(arguments.json, figures, facts)


if __name__ == "__main__":
    main()
