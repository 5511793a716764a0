"""Recordings that are running: what two legs say, sample by sample, in blocks of half a second to the writer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ccplatform.contracts.media import RecordingClosed, StartRecording
from ccplatform.contracts.words import CallId, RecordingId
from gateway.media.audio import FRAME, TICK_SECONDS, Array, Pcm, Rows
from gateway.media.hot_path import HotPath
from gateway.media.recording_writer import RecordingWriter
from gateway.media.rows import RowArrays, RowTable

_BLOCK_FRAMES: Final = 25


@dataclass(frozen=True, slots=True)
class _Running:
    slot: int
    left: int
    right: int


class _Blocks(RowArrays):
    """Half-filled blocks, one row per running recording."""

    def __init__(self) -> None:
        super().__init__()
        self.left: Array
        self.right: Array
        self.filled: Array
        self.taken: Array
        self.samples: Array
        self.row_array("left", np.intp)
        self.row_array("right", np.intp)
        self.row_array("filled", np.intp)
        self.row_array("taken", np.int64)  # frames since the recording began
        self.row_array("samples", np.int16, 0, (_BLOCK_FRAMES, FRAME, 2))


class Recorder:
    """Running recordings. ``queue_bytes`` bounds what may wait for a slow disk before recordings are cut."""

    def __init__(self, hot_path: HotPath, limit: int, queue_bytes: int) -> None:
        self._hot_path = hot_path
        self._queue_bytes = queue_bytes
        self._writer = RecordingWriter()
        self._table = RowTable(limit)
        self._blocks = _Blocks()
        self._table.attach(self._blocks)
        self._running: dict[RecordingId, _Running] = {}
        self._by_slot: dict[int, RecordingId] = {}
        self._call_of: dict[RecordingId, CallId] = {}
        self._paused: dict[RecordingId, int] = {}  # since which frame
        self._pauses: dict[RecordingId, list[tuple[float, float]]] = {}
        self._slots: Rows = np.zeros(0, dtype=np.intp)
        self._frames = 0

    def __len__(self) -> int:
        return len(self._running)

    def start(self, order: StartRecording, left: int, right: int) -> None:
        """Begin to record two rows; nothing happens when the recording is running already."""
        if order.recording in self._call_of:
            return
        slot = self._table.take()
        self._blocks.left[slot], self._blocks.right[slot] = left, right
        self._running[order.recording] = _Running(slot, left, right)
        self._by_slot[slot] = order.recording
        self._call_of[order.recording] = order.call
        self._writer.open(order.recording, order.path, order.at_seconds)
        self._changed()

    def pause(self, recording: RecordingId, paused: bool) -> None:
        """Record silence from now on, or sound again; nothing happens when that is so already."""
        running = self._running.get(recording)
        if running is None or paused == (recording in self._paused):
            return
        frame = int(self._blocks.taken[running.slot])
        if paused:
            self._paused[recording] = frame
            return
        began = self._paused.pop(recording)
        self._pauses.setdefault(recording, []).append((began * TICK_SECONDS, frame * TICK_SECONDS))

    def stop(self, recording: RecordingId, error: str = "") -> None:
        """End a recording; :meth:`closed` tells when the file is complete."""
        self.pause(recording, False)
        running = self._running.pop(recording, None)
        if running is None:
            return
        self._flush([running.slot])
        self._writer.close(recording, error)
        del self._by_slot[running.slot]
        self._table.give_back(running.slot)
        self._changed()

    def leg_closed(self, row: int) -> None:
        """A leg is gone, and with it every recording of it."""
        gone = [name for name, running in self._running.items() if row in (running.left, running.right)]
        for recording in gone:
            self.stop(recording)

    def of_call(self, call: CallId) -> list[RecordingId]:
        """The running recordings of a call."""
        return [recording for recording in self._running if self._call_of[recording] == call]

    def take(self, voices: Pcm) -> None:
        """Take one frame of every leg (rows × 160)."""
        slots, blocks = self._slots, self._blocks
        if not len(slots):
            return
        self._hot_path.interleave(voices, blocks.left, blocks.right, slots, blocks.filled, blocks.samples)
        for recording in self._paused:
            slot = self._running[recording].slot
            blocks.samples[slot, blocks.filled[slot]] = 0
        blocks.filled[slots] += 1
        blocks.taken[slots] += 1
        self._frames += 1  # each slot has a turn of its own, so that not all are written in one tick
        self._flush(slots[(slots + self._frames) % _BLOCK_FRAMES == 0].tolist())
        if self._writer.backlog_bytes > self._queue_bytes:
            for recording in tuple(self._running):
                self.stop(recording, "the disk is too slow")

    def closed(self) -> list[RecordingClosed]:
        """Files that were completed or failed since the last call, which ends each tick."""
        self._writer.hand_over()
        events = []
        for written in self._writer.written():
            self.stop(written.recording)
            events.append(
                RecordingClosed(
                    call=self._call_of.pop(written.recording),
                    recording=written.recording,
                    seconds=written.seconds,
                    size_bytes=written.size_bytes,
                    error=written.error,
                    pauses=tuple(self._pauses.pop(written.recording, ())),
                )
            )
        return events

    def close(self, timeout: float) -> list[RecordingClosed]:
        """End all recordings and wait until they are on the disk."""
        for recording in tuple(self._running):
            self.stop(recording)
        self._writer.stop(timeout)
        return self.closed()

    def _flush(self, slots: list[int]) -> None:
        filled, samples = self._blocks.filled, self._blocks.samples
        parts = [
            (self._by_slot[slot], samples[slot, : filled[slot]].astype("<i2", copy=False).tobytes())
            for slot in slots
            if filled[slot]
        ]
        if parts:
            self._writer.append(parts)
            filled[slots] = 0

    def _changed(self) -> None:
        self._slots = np.fromiter(self._by_slot, dtype=np.intp)
