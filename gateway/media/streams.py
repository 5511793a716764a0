"""Speech that is still being made: files that grow, followed by a thread, played as far as they have come.

The writer of a file holds an exclusive ``flock`` on it until its last sample is written (see
:class:`~ccplatform.contracts.media.StreamItem`), so the end is known even of a writer that died.
"""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from collections import deque
from typing import Final

import numpy as np
import soxr

from gateway.media.audio import FRAME, RATE, TICK_SECONDS, Pcm
from gateway.media.bands import Splitter
from gateway.media.errors import BadSound
from gateway.media.own_files import leave_shared_files

_LOOK_SECONDS: Final = 0.01
_READ_BYTES: Final = 64 * 1024
_RATES: Final = range(4000, 192_001)
_SAMPLE_BYTES: Final = 2


class SpeechStream:
    """One file that is followed; :meth:`read` is for the tick, the rest for the follower's thread.

    ``stall_seconds``: how long it may stay dry before it is given up. ``wide``: for a wide leg, in two bands.
    """

    def __init__(self, path: str, rate: int, max_seconds: float, stall_seconds: float, *, wide: bool) -> None:
        self.path = path
        self.closed = False  # nobody plays it any more
        self._rate = rate
        self._left = int(max_seconds * rate) * _SAMPLE_BYTES
        self._patience = round(stall_seconds / TICK_SECONDS)
        self._ready: deque[Pcm] = deque()  # bands × samples; appended by the thread, taken by the tick
        self._ended = False  # set after the last append
        self._error = ""
        self._dry_ticks = 0
        self._rest = b""
        self._fd: int | None = None
        self._bands = 2 if wide and rate > RATE else 1
        # A streaming resampler of good quality holds back more than 100 ms, the filter bank 2.
        self._splitter = Splitter() if self._bands == 2 or rate == 2 * RATE else None
        target = RATE if self._splitter is None else 2 * RATE
        self._resampler = (
            soxr.ResampleStream(rate, target, 1, dtype="float32") if rate != target and rate in _RATES else None
        )

    # --- the tick -----------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Everything was read."""
        return self._ended and not self._ready

    def read(self, out: Pcm, high: Pcm) -> int:
        """Write the next samples; 0 while there are not 20 ms. Raises BadSound when it cannot go on."""
        ended = self._ended
        if not ended and sum(part.shape[1] for part in tuple(self._ready)) < min(FRAME, len(out)):
            self._dry_ticks += 1
            if self._dry_ticks > self._patience:
                raise BadSound(f"{self.path}: nothing came for {self._patience * TICK_SECONDS:g} s")
            return 0
        self._dry_ticks = 0
        count = 0
        while count < len(out) and self._ready:
            part = self._ready[0]
            taken = min(part.shape[1], len(out) - count)
            out[count : count + taken] = part[0, :taken]
            high[count : count + taken] = part[1, :taken] if len(part) > 1 else 0
            if taken < part.shape[1]:
                self._ready[0] = part[:, taken:]
            else:
                self._ready.popleft()
            count += taken
        if self.over and self._error:
            raise BadSound(self._error)
        return count

    # --- the thread ---------------------------------------------------------------------------------------

    def follow(self) -> bool:
        """Take what the file has got since the last time; False when it is over."""
        try:
            finished = self._take()
        except (OSError, BadSound) as error:
            self._error = str(error) if isinstance(error, BadSound) else f"{self.path}: {error.strerror}"
            finished = True
        if finished or self.closed:
            if self._fd is not None:
                os.close(self._fd)
            self._ended = True
            return False
        return True

    def _take(self) -> bool:
        if self._fd is None:
            self._fd = self._open()
        finished = _is_free(self._fd)  # asked first: what was written before is read below
        while data := os.read(self._fd, _READ_BYTES):
            self._left -= len(data)
            if self._left < 0:
                raise BadSound(f"{self.path}: longer than is played")
            data = self._rest + data
            whole = len(data) // _SAMPLE_BYTES * _SAMPLE_BYTES
            self._rest = data[whole:]
            self._add(np.frombuffer(data[:whole], dtype="<i2").astype(np.int16), last=False)
        if finished:
            self._add(np.zeros(0, dtype=np.int16), last=True)
        return finished

    def _open(self) -> int:
        if self._rate not in _RATES:
            raise BadSound(f"{self.path}: a rate of {self._rate} Hz cannot be played")
        fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise BadSound(f"{self.path}: not a file")
        return fd

    def _add(self, samples: Pcm, *, last: bool) -> None:
        if self._resampler is not None:
            floats = self._resampler.resample_chunk(samples.astype(np.float32), last=last)
            samples = np.clip(np.rint(floats), -32767, 32767).astype(np.int16)
        bands = samples[np.newaxis]
        if self._splitter is not None:
            bands = np.stack(self._splitter.split(samples, last=last)[: self._bands])
        if bands.size:
            self._ready.append(bands)


class StreamFollower:
    """The thread that follows all streams of a worker; it sleeps while there is none."""

    def __init__(self, max_seconds: float, stall_seconds: float) -> None:
        self._max_seconds = max_seconds
        self._stall_seconds = stall_seconds
        self._streams: deque[SpeechStream] = deque()
        self._work = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, path: str, rate: int, *, wide: bool = False) -> SpeechStream:
        """Follow a file from its beginning; problems are told by its ``read``."""
        stream = SpeechStream(path, rate, self._max_seconds, self._stall_seconds, wide=wide)
        self._streams.append(stream)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="speech-streams", daemon=True)
            self._thread.start()
        self._work.set()
        return stream

    def close(self) -> None:
        """Let the thread end."""
        self._stopping.set()
        self._work.set()

    def _run(self) -> None:
        leave_shared_files()
        while not self._stopping.is_set():
            self._work.clear()
            for _ in range(len(self._streams)):
                stream = self._streams.popleft()
                if stream.follow():
                    self._streams.append(stream)
            if self._streams:
                self._stopping.wait(_LOOK_SECONDS)
            else:
                self._work.wait()


def _is_free(fd: int) -> bool:
    """Whether nobody writes the file any more."""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(fd, fcntl.LOCK_UN)
    return True
