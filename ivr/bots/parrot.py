"""The demo's voice bot: repeats what the caller says. 0 asks for people, 9 ends; a program of its own.

It shows the protocol of docs/packages/ivr.md from the bot's side, and it knows the platform by nothing else.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
from array import array
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from websockets.asyncio.server import ServerConnection, unix_serve
from websockets.exceptions import ConnectionClosed

#: What is repeated from before the platform noticed a voice, and the longest that is repeated, seconds.
LEAD_SECONDS: Final = 0.3
LONGEST_SECONDS: Final = 10.0
_MESSAGE_SECONDS: Final = 0.02
_HERTZ, _HELLO_SECONDS, _LOUDNESS = 660.0, 0.4, 6000.0

_HELLO: Final = {
    "en": "(a beep) Say something and I repeat it. Press 0 for people, 9 to end.",
    "zh": "（提示音）请说话，我会重复。按 0 转人工，按 9 结束。",
}
_PEOPLE: Final = {"en": "I connect you with people.", "zh": "为您转接人工。"}
_SPOKE: Final = {"en": "(spoke for {:.1f} s)", "zh": "（说了 {:.1f} 秒）"}


class Parrot:
    """One caller."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._rate = 0
        self._language = "en"
        self._before: deque[bytes] = deque(maxlen=round(LEAD_SECONDS / _MESSAGE_SECONDS))
        self._said: bytearray | None = None  # while he speaks
        self._repeated = 0

    async def talk(self) -> None:
        """Until the platform, or the parrot, is done."""
        async for message in self._connection:
            if isinstance(message, bytes):
                self._hear(message)
            else:
                await self._told(json.loads(message))

    def _hear(self, samples: bytes) -> None:
        if self._said is None:
            self._before.append(samples)
        elif len(self._said) < LONGEST_SECONDS * self._rate * 2:
            self._said += samples

    async def _told(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "start":
                self._rate, self._language = message["rate"], message["language"]
                await self._say({"type": "ready"})
                await self._turn("bot", _HELLO[self._language])
                await self._connection.send(beep(self._rate))
            case "voice" if message["speaking"]:
                self._said = bytearray(b"".join(self._before))
            case "voice":
                await self._repeat()
            case "dtmf" if message["digit"] == "0":
                await self._turn("bot", _PEOPLE[self._language])
                await self._say(
                    {"type": "transfer", "to": "people", "variables": {"repeated": str(self._repeated)}}
                )
            case "dtmf" if message["digit"] == "9":
                await self._say({"type": "end", "outcome": "goodbye"})
            case _:
                pass

    async def _repeat(self) -> None:
        said, self._said = self._said, None
        if said is None:
            return
        self._repeated += 1
        await self._turn("caller", _SPOKE[self._language].format(len(said) / self._rate / 2))
        await self._connection.send(bytes(said))
        await self._say({"type": "mark", "name": f"repeated-{self._repeated}"})

    async def _turn(self, speaker: str, text: str) -> None:
        await self._say({"type": "turn", "speaker": speaker, "text": text})

    async def _say(self, message: dict[str, Any]) -> None:
        await self._connection.send(json.dumps(message))


def beep(rate: int) -> bytes:
    """What it says first."""
    count = round(_HELLO_SECONDS * rate)
    tone = (_LOUDNESS * math.sin(2 * math.pi * _HERTZ * index / rate) for index in range(count))
    return array("h", (round(sample) for sample in tone)).tobytes()


async def run_parrot(path: str, ready: Callable[[], None]) -> None:
    """Talk with callers at a socket until SIGTERM."""

    async def talk(connection: ServerConnection) -> None:
        try:
            await Parrot(connection).talk()
        except ConnectionClosed:
            return

    with suppress(FileNotFoundError):
        os.unlink(path)
    mask = os.umask(0o177)
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    try:
        server = await unix_serve(talk, path, compression=None)
    finally:
        os.umask(mask)
    async with server:
        ready()
        await over.wait()
