"""The worker's end of the control socket: one control process at a time, the newest wins."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import structlog

from ccplatform.kernel.errors import RemoteViolation
from ccplatform.kernel.frames import FrameDecoder, encode_frame
from gateway.media.errors import ProtocolMismatch
from gateway.media.protocol import Command, decode_command, decode_hello, encode_hello

_log = structlog.get_logger("media")

_READ_BYTES: Final = 256 * 1024
#: What may wait for a control process that does not read; then it is cut off and has to come back.
_MAX_PENDING_BYTES: Final = 16 * 1024 * 1024


class ControlLink:
    """Non-blocking; the worker's loop tells when a socket is readable or writable.

    Events sent with :meth:`tell` are kept, up to ``queue_limit`` (the oldest go first), while nobody listens.
    """

    def __init__(self, path: str, run: str, queue_limit: int) -> None:
        self._path = path
        self._run = run
        self._waiting: deque[dict[str, Any]] = deque(maxlen=queue_limit)
        self._connection: socket.socket | None = None
        self._decoder = FrameDecoder()
        self._out = bytearray()
        self._greeted = False
        self._listening = False
        self.lost_events = 0
        self.listener = _listen(path)

    @property
    def connection(self) -> socket.socket | None:
        """The socket to control, for the loop to wait on."""
        return self._connection

    @property
    def wants_to_write(self) -> bool:
        """Whether something waits for the socket to become writable."""
        return bool(self._out)

    def accept(self) -> bool:
        """A control process connects: it takes the place of the one before. False when it went away again."""
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return False
        self.drop("another control process connected")
        connection.setblocking(False)
        self._connection = connection
        self._decoder = FrameDecoder()
        self._out.clear()
        self._greeted = self._listening = False
        self._write(encode_hello(self._run))
        return True

    def read(self, perform: Callable[[Command], None]) -> None:
        """Take what control sent and perform it, command by command."""
        if self._connection is None:
            return
        try:
            data = self._connection.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self.drop(str(error))
            return
        if not data:
            self.drop("control closed the connection")
            return
        try:
            for message in self._decoder.feed(data):
                self._take(message, perform)
        except RemoteViolation as error:
            self.drop(str(error))

    def start_events(self) -> None:
        """Control knows what is alive: give it the events that it missed, and from now on all."""
        self._listening = True
        while self._waiting and self._connection is not None:
            self._write(self._waiting.popleft())

    def answer(self, message: dict[str, Any]) -> None:
        """Send to the control process that asked; of no use to another."""
        self._write(message)

    def tell(self, message: dict[str, Any]) -> None:
        """Send an event, now or when a control process listens again."""
        if self._listening and self._connection is not None:
            self._write(message)
            return
        if len(self._waiting) == self._waiting.maxlen:
            self.lost_events += 1
        self._waiting.append(message)

    def flush(self) -> None:
        """Write what the socket takes."""
        if self._connection is None or not self._out:
            return
        try:
            sent = self._connection.send(self._out)
        except BlockingIOError:
            return
        except OSError as error:
            self.drop(str(error))
            return
        del self._out[:sent]
        if len(self._out) > _MAX_PENDING_BYTES:
            self.drop("control does not read")

    def drop(self, reason: str) -> None:
        """Close the connection; calls talk on."""
        if self._connection is None:
            return
        _log.warning("control connection ended", reason=reason)
        self._connection.close()
        self._connection = None
        self._listening = False

    def close(self) -> None:
        """Close and remove the socket."""
        self.drop("the worker ends")
        self.listener.close()
        with suppress(OSError):
            os.unlink(self._path)

    def _take(self, message: Any, perform: Callable[[Command], None]) -> None:
        if self._connection is None:
            return
        if not self._greeted:
            try:
                decode_hello(message)
            except ProtocolMismatch as error:
                self.flush()  # our hello tells the other side why
                self.drop(str(error))
                return
            self._greeted = True
            return
        perform(decode_command(message))

    def _write(self, message: dict[str, Any]) -> None:
        if self._connection is not None:
            self._out += encode_frame(message)


def _listen(path: str) -> socket.socket:
    """A listening Unix socket that only the owner may use; a stale file of a dead worker is replaced."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    mask = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(mask)
    listener.listen(4)
    return listener
