"""The switch simulator: a process of the demo, or a command; and the command that has it call."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from ccplatform.app.places import Places
from ccplatform.app.settings import Settings
from ccplatform.app.stopping import StopSignal
from ccplatform.kernel.clock import Clock, SystemClock, sleep
from ccplatform.kernel.errors import CannotStart, RemoteViolation
from ccplatform.kernel.frames import FrameDecoder, encode_frame
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.isdn import causes
from gateway.isdn.line import SoftwareSpan
from gateway.isdn.settings import SpanSettings, host_and_port
from gateway.isdn.span import Span
from gateway.isdn.span_calls import CallState
from gateway.isdn.switch import Switch
from gateway.isdn.talks import About, Asked, Done, NoSpan, SpanFacts, Talk, Talking, read
from gateway.media.audio import AUDIBLE, RATE, Pcm
from gateway.media.inband_dtmf import KEYPAD

_log = structlog.get_logger("isdn")

_UP_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 60.0
_MOST_SECONDS: Final = 3600.0
#: Largest frame that is taken (a minute of sound to be said), and what may wait for who does not read, bytes.
_MOST_FRAME, _MOST_UNREAD = 1 << 20, 1 << 22


class Dial(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a call does: ``press`` these keys ``after`` seconds each, stay for ``seconds``."""

    number: str
    span: str = ""
    caller: str = "13800000001"
    press: tuple[str, ...] = ()
    after: float = 4.0
    seconds: float = 10.0
    record: str = ""


async def run_switch(settings: Settings, places: Places, *, ready: Callable[[], None]) -> None:
    """Be the switch of every software span until SIGTERM."""
    clock, stop = SystemClock(), StopSignal()
    tasks = TaskSupervisor(clock)
    switches: dict[str, Switch] = {}
    loopback: set[str] = set()
    for own in settings.isdn.spans:
        if own.driver == "software":
            if ip_address(host_and_port(own.local)[0]).is_loopback:
                loopback.add(own.id)
            switches[own.id] = await _open(own, clock, tasks)
    if not switches:
        raise CannotStart("isdn.spans: there is no software span to be the switch of")
    places.prepare()
    places.e1_switch_socket.unlink(missing_ok=True)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Desk(switches, loopback, writer, clock).serve(reader)

    server = await asyncio.start_unix_server(serve, str(places.e1_switch_socket))
    ready()
    _log.info("the switch takes and makes calls", spans=list(switches), data_dir=str(places.root))
    await stop.wait()
    server.close()
    for switch in switches.values():
        await switch.span.close()
    await tasks.close()


async def _open(own: SpanSettings, clock: Clock, tasks: TaskSupervisor) -> Switch:
    side = "network" if own.side == "user" else "user"
    line = SoftwareSpan(
        local=host_and_port(own.peer), peer=host_and_port(own.local), master=own.clock == "span", clock=clock
    )
    span = Span(own.id, side=side, driver=line, clock=clock, tasks=tasks, overlap=own.overlap)
    switch = Switch(span, clock)
    try:
        await span.open(switch)
    except OSError as error:
        raise CannotStart(f"switch of {own.id}: {error.strerror or error}") from error
    return switch


