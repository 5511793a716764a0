"""The media engine as the control process sees it: a pool of workers behind ``Media`` and ``LegMedia``."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from ccplatform.contracts.legs import LegQuality, SurvivingCall
from ccplatform.contracts.media import (
    Bridge,
    ForgetCall,
    KeepSnapshot,
    MediaCommand,
    PauseRecording,
    RecordingClosed,
    ResumeRecording,
    StartRecording,
    StopRecording,
)
from ccplatform.contracts.words import CallId, LegId, RecordingId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Unavailable
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.media.audio import RATE
from gateway.media.port import LocalAudio, MediaEvent, RemoteAudio, WorkerLost
from gateway.media.protocol import (
    CloseLeg,
    Command,
    ConnectLeg,
    LegClosed,
    LegOpened,
    OpenLeg,
    SignalDigit,
    Survivors,
    WorkerEvent,
    WorkerStats,
)
from gateway.media.wav import HEADER_BYTES, SAMPLE_BYTES
from gateway.media.worker_link import WorkerLink

_log = structlog.get_logger("media")

Opened = Callable[[LocalAudio | None], None]
Closed = Callable[[LegQuality | None], None]


@dataclass(slots=True)
class _Call:
    worker: int
    legs: set[LegId] = field(default_factory=set)
    kept: bool = False  # the worker holds a snapshot: only ForgetCall ends it


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
    restored first.
    """

    def __init__(
        self,
        *,
        sockets: Sequence[str | os.PathLike[str]],
        listener: Callable[[MediaEvent], None],
        clock: Clock,
        tasks: TaskSupervisor,
    ) -> None:
        self._listener = listener
        self._tasks = tasks
        self._clock = clock
        self._paths = [os.fspath(path) for path in sockets]
        self._links: list[WorkerLink] = []
        self._stats: dict[int, WorkerStats] = {}
        self._calls: dict[CallId, _Call] = {}
        self._call_of: dict[LegId, CallId] = {}
        self._opening: dict[LegId, Opened] = {}
        self._closing: dict[LegId, Closed] = {}
        self._recordings: dict[RecordingId, tuple[int, StartRecording]] = {}
        self._survivors: dict[CallId, SurvivingCall] = {}
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
        asyncio.get_running_loop().call_soon(self._release)

    async def close(self) -> None:
        """Let go of the workers; they keep what is bridged talking."""
        for index in range(len(self._links)):
            await self._tasks.stop(f"media-{index}")

    def survivors(self) -> list[SurvivingCall]:
        """The calls that the workers kept alive while control was away, until they are forgotten."""
        return list(self._survivors.values())

    @property
    def workers(self) -> tuple[WorkerState, ...]:
        """All workers, for health, alarms and metrics."""
        return tuple(
            WorkerState(
                index=index,
                connected=link.connected,
                problem=link.problem,
                legs=self._load(index),
                stats=self._stats.get(index),
            )
            for index, link in enumerate(self._links)
        )

    # --- LegMedia -----------------------------------------------------------------------------------------

    def open_leg(self, call: CallId, leg: LegId, opened: Opened) -> None:
        """See :class:`~gateway.media.port.LegMedia`."""
        place = self._place(call)
        if place is None or leg in self._call_of:
            _soon(lambda: opened(None))
            return
        place.legs.add(leg)
        self._call_of[leg] = call
        self._opening[leg] = opened
        self._links[place.worker].send(OpenLeg(call=call, leg=leg))

    def connect_leg(self, leg: LegId, remote: RemoteAudio) -> None:
        """See :class:`~gateway.media.port.LegMedia`."""
        self._send_for(leg, ConnectLeg(leg=leg, remote=remote))

    def signal_digit(self, leg: LegId, digit: str) -> None:
        """See :class:`~gateway.media.port.LegMedia`."""
        self._send_for(leg, SignalDigit(leg=leg, digit=digit))

    def close_leg(self, leg: LegId, closed: Closed) -> None:
        """See :class:`~gateway.media.port.LegMedia`."""
        call = self._call_of.get(leg)
        if call is None or leg in self._closing or not self._links[self._calls[call].worker].connected:
            self._drop_leg(leg)
            _soon(lambda: closed(None))
            return
        self._closing[leg] = closed
        self._send_for(leg, CloseLeg(leg=leg))

    # --- Media --------------------------------------------------------------------------------------------

    def perform(self, command: MediaCommand) -> None:
        """See :class:`~ccplatform.contracts.media.Media`."""
        match command:
            case KeepSnapshot():
                place = self._calls.get(command.call)
                if place is not None:
                    place.kept = True
                    self._links[place.worker].send(command)
            case ForgetCall():
                self._forget(command)
            case StartRecording():
                self._record(command)
            case StopRecording() | PauseRecording() | ResumeRecording():
                known = self._recordings.get(command.recording)
                for index in range(len(self._links)) if known is None else (known[0],):
                    self._links[index].send(command)
            case Bridge():
                self._bridge(command)
            case _:
                self._send_for(command.leg, command)

    # --- what workers say ---------------------------------------------------------------------------------

    def worker_up(self, index: int, survivors: tuple[SurvivingCall, ...]) -> None:
        """See :class:`~gateway.media.worker_link.WorkerListener`."""
        for survivor in survivors:
            if survivor.call not in self._calls:
                self._survivors[survivor.call] = survivor
            place = self._calls.setdefault(survivor.call, _Call(index))
            place.kept = place.kept or bool(survivor.snapshot)
            place.legs.update(survivor.legs)
            self._call_of.update(dict.fromkeys(survivor.legs, survivor.call))
        alive = {leg for survivor in survivors for leg in survivor.legs}
        for leg in self._legs_on(index):
            if leg not in alive:
                self._drop_leg(leg)
        if self.on_worker is not None:
            self.on_worker(index, True)

    def worker_away(self, index: int) -> None:
        """See :class:`~gateway.media.worker_link.WorkerListener`."""
        self._give_up_answers(self._legs_on(index))

    def worker_lost(self, index: int) -> None:
        """See :class:`~gateway.media.worker_link.WorkerListener`."""
        legs = self._legs_on(index)
        self._give_up_answers(legs)
        for call in [call for call, place in self._calls.items() if place.worker == index]:
            self._drop_call(call)
            self._survivors.pop(call, None)
        self._stats.pop(index, None)
        self._deliver(WorkerLost(worker=index, legs=tuple(legs)))
        for recording, (worker, order) in tuple(self._recordings.items()):
            if worker == index:
                del self._recordings[recording]
                self._deliver(_cut(order))
        if self.on_worker is not None:
            self.on_worker(index, False)

    def worker_says(self, index: int, event: WorkerEvent) -> None:
        """See :class:`~gateway.media.worker_link.WorkerListener`."""
        match event:
            case LegOpened():
                opened = self._opening.pop(event.leg, None)
                if event.local is None:
                    self._drop_leg(event.leg)
                if opened is not None:
                    opened(event.local)
            case LegClosed():
                self._drop_leg(event.leg)
                closed = self._closing.pop(event.leg, None)
                if closed is not None:
                    closed(event.quality)
            case WorkerStats():
                self._stats[index] = event
                if self.on_stats is not None:
                    self.on_stats(event)
            case RecordingClosed():
                self._recordings.pop(event.recording, None)
                self._deliver(event)
            case Survivors():
                _log.error("unexpected survivors", worker=index)
            case _:
                self._deliver(event)

    # --- bookkeeping --------------------------------------------------------------------------------------

    def _place(self, call: CallId) -> _Call | None:
        """Where a call lives; a new one goes to the connected worker with the fewest legs."""
        place = self._calls.get(call)
        if place is None:
            free = [index for index, link in enumerate(self._links) if link.connected]
            if not free:
                return None
            place = self._calls[call] = _Call(min(free, key=self._load))
        return place if self._links[place.worker].connected else None

    def _load(self, index: int) -> int:
        return sum(len(place.legs) for place in self._calls.values() if place.worker == index)

    def _legs_on(self, index: int) -> list[LegId]:
        return [leg for place in self._calls.values() if place.worker == index for leg in place.legs]

    def _send_for(self, leg: LegId, command: Command) -> None:
        call = self._call_of.get(leg)
        if call is not None:
            self._links[self._calls[call].worker].send(command)

    def _bridge(self, command: Bridge) -> None:
        workers = {self._calls[call].worker for leg in (command.a, command.b) if (call := self._call_of.get(leg))}
        if len(workers) > 1:
            _log.error("legs of different workers cannot be bridged", a=command.a, b=command.b)
            return
        self._send_for(command.a, command)

    def _record(self, order: StartRecording) -> None:
        call = self._call_of.get(order.left)
        if call is None or not self._links[self._calls[call].worker].connected:
            _soon(lambda: self._deliver(_cut(order)))
            return
        worker = self._calls[call].worker
        self._recordings[order.recording] = (worker, order)
        self._links[worker].send(order)

    def _forget(self, command: ForgetCall) -> None:
        place = self._calls.get(command.call)
        for index in range(len(self._links)) if place is None else (place.worker,):
            self._links[index].send(command)
        self._give_up_answers(list(place.legs) if place else [])
        self._drop_call(command.call)
        self._survivors.pop(command.call, None)

    def _give_up_answers(self, legs: list[LegId]) -> None:
        for leg in legs:
            opened, closed = self._opening.pop(leg, None), self._closing.pop(leg, None)
            if opened is not None:
                self._drop_leg(leg)
                opened(None)
            if closed is not None:
                self._drop_leg(leg)
                closed(None)

    def _drop_leg(self, leg: LegId) -> None:
        call = self._call_of.pop(leg, None)
        place = self._calls.get(call) if call is not None else None
        if call is None or place is None:
            return
        place.legs.discard(leg)
        if not place.legs and not place.kept:
            del self._calls[call]

    def _drop_call(self, call: CallId) -> None:
        place = self._calls.pop(call, None)
        for leg in place.legs if place else ():
            self._call_of.pop(leg, None)

    def _deliver(self, event: MediaEvent) -> None:
        if self._held is None:
            self._listener(event)
        else:
            self._held.append(event)

    def _release(self) -> None:
        held, self._held = self._held or [], None
        for event in held:
            self._listener(event)


def _cut(order: StartRecording) -> RecordingClosed:
    """A recording whose worker is gone: what is on the disk is complete up to its last second."""
    try:
        size = os.stat(order.path).st_size
    except OSError:
        size = 0
    seconds = max(0, size - HEADER_BYTES) / SAMPLE_BYTES / RATE
    return RecordingClosed(
        call=order.call,
        recording=order.recording,
        seconds=seconds,
        size_bytes=size,
        error="the media worker or a leg was gone",
    )


def _soon(callback: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(callback)
