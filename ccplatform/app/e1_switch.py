"""The switch simulator: a process of the demo, or a command; and the command that has it call."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable
from contextlib import suppress
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
from gateway.media.audio import AUDIBLE, RATE, Pcm
from gateway.media.inband_dtmf import KEYPAD

_log = structlog.get_logger("isdn")

_UP_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 60.0
_MOST_SECONDS: Final = 3600.0


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
    for own in settings.isdn.spans:
        if own.driver == "software":
            switches[own.id] = await _open(own, clock, tasks)
    if not switches:
        raise CannotStart("isdn.spans: there is no software span to be the switch of")
    places.prepare()
    places.e1_switch_socket.unlink(missing_ok=True)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = FrameDecoder(65_536)
        with suppress(ConnectionError, RemoteViolation):
            while data := await reader.read(65_536):
                for request in decoder.feed(data):
                    writer.write(encode_frame(await _answer(switches, request, clock)))
                await writer.drain()
        writer.close()

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


async def _answer(switches: dict[str, Switch], request: Any, clock: Clock) -> dict[str, Any]:
    try:
        dial = msgspec.convert(request, Dial)
    except msgspec.ValidationError as error:
        return {"failed": str(error)}
    switch = switches.get(dial.span) or next(iter(switches.values()))
    if not set("".join(dial.press)) <= set(KEYPAD):
        return {"failed": "keys are 0-9, *, # and A-D"}
    return await _dial(switch, dial, clock)


async def _dial(switch: Switch, dial: Dial, clock: Clock) -> dict[str, Any]:
    with suppress(TimeoutError):
        async with asyncio.timeout(_UP_SECONDS):
            while not switch.span.usable:
                switch.changed.clear()
                await switch.changed.wait()
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
