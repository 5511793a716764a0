"""The process of the E1 front: the spans of the settings, their alarms, and what the pages ask of them."""

from __future__ import annotations

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

import structlog

from ccplatform.app.e1_timing import ChosenTimings
from ccplatform.app.link_client import LinkClient
from ccplatform.app.places import Places
from ccplatform.app.settings import Settings, own_host
from ccplatform.app.stopping import StopSignal
from ccplatform.contracts.commands import ClearAlarm, RaiseAlarm
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock, SystemClock, sleep
from ccplatform.kernel.errors import CannotStart, NotFound, PlatformError, Refusal, Unavailable
from ccplatform.kernel.frames import FrameDecoder, encode_frame
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.isdn.dahdi import DahdiSpan
from gateway.isdn.front import Front
from gateway.isdn.line import LineAlarm, LineDriver, SoftwareSpan
from gateway.isdn.numbering import NumberPlan
from gateway.isdn.settings import SpanSettings, host_and_port
from gateway.isdn.sip_peer import SipPeer
from gateway.isdn.span import Span
from gateway.isdn.state import state_of
from gateway.isdn.trace import capture, explained
from gateway.sip.flows import Flow

_log = structlog.get_logger("isdn")

LAYER2, LINE = "e1_layer2_down", "e1_line_faulty"
_PAUSE_SECONDS: Final = 1.0
#: A line or layer 2 that is down for so long is an alarm, seconds: both come up after a start.
_ALARM_AFTER: Final = 3.0
_TOLD_FRAMES: Final = 500
_REMEMBERED: Final = 1000
_ALARM_WORDS: Final = {
    LineAlarm.LOS: "loss of signal",
    LineAlarm.LFA: "loss of frame alignment",
    LineAlarm.AIS: "alarm indication signal",
    LineAlarm.RAI: "remote alarm",
}


async def run_e1(settings: Settings, places: Places, *, ready: Callable[[], None]) -> None:
    """Serve the spans until SIGTERM; raises CannotStart where a port is taken."""
    clock = SystemClock()
    tasks = TaskSupervisor(clock)
    stop = StopSignal()
    link = LinkClient(path=places.control_socket, on_snapshot=_ignore, on_event=_ignore, on_lost=lambda: None)

    async def keep_linked() -> None:
        await link.run()
        await sleep(clock, _PAUSE_SECONDS)

    tasks.keep_running("control link", keep_linked)
    office = Office(settings, clock=clock, tasks=tasks)
    await office.open()
    timings = ChosenTimings(office, settings, places, clock)
    if not await timings.apply():
        tasks.run_once("what times the spans", timings.keep_trying())
    alarms = SpanAlarms(office, link, clock)
    tasks.keep_running("e1 alarms", alarms.watch)
    places.e1_socket.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(office.serve, str(places.e1_socket))
    ready()
    await stop.wait()
    server.close()
    await office.close()
    await tasks.close()


def _ignore(_: object) -> None:
    """Facts are for others."""


