"""The sound of a recording for an export, and its shape for a page. Both block: use a thread."""

from __future__ import annotations

from typing import Final

import numpy as np

from recording.sealed import Sound
from recording.sharing.watermark import BLOCK, mark
from recording.wave import WAVE_BYTES

#: Points of a waveform, for each side.
POINTS: Final = 1000
_FRAME_BYTES: Final = 4
_PIECE_FRAMES: Final = 8000 * 30


class MarkedSound:
    """Implements :class:`recording.sealed.Sound`: that of another one, with the mark of an export."""

    def __init__(self, sound: Sound, number: int, key: bytes) -> None:
        self._sound = sound
        self._number = number
        self._key = key

    @property
    def size(self) -> int:
        """See :class:`Sound`."""
        return self._sound.size

    def read(self, first: int, length: int) -> bytes:
        """See :class:`Sound`."""
        end = min(first + length, self.size)
        header = self._sound.read(first, min(end, WAVE_BYTES) - first) if first < WAVE_BYTES else b""
        place = max(first, WAVE_BYTES) - WAVE_BYTES
        if place >= end - WAVE_BYTES:
            return header
        block = place // _FRAME_BYTES // BLOCK * BLOCK
        wanted = -(-(end - WAVE_BYTES) // (_FRAME_BYTES * BLOCK)) * BLOCK - block
        data = self._sound.read(WAVE_BYTES + block * _FRAME_BYTES, wanted * _FRAME_BYTES)
        frames = np.frombuffer(data[: len(data) // _FRAME_BYTES * _FRAME_BYTES], "<i2").reshape(-1, 2)
        marked = mark(frames.astype(np.int16), block, self._number, self._key).astype("<i2").tobytes()
        skipped = place - block * _FRAME_BYTES
        return header + marked[skipped : skipped + end - WAVE_BYTES - place]

    def close(self) -> None:
        """See :class:`Sound`."""
        self._sound.close()


def peaks_of(sound: Sound) -> bytes:
    """The loudest sample of each part of the left side, then of the right one: a byte each, 255 is full scale."""
    frames = (sound.size - WAVE_BYTES) // _FRAME_BYTES
    peaks = np.zeros((POINTS, 2))
    for start in range(0, frames, _PIECE_FRAMES):
        data = sound.read(WAVE_BYTES + start * _FRAME_BYTES, _PIECE_FRAMES * _FRAME_BYTES)
        piece = np.abs(np.frombuffer(data, "<i2").reshape(-1, 2).astype(np.int32))
        points = (start + np.arange(len(piece))) * POINTS // frames
        firsts = np.flatnonzero(np.diff(points, prepend=-1))
        if len(firsts):
            loudest = np.maximum.reduceat(piece, firsts)
            np.maximum.at(peaks, points[firsts], loudest)
    return np.ceil(peaks * 255 / 32768).clip(0, 255).astype(np.uint8).T.tobytes()