class Desk:
    """One connection to the switch: orders to dial with their answers, or a talk (:mod:`gateway.isdn.talks`)."""

    def __init__(
        self, switches: Mapping[str, Switch], loopback: Set[str], writer: asyncio.StreamWriter, clock: Clock
    ) -> None:
        self._switches, self._loopback = switches, loopback
        self._writer, self._clock = writer, clock
        self._talking: Talking | None = None

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Until the other side has gone; its talk ends with it."""
        decoder = FrameDecoder(_MOST_FRAME)
        try:
            with suppress(ConnectionError, RemoteViolation):
                while data := await reader.read(65_536):
                    for request in decoder.feed(data):
                        await self._take(request)
                    await self._writer.drain()
        finally:
            if self._talking is not None:
                self._talking.end()
            self._writer.close()

    async def _take(self, request: Any) -> None:
        if self._talking is not None:
            self._talking.take(read(request, Done))
        elif not isinstance(request, dict) or "type" not in request:
            self._tell(await _answer(self._switches, request, self._clock))
        else:
            match read(request, Asked):
                case About(span=span):
                    self._tell(await self._facts(span))
                case Talk(span=span) as talk if span in self._switches:
                    self._talking = Talking(self._switches[span], self._clock, self._tell)
                    self._talking.begin(talk)
                case _:
                    self._tell(NoSpan(spans=tuple(self._switches)))

    async def _facts(self, name: str) -> SpanFacts | NoSpan:
        switch = self._switches.get(name or next(iter(self._switches)))
        if switch is None:
            return NoSpan(spans=tuple(self._switches))
        span = switch.span
        return SpanFacts(
            span=span.name,
            side=span.side,
            channels=len(span.channels.all()),
            loopback=span.name in self._loopback,
            slips=span.driver.counters.slips,
            problem="" if await _in_service(switch) else span.problem or "the span is down",
        )

    def _tell(self, what: Any) -> None:
        if self._writer.transport.get_write_buffer_size() > _MOST_UNREAD:
            self._writer.transport.abort()  # who does not listen is gone
        elif not self._writer.is_closing():
            self._writer.write(encode_frame(what))


async def _in_service(switch: Switch) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(_UP_SECONDS):
            while not switch.span.usable:
                switch.changed.clear()
                await switch.changed.wait()
    return switch.span.usable


async def _answer(switches: Mapping[str, Switch], request: Any, clock: Clock) -> dict[str, Any]:
    try:
        dial = msgspec.convert(request, Dial)
    except msgspec.ValidationError as error:
        return {"failed": str(error)}
    switch = switches.get(dial.span or next(iter(switches)))
    if switch is None:
        return {"failed": f"the switch has no span {dial.span[:64]!r}, but {', '.join(switches)}"}
    if not set("".join(dial.press)) <= set(KEYPAD):
        return {"failed": "keys are 0-9, *, # and A-D"}
    return await _dial(switch, dial, clock)


async def _dial(switch: Switch, dial: Dial, clock: Clock) -> dict[str, Any]:
    await _in_service(switch)
    voice = switch.call(dial.number, dial.caller)
    if voice is None:
        return {"failed": switch.span.problem or "the span is down, or all its channels are busy"}
    begun = clock.now()
    told: dict[str, Any] = {"slot": voice.call.slot}
    if await switch.reached(voice, CallState.CONNECTED, _ANSWER_SECONDS):
        told["connected_seconds"] = round(clock.now() - begun, 3)
        for keys in dial.press:
            await sleep(clock, min(dial.after, _MOST_SECONDS))
            voice.press(keys)
        await switch.reached(voice, CallState.ENDING, min(dial.seconds, _MOST_SECONDS))
    switch.hang_up(voice)
    await switch.reached(voice, CallState.ENDING, _UP_SECONDS)
    cause = voice.call.cause or causes.NORMAL
    heard = voice.heard()
    if dial.record:
        try:
            _write(Path(dial.record), heard)
        except OSError as error:
            return {"failed": f"{dial.record}: {error.strerror}"}
    return told | {
        "cause": cause,
        "text": causes.text_of(cause),
        "heard_seconds": len(heard) / RATE,
        "audible": bool((abs(heard.astype(int)) > AUDIBLE).any()),
    }


def _write(path: Path, pcm: Pcm) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm.tobytes())


async def ask_switch(places: Places, dial: Dial) -> dict[str, Any]:
    """Have the switch of a running platform make a call; what came of it. Raises CannotStart."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(places.e1_switch_socket))
    except OSError as error:
        raise CannotStart(f"no switch runs on {places.root}: {error.strerror}") from error
    writer.write(encode_frame(msgspec.to_builtins(dial)))
    decoder = FrameDecoder()
    try:
        while data := await reader.read(65_536):
            for answer in decoder.feed(data):
                return dict(answer)
    finally:
        writer.close()
    raise CannotStart("the switch went away")
