"""The media engine as the control process sees it: a pool of workers behind ``Media`` and ``LegMedia``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from ccplatform.contracts.legs import PlaybackEnded, SurvivingCall
from ccplatform.contracts.media import (
    ForgetCall,
    KeepSnapshot,
    MediaCommand,
    RecordingClosed,
    SendDigits,
    TapEnded,
)
from ccplatform.contracts.words import CallId, LegId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.media.audio import RATE
from gateway.media.awaiting import AwaitedLegs, Closed, Opened
from gateway.media.codecs import CODECS
from gateway.media.keeping import Keeping
from gateway.media.placing import Place, Places
from gateway.media.port import LocalAudio, MediaEvent, RemoteAudio, WorkerLost
from gateway.media.protocol import (
    CloseLeg,
    Command,
    ConnectLeg,
    LegClosed,
    LegOpened,
    MoveLeg,
    OpenLeg,
    PortsReserved,
    ReservePorts,
    SignalDigit,
    Survivors,
    WorkerEvent,
    WorkerStats,
    link_socket,
)
from gateway.media.spare_ports import SparePorts
from gateway.media.switching import Switching
from gateway.media.worker_link import WorkerLink

_log = structlog.get_logger("media")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """How a worker looks from control; ``stats`` are its last figures, ``problem`` why it is not connected."""

    index: int
    connected: bool
    problem: str
    legs: int
    stats: WorkerStats | None


class MediaPool:
    """Implements ``contracts.media.Media`` and ``LegMedia``. Every call lives on one worker, with all its legs.

    ``sockets`` are the workers' Unix sockets by index. ``listener`` gets every :data:`MediaEvent`; none is
    delivered before :meth:`start` has returned and the loop has turned once, so that what survived can be
    restored first. When a worker dies its legs are told as lost; each that is opened again gets back what was
    wanted of its sound, wherever it is then. A leg waits ``wait_seconds`` for a worker when there is none. What
    wideband legs say is recorded with ``recording_rate`` samples a second.
    """

    def __init__(
        self,
        *,
        sockets: Sequence[str | os.PathLike[str]],
        listener: Callable[[MediaEvent], None],
        clock: Clock,
        tasks: TaskSupervisor,
        wait_seconds: float = 8.0,
        recording_rate: int = RATE,
    ) -> None:
        self._listener = listener
        self._tasks = tasks
        self._clock = clock
        self._paths = [os.fspath(path) for path in sockets]
        self._links: list[WorkerLink] = []
        self._stats: dict[int, WorkerStats] = {}
        self._places = Places(len(self._paths))
        self._switching = Switching(
            places=self._places,
            clock=clock,
            sockets=[link_socket(path) for path in self._paths],
            send=self._send,
            tell=lambda event: _soon(partial(self._deliver, event)),
            recording_rate=recording_rate,
        )
        self._spare = SparePorts(
            lambda worker, count, ipv6: self._send(worker, ReservePorts(count=count, ipv6=ipv6))
        )
        self._awaited = AwaitedLegs(
            clock=clock, wait_seconds=wait_seconds, give_up=lambda leg: self._opened(leg, None)
        )
        self._keeping = Keeping(places=self._places, wishes=self._switching.wishes, clock=clock, send=self._send)
        self._links_there: dict[int, tuple[LegId, ...]] = {}  # what workers reported before we knew what is wanted
        self._held: list[MediaEvent] | None = []
        self.on_stats: Callable[[WorkerStats], None] | None = None
        self.on_worker: Callable[[int, bool], None] | None = None  # a worker came (True) or was lost

    async def start(self, patience_seconds: float = 15.0) -> None:
        """Connect to the workers and learn what survived.

        Waits for all of them, at most ``patience_seconds``; then goes on with those that are there and keeps
        trying the others. Raises Unavailable when none is there, ProtocolMismatch when one is of another version.
        """
        run = Ids(self._clock).new()
        self._links = [
            WorkerLink(path=path, index=index, listener=self, clock=self._clock, run=run)
            for index, path in enumerate(self._paths)
        ]
        for index, link in enumerate(self._links):
            self._tasks.keep_running(f"media-{index}", link.run)
        answers = [link.first_answer for link in self._links]
        answered, _ = await asyncio.wait(answers, timeout=patience_seconds)
        for answer in answered:
            answer.result()
        if not answered:
            raise Unavailable("no media worker: " + "; ".join(link.problem for link in self._links))
        self._switching.know_again(self._links_there)
        self._links_there.clear()
        asyncio.get_running_loop().call_soon(self._release)

    async def close(self) -> None:
        """Let go of the workers; they keep what is bridged talking."""
        for index in range(len(self._links)):
            await self._tasks.stop(f"media-{index}")

    def survivors(self) -> list[SurvivingCall]:
        """The calls that the workers kept alive while control was away, until they are forgotten."""
        return self._keeping.survivors()

    @property
    def connected(self) -> bool:
        """Whether any worker is there."""
        return any(link.connected for link in self._links)

    @property
    def workers(self) -> tuple[WorkerState, ...]:
        """All workers, for health, alarms and metrics."""
        return tuple(
            WorkerState(
                index=index,
                connected=link.connected,
                problem=link.problem,
                legs=self._places.load(index),
                stats=self._stats.get(index),
            )
            for index, link in enumerate(self._links)
        )

    # --- LegMedia -----------------------------------------------------------------------------------------

    def open_leg(
        self, call: CallId, leg: LegId, opened: Opened, *, ipv6: bool = False, near: LegId | None = None
    ) -> None:
        """See :class:`~gateway.media.port.LegMedia`."""
        known = self._places.of(leg)
        if known is not None and leg not in known.adrift:
            _soon(lambda: opened(None))
            return
        self._awaited.open(leg, opened, ipv6=ipv6)
        place = self._places.add(call)
        self._places.add_leg(place, leg)
        if place.worker is None:
            self._settle(place, near)
        else:
            self._begin(place, leg)

    def move_leg(self, leg: LegId, call: CallId) -> None:
        """See :class:`~gateway.media.port.LegMedia`."""
        worker = self._places.worker_of(leg)
        if self._places.of(leg) is None:
            return
        place = self._places.add(call)
        self._places.move_leg(leg, place)
        if worker is None:
            return  # whoever opens it again does so for its new call
        if leg in place.adrift:
            self._send(worker, CloseLeg(leg=leg))
            _soon(partial(self._deliver, WorkerLost(worker=worker, legs=(leg,))))
        else:
            self._send(worker, MoveLeg(leg=leg, call=call))

    def connect_leg(self, leg: LegId, remote: RemoteAudio) -> None:
        """See :class:`~gateway.media.port.LegMedia`."""
        self._switching.wishes.speaks(leg, wideband=CODECS[remote.codec].rate > RATE)
        self._send_for(leg, ConnectLeg(leg=leg, remote=remote))

    def signal_digit(self, leg: LegId, digit: str) -> None:
        """See :class:`~gateway.media.port.LegMedia`."""
        self._send_for(leg, SignalDigit(leg=leg, digit=digit))

    def close_leg(self, leg: LegId, closed: Closed) -> None:
        """See :class:`~gateway.media.port.LegMedia`."""
        worker = self._places.worker_of(leg)
        self._drop_leg(leg)
        self._awaited.opened(leg)
        if worker is None or not self._links[worker].connected:
            _soon(lambda: closed(None))
            return
        self._awaited.close(leg, worker, closed)
        self._send(worker, CloseLeg(leg=leg))

    # --- Media --------------------------------------------------------------------------------------------

    def perform(self, command: MediaCommand) -> None:
        """See :class:`~ccplatform.contracts.media.Media`."""
        match command:
            case KeepSnapshot():
                self._keeping.take(command)
            case ForgetCall():
                self._forget(command)
            case SendDigits():
                self._send_for(command.leg, command)
            case _:
                self._switching.perform(command)

    # --- what workers say ---------------------------------------------------------------------------------

    def worker_up(self, index: int, there: Survivors) -> None:
        """See :class:`~gateway.media.worker_link.WorkerListener`."""
        self._spare.came(index)
        for survivor in there.calls:
            self._keeping.meet(index, survivor)
        alive = {leg for survivor in there.calls for leg in survivor.legs}
        for place in self._places.on(index):
            for leg in tuple(place.legs - alive - self._awaited.opening):
                self._drop_leg(leg)
            asked = sorted(place.legs & self._awaited.opening)
            for leg in alive.intersection(asked):  # its answer was lost with the connection
                self._send(index, CloseLeg(leg=leg))
            self._begin(place, *asked)
        for place in self._places.on(None):
            self._settle(place)
        if self._held is None:
            self._switching.know_again({index: there.links})
        else:
            self._links_there[index] = there.links
        if self.on_worker is not None:
            self.on_worker(index, True)

    def worker_away(self, index: int) -> None:
        """See :class:`~gateway.media.worker_link.WorkerListener`."""
        self._spare.gone(index)
        self._awaited.worker_away(index)

    def worker_lost(self, index: int) -> None:
        """See :class:`~gateway.media.worker_link.WorkerListener`."""
        self._spare.gone(index)
        self._awaited.worker_away(index)
        places = self._places.on(index)
        lost: list[LegId] = []
        for place in places:
            self._places.put(place, None)
            place.adrift |= place.legs - self._awaited.opening
            lost += place.adrift
            if self._keeping.forget(place.call):
                self._places.drop(place.call)
        self._switching.worker_lost(index)
        self._stats.pop(index, None)
        self._deliver(WorkerLost(worker=index, legs=tuple(lost)))
        for place in places:
            if place.worker is None and not place.legs <= place.adrift:
                self._settle(place)
        if self.on_worker is not None:
            self.on_worker(index, False)

    def worker_says(self, index: int, event: WorkerEvent) -> None:
        """See :class:`~gateway.media.worker_link.WorkerListener`."""
        match event:
            case LegOpened() if event.leg in self._awaited.opening and self._places.worker_of(event.leg) == index:
                self._opened(event.leg, event.local)
            case LegOpened(local=None):
                self._not_opened(index, event.leg)
            case LegOpened():
                pass  # it was given up meanwhile, and closed
            case PortsReserved():
                self._spare.reserved(index, event.spare, ipv6=event.ipv6)
            case LegClosed():
                self._awaited.closed(event.leg, event.quality)
            case WorkerStats():
                self._stats[index] = event
                if self.on_stats is not None:
                    self.on_stats(event)
            case Survivors():
                _log.error("unexpected survivors", worker=index)
            case RecordingClosed() | PlaybackEnded() | TapEnded():
                self._switching.heard(event)
                self._deliver(event)
            case _:
                self._deliver(event)

    # --- calls and legs find their worker -----------------------------------------------------------------

    def _settle(self, place: Place, near: LegId | None = None) -> None:
        """Give a call without a worker the connected one where that leg is, else with the fewest legs, if any."""
        connected = [index for index, link in enumerate(self._links) if link.connected]
        worker = self._places.worker_of(near) if near is not None else None
        if worker not in connected:
            worker = self._places.least_loaded(connected)
        if worker is None:
            return
        self._places.put(place, worker)
        self._keeping.leave(place)
        self._begin(place, *sorted(place.legs & self._awaited.opening))

    def _begin(self, place: Place, *legs: LegId) -> None:
        assert place.worker is not None
        spare: list[tuple[LegId, LocalAudio | None]] = []
        for leg in legs:
            ipv6 = self._awaited.is_ipv6(leg)
            local = self._spare.take(place.worker, ipv6=ipv6)
            port = None if local is None else local.port
            self._send(place.worker, OpenLeg(call=place.call, leg=leg, port=port, ipv6=ipv6))
            spare.append((leg, local))
        for leg in legs:
            self._switching.leg_came(leg)
        for leg, local in spare:
            if local is not None:
                self._opened(leg, local)

    def _not_opened(self, index: int, leg: LegId) -> None:
        """A leg that had its address ahead could not be made there after all: it has lost its worker."""
        self._spare.refused(index)
        place = self._places.of(leg)
        if place is not None and place.worker == index:
            place.adrift.add(leg)
            self._deliver(WorkerLost(worker=index, legs=(leg,)))

    def _opened(self, leg: LegId, local: LocalAudio | None) -> None:
        """A worker reserved the leg's ports, or could not, or nobody did in time."""
        opened = self._awaited.opened(leg)
        if opened is None:
            return
        if local is None:
            self._send_for(leg, CloseLeg(leg=leg))
            self._drop_leg(leg)
        opened(local)

    def _forget(self, command: ForgetCall) -> None:
        self._keeping.forget(command.call)
        place = self._places.find(command.call)
        if place is None:
            return
        for leg in tuple(place.legs):
            self._switching.leg_gone(leg)
            self._opened(leg, None)
        if place.worker is not None:
            self._send(place.worker, command)
        self._places.drop(command.call)

    def _drop_leg(self, leg: LegId) -> None:
        self._switching.leg_gone(leg)
        self._places.drop_leg(leg)

    # --- sending and telling ------------------------------------------------------------------------------

    def _send(self, worker: int, command: Command) -> None:
        self._links[worker].send(command)

    def _send_for(self, leg: LegId, command: Command) -> None:
        worker = self._places.worker_of(leg)
        if worker is not None:
            self._send(worker, command)

    def _deliver(self, event: MediaEvent) -> None:
        if self._held is None:
            self._listener(event)
        else:
            self._held.append(event)

    def _release(self) -> None:
        held, self._held = self._held or [], None
        for event in held:
            self._listener(event)


def _soon(callback: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(callback)
