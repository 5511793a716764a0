"""Sound looked for where none may be in the clear: a few milliseconds of it, in whatever form they are kept."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from tests.support.g711 import Samples, decode, encode

#: Samples of a trace: 3 ms of noise are nowhere by chance.
_LENGTH: Final = 24
#: What sound files of other codings begin with.
_MARKS: Final = (b"fLaC", b"OggS", b"RIFF")


class Traces:
    """``count`` pieces of what was said, as phones that speak A-law say it."""

    def __init__(self, said: Samples, count: int = 12) -> None:
        step = len(said) // count
        octets = [encode(said[at : at + _LENGTH], "PCMA") for at in range(step // 2, len(said) - _LENGTH, step)]
        self._samples = [decode(octet, "PCMA") for octet in octets]
        self._pcm = [samples.astype("<i2").tobytes() for samples in self._samples]
        self._plain = [*self._pcm, *octets, *(encode(samples, "PCMU") for samples in self._samples)]
        self._plain += [
            base64.b64encode(raw[first:-3]).rstrip(b"=")[:-2] for raw in self._plain for first in range(3)
        ]

    def texts(self) -> list[str]:
        """The same as PostgreSQL writes bytes."""
        return [pcm.hex() for pcm in self._plain]

    def within(self, data: bytes) -> bool:
        """Whether one of them is in there: G.711, samples of one or two channels, base64 of them, a sound file."""
        if any(plain in data for plain in self._plain):
            return True
        for first in range(4):  # one channel of two
            body = data[first:]
            channel = np.frombuffer(body[: len(body) // 2 * 2], "<i2")[::2].tobytes()
            if any(pcm in channel for pcm in self._pcm):
                return True
        return any(self._sounds(data[place:]) for mark in _MARKS for place in _places(data, mark))

    def in_files(self, folder: Path) -> list[str]:
        """The files below a folder that hold one; what goes meanwhile holds none."""
        found = []
        for path in sorted(folder.rglob("*")):
            with suppress(FileNotFoundError):
                if path.is_file() and self.within(path.read_bytes()):
                    found.append(str(path))
        return found

    def _sounds(self, data: bytes) -> bool:
        try:
            samples, _ = soundfile.read(io.BytesIO(data), dtype="int16", always_2d=True)
        except (soundfile.LibsndfileError, ValueError):
            return False
        channels = [samples[:, number].astype("<i2").tobytes() for number in range(samples.shape[1])]
        return any(pcm in channel for channel in channels for pcm in self._pcm)


def _places(data: bytes, mark: bytes) -> Iterator[int]:
    place = data.find(mark)
    while place >= 0:
        yield place
        place = data.find(mark, place + 1)
