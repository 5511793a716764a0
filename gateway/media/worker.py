"""A media worker process: a plain loop that sleeps until the next tick or until control says something."""

from __future__ import annotations

import gc
import os
import resource
import select
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Final

import structlog

from ccplatform.contracts.legs import SurvivingCall
from ccplatform.kernel.clock import Clock, SystemClock
from ccplatform.kernel.errors import CannotStart, LocalMisuse
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.priority import claim_processor
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.media.audio import TICK_SECONDS
from gateway.media.commands import Performer
from gateway.media.control_link import ControlLink
from gateway.media.engine import Engine
from gateway.media.errors import CannotOpenLeg
from gateway.media.protocol import Command, WorkerEvent, WorkerStats, encode_event, link_socket
from gateway.media.settings import MediaSettings
from gateway.media.tick_times import TickTimes

_log = structlog.get_logger("media")

_HOUSEKEEPING_TICKS: Final = 25
_STATS_TICKS: Final = 100
#: After so many ticks in a row that raised, the worker ends and is started anew.
_MAX_FAILED_TICKS: Final = 50
#: What one step of a DTLS handshake takes at most: with less time left before a tick, no second one is begun.
_HANDSHAKE_SECONDS: Final = 0.002
#: What handshakes and connectivity checks get of each tick even when the ticks take all the time there is.
_LEAST_SECONDS: Final = 0.001
#: Longest that a background thread may keep the interpreter from the tick, seconds.
_SWITCH_SECONDS: Final = 0.0005


class Worker:
    """Engine, control socket and tick in one loop."""

    def __init__(self, settings: MediaSettings, socket_path: str, index: int, clock: Clock) -> None:
        self._index = index
        self._clock = clock
        self._parent = os.getppid()
        self._stopping = False
        self._times = TickTimes()
        self._link = ControlLink(socket_path, Ids(clock).new(), settings.event_queue)
        self.engine = Engine(
            settings=settings,
            ports=settings.ports_of(index),
            clock=clock,
            emit=self._tell,
            link_path=link_socket(socket_path),
        )
        self._guard = TaskSupervisor(clock)
        self._failed_ticks = 0
        self._performer = Performer(self.engine, self._answer, self._link.start_events)
        self._poll = select.epoll()
        self._poll.register(self._link.listener, select.EPOLLIN)
        self._poll.register(self.engine.security.fd, select.EPOLLIN)
        self._watched: tuple[int, int] | None = None

    def stop(self) -> None:
        """End the loop after the present step."""
        self._stopping = True

    def run(self) -> None:
        """Until stopped or until the parent process is gone."""
        due = self._clock.now() + TICK_SECONDS
        while not self._stopping:
            self._wait(due)
            now = self._clock.now()
            if now >= due:
                due = self._tick(due, now)
        self.close()

    def close(self) -> None:
        """Close files and sockets; recordings are completed and told to control if it still listens."""
        self.engine.close()
        self._link.flush()
        self._link.close()
        self._poll.close()

    def survivors(self) -> tuple[SurvivingCall, ...]:
        """What this worker keeps alive."""
        return self._performer.survivors()

    def _tick(self, due: float, now: float) -> float:
        """One tick; returns when the next is due. Missed ticks are counted; old audio is never sent in a burst."""
        missed = int((now - due) / TICK_SECONDS)
        late = self._times.affordable(missed)
        crashes = self._guard.crashes
        wall = self._clock.wall().timestamp()
        self._guard.guarded("tick")(lambda: self.engine.tick(now, wall, missed - late, late))
        self._failed_ticks = self._failed_ticks + 1 if self._guard.crashes > crashes else 0
        if self._failed_ticks >= _MAX_FAILED_TICKS:
            raise LocalMisuse("the media tick fails again and again")
        self._times.note(self._clock.now() - now, missed, late)
        if self._times.ticks % _HOUSEKEEPING_TICKS == 0 and os.getppid() != self._parent:
            _log.warning("the supervisor is gone, the worker ends", worker=self._index)
            self._stopping = True
        if self._times.ticks % _STATS_TICKS == 0 and self._link.connection is not None:
            self._answer(self._stats())
        self._link.flush()
        return due + (missed + 1) * TICK_SECONDS

    def _wait(self, due: float) -> None:
        self._watch_connection()
        timeout = max(0.0, due - self._clock.now())
        for fd, events in self._poll.poll(timeout):
            if fd == self._link.listener.fileno():
                if self._link.accept():
                    self._watched = None
            elif events & ~select.EPOLLOUT and self._is_connection(fd):
                self._link.read(self._perform)
        until = max(due - _HANDSHAKE_SECONDS, self._clock.now() + _LEAST_SECONDS)
        self._guard.guarded("handshakes")(lambda: self.engine.security.work(until))
        self._link.flush()

    def _is_connection(self, fd: int) -> bool:
        return self._link.connection is not None and self._link.connection.fileno() == fd

    def _watch_connection(self) -> None:
        connection = self._link.connection
        if connection is None:
            self._watched = None  # closing the socket took it out of the poll object
            return
        wanted = select.EPOLLIN | (select.EPOLLOUT if self._link.wants_to_write else 0)
        watched = (connection.fileno(), wanted)
        if self._watched is None:
            self._poll.register(connection, wanted)
        elif self._watched != watched:
            self._poll.modify(connection, wanted)
        self._watched = watched

    def _perform(self, command: Command) -> None:
        self._guard.guarded("command")(lambda: self._performer.perform(command))

    def _tell(self, event: WorkerEvent) -> None:
        self._link.tell(encode_event(event))

    def _answer(self, event: WorkerEvent) -> None:
        self._link.answer(encode_event(event))

    def _stats(self) -> WorkerStats:
        engine, sources = self.engine, self.engine.parts.sources
        median, high, longest = self._times.summary()
        return WorkerStats(
            worker=self._index,
            legs=len(engine.legs),
            recordings=len(engine.recorder),
            ticks=self._times.ticks,
            overruns=self._times.overruns,
            tick_p50_seconds=median,
            tick_p99_seconds=high,
            tick_max_seconds=longest,
            packets_received=engine.parts.receiver.packets,
            packets_sent=engine.packets_sent,
            unauthentic=engine.security.protection.total("unauthentic"),
            strangers=sources.total("strangers") + engine.rtcp.strangers,
            malformed=sources.total("malformed") + engine.rtcp.malformed,
            unknown_type=sources.total("unknown_type"),
            limited=engine.parts.receiver.limited,
            link_frames_lost=engine.parts.links.frames_lost,
            link_frames_refused=engine.parts.links.refused,
        )


def run_worker(settings: MediaSettings, socket_path: str, index: int, ready: Callable[[], None]) -> None:
    """Run worker ``index`` until SIGTERM or the death of its parent; ``ready``: control may connect.

    Raises CannotStart when its RTP ports cannot be used.
    """
    _allow_many_sockets()
    sys.setswitchinterval(_SWITCH_SECONDS)
    worker = Worker(settings, socket_path, index, SystemClock())
    try:
        worker.engine.legs.check_ports()
    except CannotOpenLeg as error:
        raise CannotStart(f"media worker {index}: {error}") from None

    def stop(signum: int, frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # control-C goes to the whole group; the supervisor decides
    gc.freeze()  # what is there now stays: the collector need not look at it within a tick
    if settings.real_time and (claim := claim_processor()) != "real time":
        _log.info("no real time permitted; sound may suffer when other work is busy", worker=index, priority=claim)
    ready()
    worker.run()


def _allow_many_sockets() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