class Office:
    """All spans of this node. :meth:`serve` answers who asks over the socket."""

    def __init__(self, settings: Settings, *, clock: Clock, tasks: TaskSupervisor) -> None:
        self._settings, self._clock, self._tasks = settings, clock, tasks
        self.spans: dict[str, Span] = {}
        self._peers: list[SipPeer] = []
        self._timed: set[str] = set()  # spans for which a source was chosen since the start
        self._done: OrderedDict[str, None] = OrderedDict()  # keys of orders that were carried out

    async def open(self) -> None:
        """Raises CannotStart."""
        for own in self._settings.isdn.spans:
            try:
                await self._open(own)
            except OSError as error:
                raise CannotStart(f"span {own.id}: {error.strerror or error}") from error

    async def _open(self, own: SpanSettings) -> None:
        host = own_host(self._settings)
        span = Span(
            own.id,
            side=own.side,
            driver=driver_of(own, self._clock),
            clock=self._clock,
            tasks=self._tasks,
            overlap=own.overlap,
            timers=own.timers,
        )
        fronts: list[Front] = []
        peer = SipPeer(
            host=host,
            port=own.sip_port,
            centre=Flow("UDP", host, self._settings.sip.port),
            arrived=lambda request, dialog: fronts[0].invited(request, dialog),
            usable=lambda: span.usable,
            clock=self._clock,
            tasks=self._tasks,
        )
        plan = NumberPlan(national=own.national_prefix, international=own.international_prefix)
        fronts.append(Front(span, peer, plan=plan, clock=self._clock, digits_seconds=own.digits_seconds))
        await peer.open()
        self._peers.append(peer)
        await span.open(fronts[0])
        self.spans[own.id] = span

    async def close(self) -> None:
        """End all."""
        for span in self.spans.values():
            await span.close()
        for peer in self._peers:
            peer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: a request, its answer, and so on."""
        decoder = FrameDecoder(1 << 20)
        with suppress(ConnectionError, PlatformError):
            while data := await reader.read(65_536):
                for request in decoder.feed(data):
                    writer.write(encode_frame(await self.answer(request)))
                await writer.drain()
        writer.close()

    async def answer(self, request: Any) -> dict[str, Any]:
        """What a request gets: ``{"answer": …}``, or ``{"refused": "not_found" | "invalid", "reason": …}``."""
        try:
            return {"answer": await self._do(request)}
        except NotFound as error:
            return {"refused": "not_found", "reason": str(error)}
        except Refusal as error:
            return {"refused": "invalid", "reason": str(error)}

    async def _do(self, request: Any) -> Any:
        key = str(request.get("key", "")) if isinstance(request, dict) else ""
        if key and key in self._done:
            return None
        answer = await self._carry_out(request)
        if key:
            self._done[key] = None
            while len(self._done) > _REMEMBERED:
                self._done.popitem(last=False)
        return answer

    async def _carry_out(self, request: Any) -> Any:
        match request:
            case {"do": "state"}:
                return [state_of(span, self._clock.now()) for span in self.spans.values()]
            case {"do": "trace", "span": str(name)}:
                return [explained(frame) for frame in list(self._span(name).trace)[-_TOLD_FRAMES:]]
            case {"do": "capture", "span": str(name)}:
                return base64.b64encode(capture(self._span(name).trace)).decode()
            case {"do": "block" | "unblock" as what, "span": str(name), "slot": int(slot)}:
                self._channel(name, slot).blocked = what == "block"
            case {"do": "block" | "unblock" as what, "span": str(name)}:
                self._span(name).blocked = what == "block"
            case {"do": "loop" | "unloop" as what, "span": str(name), "slot": int(slot)}:
                self._channel(name, slot)
                if not self._span(name).loop(slot, on=what == "loop"):
                    raise Refusal(f"channel {slot} of {name} has a call")
            case {"do": "loop-test", "span": str(name), "slot": int(slot)}:
                self._channel(name, slot)
                result = await self._span(name).test_loop(slot)
                if result is None:
                    raise Refusal(f"channel {slot} of {name} has a call")
                return asdict(result)
            case {"do": "time-by", "span": str(name), "source": "span" | "system" as source}:
                if not self._span(name).driver.time_by(source):
                    raise Refusal(f"what times the card of {name} is said to dahdi_cfg")
                self._timed.add(name)
            case {"do": "reset", "span": str(name), "slot": int(slot)}:
                self._channel(name, slot)
                self._span(name).restart(slot)
            case {"do": "reset", "span": str(name)}:
                span = self._span(name)
                for channel in span.channels.all():
                    span.restart(channel.slot)
            case _:
                raise Refusal("no such request")
        return None

    def timed_before(self, name: str, source: str) -> None:
        """What was chosen before the start; a choice since then is newer."""
        if name in self.spans and name not in self._timed:
            self.spans[name].driver.time_by(source)

    def _span(self, name: str) -> Span:
        span = self.spans.get(name)
        if span is None:
            raise NotFound(f"no span {name[:64]!r}")
        return span

    def _channel(self, name: str, slot: int) -> Any:
        try:
            return self._span(name).channels.get(slot)
        except KeyError:
            raise NotFound(f"span {name} has no bearer channel {slot}") from None


def driver_of(own: SpanSettings, clock: Clock) -> LineDriver:
    """The driver that the settings name."""
    if own.driver == "dahdi":
        return DahdiSpan(first=own.channels, clock=clock)
    return SoftwareSpan(
        local=host_and_port(own.local), peer=host_and_port(own.peer), master=own.clock == "system", clock=clock
    )


class SpanAlarms:
    """Raises and clears the alarms of the spans."""

    def __init__(self, office: Office, link: LinkClient, clock: Clock) -> None:
        self._office, self._link, self._clock = office, link, clock
        self._since: dict[tuple[str, str], float] = {}
        self._told: dict[tuple[str, str], str] = {}

    async def watch(self) -> None:
        """Look once."""
        for span in self._office.spans.values():
            alarms = ", ".join(_ALARM_WORDS[alarm] for alarm in sorted(span.driver.alarms))
            await self._tell(LINE, span.name, alarms)
            down = "" if span.layer2 else span.problem or "layer 2 (Q.921) is not established"
            await self._tell(LAYER2, span.name, down)
        await sleep(self._clock, _PAUSE_SECONDS)

    async def _tell(self, kind: str, subject: str, text: str) -> None:
        key, now = (kind, subject), self._clock.now()
        if not text:
            self._since.pop(key, None)
        elif now - self._since.setdefault(key, now) < _ALARM_AFTER:
            return
        if self._told.get(key) == text:
            return
        order = (
            RaiseAlarm(kind=kind, subject=subject, severity=Severity.URGENT, text=f"span {subject}: {text}")
            if text
            else ClearAlarm(kind=kind, subject=subject)
        )
        with suppress(Unavailable):
            await self._link.ask(order)
            self._told[key] = text
