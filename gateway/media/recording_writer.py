"""The thread that seals and writes recordings, so that neither cipher nor disk ever holds up the tick."""

from __future__ import annotations

import errno
import os
import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from ccplatform.contracts.media import StartRecording
from ccplatform.contracts.words import RecordingId
from ccplatform.security.errors import BadSeal
from ccplatform.security.sealed_sound import MAX_SAMPLES, SAMPLE_BYTES
from gateway.media.own_files import leave_shared_files
from gateway.media.sealed_file import PartsWriter, SealedFile, append, write_parts


@dataclass(frozen=True, slots=True)
class Written:
    """A recording is closed, as far as it got."""

    recording: RecordingId
    seconds: float
    size_bytes: int
    error: str
    missing_seconds: float = 0.0
    root: str = ""


@dataclass(frozen=True, slots=True)
class _Open:
    order: StartRecording
    rate: int


@dataclass(frozen=True, slots=True)
class _Append:
    parts: Sequence[tuple[RecordingId, bytes]]


@dataclass(frozen=True, slots=True)
class _Close:
    recording: RecordingId
    error: str
    pauses: tuple[tuple[float, float], ...]


_Job: TypeAlias = _Open | _Append | _Close


class RecordingWriter:
    """Takes jobs from the tick; results are fetched with :meth:`written`.

    The thread gets them when the tick is over (:meth:`hand_over`): before, it would only take turns with it.
    """

    def __init__(self, write: PartsWriter = write_parts) -> None:
        self._write = write
        self._jobs: queue.SimpleQueue[Sequence[_Job] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Written] = queue.SimpleQueue()
        self._waiting: list[_Job] = []
        self._files: dict[RecordingId, SealedFile] = {}
        self._bytes_in = 0
        self._bytes_out = 0
        self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
        self._thread.start()

    @property
    def backlog_bytes(self) -> int:
        """Audio that waits for the disk."""
        return self._bytes_in - self._bytes_out

    def open(self, order: StartRecording, rate: int) -> None:
        """Begin a file, or go on with it where ``at_seconds`` of the order should be."""
        self._waiting.append(_Open(order, rate))

    def append(self, parts: Sequence[tuple[RecordingId, bytes]]) -> None:
        """Add audio to files, none of them twice."""
        self._bytes_in += sum(len(data) for _, data in parts)
        self._waiting.append(_Append(parts))

    def close(self, recording: RecordingId, error: str = "", pauses: tuple[tuple[float, float], ...] = ()) -> None:
        """End it; ``error`` says why it was cut short, ``pauses`` where it is silent on purpose."""
        self._waiting.append(_Close(recording, error, pauses))

    def hand_over(self) -> None:
        """Let the thread begin with what was asked for."""
        if self._waiting:
            self._jobs.put(self._waiting)
            self._waiting = []

    def written(self) -> list[Written]:
        """Recordings that were closed or failed since the last call."""
        results = []
        while not self._results.empty():
            results.append(self._results.get())
        return results

    def stop(self, timeout: float) -> None:
        """Write what is queued and end the thread."""
        self.hand_over()
        self._jobs.put(None)
        self._thread.join(timeout)

    def _run(self) -> None:
        leave_shared_files()
        with suppress(OSError):  # only a wish: whatever the tick's claim on the processor, this thread's is less
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        while (jobs := self._jobs.get()) is not None:
            for job in jobs:
                self._do(job)

    def _do(self, job: _Job) -> None:
        match job:
            case _Open():
                self._open(job)
            case _Append():
                self._append(job)
            case _Close():
                if job.recording in self._files:
                    self._finish(job.recording, job.error, job.pauses)
            case _:
                assert_never(job)

    def _open(self, job: _Open) -> None:
        order = job.order
        try:
            self._files[order.recording] = SealedFile(
                order.path, order.recording, order.seal, order.at_seconds, job.rate
            )
        except (OSError, BadSeal) as error:
            reason = error.strerror if isinstance(error, OSError) else None
            self._finish(order.recording, f"cannot write: {reason or error}")

    def _append(self, job: _Append) -> None:
        known = [(recording, data) for recording, data in job.parts if recording in self._files]
        for recording, data in known:
            if self._files[recording].samples + len(data) // SAMPLE_BYTES > MAX_SAMPLES:
                self._finish(recording, f"cannot write: {os.strerror(errno.EFBIG)}")
        known = [(recording, data) for recording, data in known if recording in self._files]
        failed = append([(self._files[recording], data) for recording, data in known], self._write)
        self._bytes_out += sum(len(data) for _, data in job.parts)
        for (recording, _), error in zip(known, failed, strict=True):
            if error:
                self._finish(recording, f"cannot write: {os.strerror(error)}")

    def _finish(self, recording: RecordingId, error: str, pauses: tuple[tuple[float, float], ...] = ()) -> None:
        file = self._files.pop(recording, None)
        if file is None:
            self._results.put(Written(recording, 0.0, 0, error))
            return
        if file.missing_seconds and not error:
            error = f"{file.missing_seconds:.1f} s are silent: the media worker was gone"
        try:
            file.close(pauses, error)
        except OSError as failure:
            error = error or f"cannot close: {failure.strerror}"
        self._results.put(Written(recording, file.seconds, file.size, error, file.missing_seconds, file.root))
