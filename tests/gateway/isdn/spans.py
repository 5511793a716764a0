"""A user-side and a network-side span, joined by a line over UDP, each with its own program of libpri."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ccplatform.kernel.clock import SystemClock, sleep
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.isdn.line import SoftwareSpan
from gateway.isdn.span import Span
from gateway.isdn.switch import Switch
from tests.support.milestone import PATIENCE
from tests.support.ports import PortBlock

CLOCK = SystemClock()


async def until(condition: Callable[[], Any], within: float = PATIENCE) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await sleep(CLOCK, 0.01)


@dataclass
class Pair:
    """``near`` is the user side, ``far`` the network side."""

    near: Switch
    far: Switch
    near_line: SoftwareSpan
    far_line: SoftwareSpan


def line(local: int, peer: int, *, master: bool) -> SoftwareSpan:
    return SoftwareSpan(local=("127.0.0.1", local), peer=("127.0.0.1", peer), master=master, clock=CLOCK)


@asynccontextmanager
async def joined(**options: Any) -> AsyncIterator[Pair]:
    """Both ends, up; ``options`` are those of the spans."""
    ports = PortBlock(4)
    tasks = TaskSupervisor(CLOCK)
    near_line = line(ports.first, ports.first + 1, master=False)
    far_line = line(ports.first + 1, ports.first, master=True)
    near_span = Span("near", side="user", driver=near_line, clock=CLOCK, tasks=tasks, **options)
    far_span = Span("far", side="network", driver=far_line, clock=CLOCK, tasks=tasks, **options)
    near, far = Switch(near_span, CLOCK, ring_seconds=0.05), Switch(far_span, CLOCK, ring_seconds=0.05)
    try:
        await near_span.open(near)
        await far_span.open(far)
        await until(lambda: near_span.usable and far_span.usable)
        yield Pair(near, far, near_line, far_line)
    finally:
        await near_span.close()
        await far_span.close()
        await tasks.close()
