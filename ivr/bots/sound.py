"""What a bot says and the caller has not heard yet: taken frame by frame, with marks between."""

from __future__ import annotations

from collections import deque
from typing import Final

from ccplatform.kernel.errors import RemoteViolation

FRAME_SECONDS: Final = 0.02
_SAMPLE_BYTES: Final = 2
#: How long less than a frame waits for its rest before it is filled up, frames.
_PATIENCE: Final = 2
#: Most marks that wait.
MAX_MARKS: Final = 100
#: A bot that speaks as it hears would keep each delay for good, once a frame of its was late for its turn: where
#: what waits was never more than so many frames, the least that waited all through so many turns is too much, but
#: for one frame, which the next that is late has in hand.
_STANDING_FRAMES: Final = 25
_SMALL_FRAMES: Final = 10
#: No sample of a frame that may be left out to make up for it is further from nothing: -50 dBFS.
_QUIET: Final = 104


class WaitingSound:
    """Samples of 16 bits at ``rate``, at most ``max_seconds`` of them."""

    def __init__(self, rate: int, max_seconds: float) -> None:
        self.frame_bytes = round(rate * FRAME_SECONDS) * _SAMPLE_BYTES
        self.silence = bytes(self.frame_bytes)
        self._most = int(rate * max_seconds) * _SAMPLE_BYTES
        self._samples = bytearray()
        self._marks: deque[tuple[int, str]] = deque()  # bytes to be taken before it
        self._taken = 0
        self._held = 0
        self._stood: list[int] = []  # whole frames that were left behind, take by take
        self._late = 0  # frames that may be left out

    def __len__(self) -> int:
        """Bytes that wait."""
        return len(self._samples)

    def put(self, samples: bytes) -> None:
        """Behind what waits; raises RemoteViolation for too much, or for half a sample."""
        if len(samples) % _SAMPLE_BYTES:
            raise RemoteViolation("a message of sound holds half a sample")
        if len(self._samples) + len(samples) > self._most:
            raise RemoteViolation("more sound than may wait")
        self._samples += samples

    def mark(self, name: str) -> None:
        """A mark behind what waits; raises RemoteViolation for too many."""
        if len(self._marks) == MAX_MARKS:
            raise RemoteViolation(f"more than {MAX_MARKS} marks wait")
        self._marks.append((self._taken + len(self._samples), name))

    def take(self) -> bytes | None:
        """The next frame, None while there is none; the end of it is filled up with silence."""
        there = len(self._samples)
        if there < self.frame_bytes:
            self._held += 1
            self._late = 0
            self._stood.clear()
            if not there or self._held <= _PATIENCE:
                return None
        self._held = 0
        frame = self._next()
        if self._late and len(self._samples) >= self.frame_bytes and _is_quiet(frame):
            self._late -= 1
            frame = self._next()
        self._look_back()
        return frame.ljust(self.frame_bytes, b"\0")

    def _next(self) -> bytes:
        frame = bytes(self._samples[: self.frame_bytes])
        del self._samples[: self.frame_bytes]
        self._taken += len(frame)
        return frame

    def _look_back(self) -> None:
        self._stood.append(len(self._samples) // self.frame_bytes)
        if len(self._stood) == _STANDING_FRAMES:
            self._late = max(0, min(self._stood) - 1) if max(self._stood) <= _SMALL_FRAMES else 0
            self._stood.clear()

    def reached(self) -> list[str]:
        """The marks before which nothing waits any more; each is told once."""
        names = []
        while self._marks and self._marks[0][0] <= self._taken:
            names.append(self._marks.popleft()[1])
        return names

    def clear(self) -> list[str]:
        """Drop what waits; the marks that it takes along."""
        names = [name for _, name in self._marks]
        self._marks.clear()
        self._samples.clear()
        self._held = self._late = 0
        return names


def _is_quiet(frame: bytes) -> bool:
    samples = memoryview(frame).cast("h")
    return max(samples) <= _QUIET and min(samples) >= -_QUIET
