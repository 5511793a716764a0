"""The far end of a platform's span: a switch of libpri in this process, and a platform that has such spans."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.isdn.line import SoftwareSpan
from gateway.isdn.span import Span
from gateway.isdn.span_calls import CallState
from gateway.isdn.switch import Switch, Voice
from gateway.media.audio import RATE
from tests.e2e.centre import Centre
from tests.e2e.rig import centre_of
from tests.gateway.isdn.spans import until
from tests.support import audio
from tests.support.milestone import PATIENCE
from tests.support.platform import PlatformProcess
from tests.support.ports import PortBlock

SPAN = "e1-1"
CLOCK = SystemClock()
#: Ports of one span: its SIP side, our end of the line, and the far one.
SPAN_PORTS = 3


def span_settings(ports: PortBlock, number: int = 0, **more: Any) -> dict[str, Any]:
    """A span of the platform's settings."""
    first = ports.first + SPAN_PORTS * number
    return {
        "id": f"e1-{number + 1}",
        "sip_port": first,
        "local": f"127.0.0.1:{first + 1}",
        "peer": f"127.0.0.1:{first + 2}",
        "timers": {"T309": 3000, "T203": 1000},
        **more,
    }


def environment_of(*spans: dict[str, Any]) -> dict[str, str]:
    """What a platform with these spans is started with."""
    return {"CCP_ISDN__SPANS": json.dumps(spans), "CCP_ISDN__SWITCH": "false"}


@dataclass
class Exchange:
    """The centre, and the switch that its span leads to."""

    centre: Centre
    ports: PortBlock
    tasks: TaskSupervisor
    overlap: bool = False

    async def open(self) -> None:
        """The switch begins."""
        near = self.ports.first + 1
        self.line = SoftwareSpan(local=("127.0.0.1", near + 1), peer=("127.0.0.1", near), master=True, clock=CLOCK)
        span = Span(SPAN, side="network", driver=self.line, clock=CLOCK, tasks=self.tasks, overlap=self.overlap)
        self.switch = Switch(span, CLOCK)
        await span.open(self.switch)

    async def close(self) -> None:
        """The switch ends, whatever calls it has."""
        await self.switch.span.close()

    async def in_service(self) -> None:
        """Wait until both ends can carry calls."""
        await until(lambda: self.switch.span.usable)
        await self.centre.eventually(
            lambda: self.centre.get("isdn/spans"),
            lambda page: all(span["usable"] for span in page["items"] if span["id"] == SPAN),
        )
        await until(lambda: self.switch.span.usable)

    async def dial(self, number: str, caller: str) -> Voice:
        """A caller who was answered."""
        voice = self.switch.call(number, caller)
        assert voice is not None
        assert await self.switch.reached(voice, CallState.CONNECTED, PATIENCE), voice.call.cause
        return voice

    async def hears(self, voice: Voice, seconds: float = 1.0) -> None:
        """Wait until somebody speaks for so long."""
        at = len(voice.heard())
        await until(lambda: audio.activity(voice.heard()[at:]) * (len(voice.heard()) - at) > seconds * RATE)

    async def hears_tones(self, voice: Voice, *tones: float) -> None:
        """Wait until these tones are heard in one second."""
        at = len(voice.heard()) + RATE // 2
        await until(lambda: len(voice.heard()) > at + RATE)
        await until(lambda: all(audio.has_tone(voice.heard()[-RATE:], hertz) for hertz in tones))


@asynccontextmanager
async def exchange_of(
    platform: PlatformProcess, ports: PortBlock, callers: Iterator[int], *, overlap: bool = False
) -> AsyncIterator[Exchange]:
    """In service; its calls end with it."""
    tasks = TaskSupervisor(CLOCK)
    async with centre_of(platform, callers) as centre:
        exchange = Exchange(centre, ports, tasks, overlap)
        await exchange.open()
        try:
            await exchange.in_service()
            yield exchange
        finally:
            for voice in list(exchange.switch.voices.values()):
                exchange.switch.hang_up(voice)
            await until(lambda: not exchange.switch.voices)
            await exchange.close()
            await tasks.close()
