"""Recordings that are running: what two legs say, sample by sample, in blocks of a second to the writer."""

from __future__ import annotations

from dataclasses import dataclass

from ccplatform.contracts.media import RecordingClosed, StartRecording
from ccplatform.contracts.words import CallId, RecordingId
from gateway.media.audio import TICK_SECONDS, Pcm
from gateway.media.hot_path import HotPath
from gateway.media.recording_blocks import Blocks, HighBands, WideBlocks
from gateway.media.recording_writer import RecordingWriter


@dataclass(frozen=True, slots=True)
class _Running:
    blocks: Blocks
    slot: int
    left: int
    right: int


class Recorder:
    """Running recordings. ``queue_bytes`` bounds what may wait for a slow disk before recordings are cut."""

    def __init__(self, hot_path: HotPath, limit: int, queue_bytes: int) -> None:
        self._hot_path = hot_path
        self._queue_bytes = queue_bytes
        self._writer = RecordingWriter(hot_path.write)
        self._narrow, self._wide = Blocks(limit), WideBlocks(limit)
        self._running: dict[RecordingId, _Running] = {}
        self._by_slot: dict[tuple[int, int], RecordingId] = {}  # by rate and slot
        self._call_of: dict[RecordingId, CallId] = {}
        self._asked: set[RecordingId] = set()  # that somebody wants paused
        self._secret: set[int] = set()  # rows whose keys nobody may hear
        self._paused: dict[RecordingId, int] = {}  # since which frame
        self._pauses: dict[RecordingId, list[tuple[float, float]]] = {}
        self._frames = 0

    def __len__(self) -> int:
        return len(self._running)

    def start(self, order: StartRecording, left: int, right: int) -> None:
        """Begin to record two rows; nothing happens when the recording is running already."""
        if order.recording in self._call_of:
            return
        blocks = self._wide if order.rate == self._wide.rate else self._narrow
        slot = blocks.begin(left, right)
        self._running[order.recording] = _Running(blocks, slot, left, right)
        self._by_slot[blocks.rate, slot] = order.recording
        self._call_of[order.recording] = order.call
        self._writer.open(order, blocks.rate)
        self._settle(order.recording)

    def pause(self, recording: RecordingId, paused: bool) -> None:
        """Record silence from now on, or sound again; nothing happens when that is so already.

        While one of its legs is secret (:meth:`secure`), it stays silent whoever wants to go on.
        """
        if recording in self._running:
            (self._asked.add if paused else self._asked.discard)(recording)
            self._settle(recording)

    def secure(self, row: int, secret: bool) -> None:
        """Pause every recording that a leg is on, or no longer: what is keyed and said now is for nobody."""
        (self._secret.add if secret else self._secret.discard)(row)
        for recording in self._running:
            self._settle(recording)

    def _settle(self, recording: RecordingId) -> None:
        running = self._running[recording]
        paused = recording in self._asked or not self._secret.isdisjoint(running.blocks.rows(running.slot))
        if paused != (recording in self._paused):
            self._turn(recording, running, paused)

    def _turn(self, recording: RecordingId, running: _Running, paused: bool) -> None:
        frame = int(running.blocks.taken[running.slot])
        if paused:
            self._paused[recording] = frame
            return
        began = self._paused.pop(recording)
        self._pauses.setdefault(recording, []).append((began * TICK_SECONDS, frame * TICK_SECONDS))

    def mix(self, recording: RecordingId, left: tuple[int, ...], right: tuple[int, ...]) -> None:
        """Record these rows on the two channels from now on; nothing happens when the recording is over."""
        running = self._running.get(recording)
        if running is not None:
            running.blocks.mix(running.slot, left, right)
            self._settle(recording)

    def stop(self, recording: RecordingId, error: str = "") -> None:
        """End a recording; :meth:`closed` tells when the file is complete."""
        running = self._running.get(recording)
        if running is None:
            return
        if recording in self._paused:
            self._turn(recording, running, False)
        self._asked.discard(recording)
        del self._running[recording]
        self._flush(running.blocks, [running.slot])
        self._writer.close(recording, error, tuple(self._pauses.get(recording, ())))
        del self._by_slot[running.blocks.rate, running.slot]
        running.blocks.end(running.slot)

    def leg_closed(self, row: int) -> None:
        """A leg is gone, and with it every recording that began with it; others it leaves."""
        gone = [name for name, running in self._running.items() if row in (running.left, running.right)]
        for recording in gone:
            self.stop(recording)
        for blocks in (self._narrow, self._wide):
            blocks.leave(row)
        self.secure(row, False)

    def of_call(self, call: CallId) -> list[RecordingId]:
        """The running recordings of a call."""
        return [recording for recording in self._running if self._call_of[recording] == call]

    def take(self, voices: Pcm, high: HighBands) -> None:
        """Take one frame of every leg (rows × 160); ``high`` gives what wide ones say above 4 kHz."""
        if not self._running:
            return
        self._frames += 1
        for blocks in (self._narrow, self._wide):
            paused = [known.slot for name in self._paused if (known := self._running[name]).blocks is blocks]
            blocks.take(self._hot_path, voices, high, paused)
            self._flush(blocks, blocks.due(self._frames))
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
                    missing_seconds=written.missing_seconds,
                    root=written.root,
                )
            )
        return events

    def close(self, timeout: float) -> list[RecordingClosed]:
        """End all recordings and wait until they are on the disk."""
        for recording in tuple(self._running):
            self.stop(recording)
        self._writer.stop(timeout)
        return self.closed()

    def _flush(self, blocks: Blocks, slots: list[int]) -> None:
        parts = [(self._by_slot[blocks.rate, slot], data) for slot, data in blocks.empty(slots)]
        if parts:
            self._writer.append(parts)
