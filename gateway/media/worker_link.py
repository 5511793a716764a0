"""Control's end of the socket to one media worker: connects, reconnects, notices when the worker is another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

import structlog

from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import RemoteViolation
from ccplatform.kernel.frames import FrameDecoder, encode_frame
from ccplatform.kernel.outbox import Outbox
from gateway.media.errors import ProtocolMismatch
from gateway.media.protocol import (
    Command,
    GetSurvivors,
    Survivors,
    WorkerEvent,
    command_frame,
    decode_event,
    decode_hello,
    encode_command,
    encode_hello,
)

_log = structlog.get_logger("media")

_READ_BYTES: Final = 256 * 1024
_MAX_PENDING_BYTES: Final = 16 * 1024 * 1024
_RETRY_SECONDS: Final = 0.05
_HELLO_SECONDS: Final = 5.0


class WorkerListener(Protocol):
    """Who is told what a worker says; ``index`` is the worker's."""

    def worker_up(self, index: int, there: Survivors) -> None:
        """The worker answers; ``there`` is what it holds."""

    def worker_away(self, index: int) -> None:
        """The connection broke; the worker may still be there."""

    def worker_lost(self, index: int) -> None:
        """The worker that was there is gone for good."""

    def worker_says(self, index: int, event: WorkerEvent) -> None:
        """Anything else."""


class WorkerLink:
    """One worker, by its socket. :meth:`run` is the task that keeps the connection."""

    def __init__(self, *, path: str, index: int, listener: WorkerListener, clock: Clock, run: str) -> None:
        self._path = path
        self._index = index
        self._listener = listener
        self._clock = clock
        self._own_run = run
        self._worker_run: str | None = None
        self._outbox: Outbox | None = None
        self.connected = False
        self.problem = ""  # why the worker cannot be used, for people
        self.first_answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def send(self, command: Command) -> None:
        """Send a command; dropped when there is no connection."""
        if not self.connected or self._outbox is None:
            return
        self._outbox.put(command_frame(command))
        if self._outbox.unread_bytes > _MAX_PENDING_BYTES:
            _log.error("media worker does not read", worker=self._index)
            self._outbox.abort()

    async def run(self) -> None:
        """Keep connected, for ever. A worker that does not listen any more, or has a new run id, was lost."""
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path)
            except OSError as error:
                self._unusable(f"cannot connect to {self._path}: {error.strerror or error}")
            else:
                try:
                    await self._converse(reader, writer)
                except (OSError, TimeoutError) as error:
                    self._broken(f"connection broke: {error}")
                except ProtocolMismatch as error:
                    self._unusable(str(error))
                    if not self.first_answer.done():
                        self.first_answer.set_exception(error)
                except RemoteViolation as error:
                    self._broken(f"worker sent nonsense: {error}")
                finally:
                    self.connected = False
                    self._outbox = None
                    writer.transport.abort()
            await self._pause(_RETRY_SECONDS)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(encode_frame(encode_hello(self._own_run)))
        writer.write(encode_frame(encode_command(GetSurvivors())))
        decoder = FrameDecoder()
        greeted = False
        while True:
            reading = reader.read(_READ_BYTES)
            data = await (reading if self.connected else asyncio.wait_for(reading, _HELLO_SECONDS))
            if not data:
                self._broken("the worker closed the connection")
                return
            for message in decoder.feed(data):
                if not greeted:
                    self._meet(decode_hello(message).run)
                    greeted = True
                else:
                    self._take(message, writer)

    def _meet(self, run: str) -> None:
        if self._worker_run not in (None, run):
            self._gone()
        self._worker_run = run

    def _take(self, message: Any, writer: asyncio.StreamWriter) -> None:
        event = decode_event(message)
        if not isinstance(event, Survivors):
            self._listener.worker_says(self._index, event)
            return
        self._outbox = Outbox(writer)
        self.connected, self.problem = True, ""
        self._listener.worker_up(self._index, event)
        if not self.first_answer.done():
            self.first_answer.set_result(None)

    def _broken(self, reason: str) -> None:
        self.problem = reason
        _log.warning("media worker away", worker=self._index, reason=reason)
        self.connected = False
        self._listener.worker_away(self._index)

    def _unusable(self, reason: str) -> None:
        if self.problem != reason:
            _log.warning("media worker cannot be used", worker=self._index, reason=reason)
        self.problem = reason
        self._gone()

    def _gone(self) -> None:
        if self._worker_run is not None:
            self._worker_run = None
            self._listener.worker_lost(self._index)

    async def _pause(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        timer = self._clock.call_at(self._clock.now() + seconds, _waker(woken))
        try:
            await woken
        finally:
            timer.cancel()


def _waker(future: asyncio.Future[None]) -> Callable[[], None]:
    def wake() -> None:
        if not future.done():
            future.set_result(None)

    return wake
