"""The relays' process: ``python -m ivr.bots.process``, the connections to all bots.

Orders come on stdin, reports go to stdout (:mod:`ivr.bots.wire`). A crash here ends the talks with bots, and
nothing else; it ends when stdin does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.streams import FlowControlMixin
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, assert_never

import uvloop
from websockets.exceptions import WebSocketException

from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.bots.connecting import connect_to
from ivr.bots.relay import Relay
from ivr.bots.wire import (
    BotPlace,
    Close,
    Configure,
    Failed,
    Open,
    Order,
    Pressed,
    Probe,
    Probed,
    Report,
    Started,
    Voiced,
    order_of,
)
from ivr.pipes import MAX_BYTES, frame_of, read_frame


class Relays:
    """All talks; ``tell`` gets the reports."""

    def __init__(self, tell: Callable[[Report], None], tasks: TaskSupervisor) -> None:
        self._tell = tell
        self._tasks = tasks
        self._bots: dict[str, BotPlace] = {}
        self._directory = Path()
        self._talks: dict[str, tuple[str, Relay]] = {}
        self._serial = 0

    def perform(self, order: Order) -> None:
        """Do it; orders for talks that are over are dropped."""
        match order:
            case Configure(directory=directory, bots=bots):
                self._directory, self._bots = Path(directory), bots
                for left in (*self._directory.glob("bot-*.sock"), *self._directory.glob("bot-*.pcm")):
                    left.unlink(missing_ok=True)
            case Probe(bot=bot):
                self._tasks.run_once("bot probe", self._probe(bot))
            case Open():
                self._open(order)
            case Voiced(talk=talk, speaking=speaking, at=at) if talk in self._talks:
                self._talks[talk][1].voiced(speaking, at)
            case Pressed(talk=talk, digit=digit) if talk in self._talks:
                self._talks[talk][1].pressed(digit)
            case Close(talk=talk, reason=reason) if talk in self._talks:
                self._talks.pop(talk)[1].close(reason)
            case Voiced() | Pressed() | Close():
                pass
            case _:
                assert_never(order)

    def _open(self, order: Open) -> None:
        place = self._bots.get(order.bot)
        refused = "there is no such bot" if place is None else ""
        if place is not None and sum(bot == order.bot for bot, _ in self._talks.values()) >= place.max_callers:
            refused = f"it talks with {place.max_callers} callers already"
        if place is None or refused:
            failed = Failed(talk=order.talk, bot=order.bot, cause="bot_unavailable", reason=refused, fault=False)
            self._tell(failed)
            return
        self._serial += 1
        relay = Relay(
            order, place, directory=self._directory, serial=self._serial, tell=self._tell, tasks=self._tasks
        )
        self._talks[order.talk] = order.bot, relay
        self._tasks.run_once("bot talk", self._run(order.talk, relay))

    async def _run(self, talk: str, relay: Relay) -> None:
        try:
            await relay.run()
        finally:
            if self._talks.get(talk, ("", None))[1] is relay:
                del self._talks[talk]

    async def _probe(self, bot: str) -> None:
        place = self._bots[bot]
        reason = ""
        try:
            async with asyncio.timeout(place.start_seconds):
                await (await connect_to(place, self._directory)).close()
        except (OSError, TimeoutError, WebSocketException, Unavailable) as error:
            reason = str(error) or "it does not answer in time"
        self._tell(Probed(bot=bot, reason=reason))


async def main() -> None:
    """Take orders until stdin ends; whatever a library prints goes to stderr."""
    replies: Final = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    loop = asyncio.get_running_loop()
    out, _ = await loop.connect_write_pipe(FlowControlMixin, replies)
    orders = asyncio.StreamReader(limit=MAX_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin.buffer)
    tasks = TaskSupervisor(SystemClock())
    relays = Relays(lambda report: out.write(frame_of(report)), tasks)
    out.write(frame_of(Started()))
    with suppress(asyncio.IncompleteReadError):
        while True:
            relays.perform(order_of(await read_frame(orders)))
    await tasks.close()


if __name__ == "__main__":
    uvloop.run(main())
