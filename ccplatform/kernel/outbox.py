"""Frames on their way to another process, joined: many small messages in one write, thus in one system call.

A system call that wakes another process costs more than the message in it; a call makes some dozens of them.
"""

from __future__ import annotations

import asyncio

#: Bytes that wait to be joined before they are written at once.
MAX_JOINED_BYTES = 256 * 1024


class Outbox:
    """What goes to one stream. Frames wait ``delay_seconds`` for others; with 0, until the loop's present turn is
    over. Their order is kept."""

    def __init__(self, writer: asyncio.StreamWriter, *, delay_seconds: float = 0.0) -> None:
        self._writer = writer
        self._transport = writer.transport
        self._delay_seconds = delay_seconds
        self._frames: list[bytes] = []
        self._joined_bytes = 0
        self._timer: asyncio.Handle | None = None

    @property
    def unread_bytes(self) -> int:
        """What the other process has not taken yet."""
        return self._joined_bytes + self._transport.get_write_buffer_size()

    def put(self, frame: bytes) -> None:
        """Send a frame soon."""
        self._frames.append(frame)
        self._joined_bytes += len(frame)
        if self._joined_bytes > MAX_JOINED_BYTES:
            self.flush()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            if self._delay_seconds:
                self._timer = loop.call_later(self._delay_seconds, self.flush)
            else:
                self._timer = loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what waits; nothing once the stream is closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        frames, self._frames, self._joined_bytes = self._frames, [], 0
        if frames and not self._writer.is_closing():
            self._writer.write(b"".join(frames))

    def close(self) -> None:
        """Write what waits and close the stream."""
        self.flush()
        self._writer.close()

    def abort(self) -> None:
        """Cut the stream off; what waits is lost."""
        self._frames.clear()
        self._joined_bytes = 0
        self._transport.abort()
