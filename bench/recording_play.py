"""When an hour is heard from any position: ``python -m bench.recording_play``.

From asking for a range to its first 256 KB, of the recording as it was written and as it rests (FLAC), from the
directory, from a directory elsewhere and from an S3 bucket (moto's emulator, a process of its own on this machine:
no network lies between). Everything is cold in this process at each try; the disk's cache is not.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.figures import Figure, conditions, distribution, show
from ccplatform.contracts.media import Seal
from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.ids import Ids
from ccplatform.security.key_ring import KEYS_FILE, KeyRing, add_key, open_ring
from ccplatform.security.sealed_sound import Coding
from gateway.media.sealed_file import SealedFile, append
from recording.conversion import make_smaller, take_place
from recording.files import RecordingFiles
from recording.ranges import PIECE_BYTES
from recording.sealed import Sounds
from recording.stores.copies import Copies
from recording.stores.directory import DirectoryStore
from recording.stores.model import Store
from tests.support.object_store import ObjectStore

RATE = 8000
GOAL_MS = 300.0


def seconds_of_talk(count: int, chance: np.random.Generator) -> Iterator[bytes]:
    """Two sides that take turns: noise with the level of speech, then near silence."""
    for second in range(count):
        frames = chance.normal(0.0, 8.0, (RATE, 2))
        frames[:, second // 5 % 2] += chance.normal(0.0, 1500.0, RATE)
        yield frames.astype("<i2").tobytes()


def record(folder: Path, ring: KeyRing, minutes: int, coding: Coding) -> RecordingId:
    """Write a recording as a worker does, and let it rest."""
    sounds = Sounds(files=RecordingFiles(folder), keys=ring)
    recording = RecordingId(Ids(SystemClock()).new())
    key, wrapped = ring.make(recording)
    file = SealedFile(str(sounds.files.path_of(recording)), recording, Seal(key=key, wrapped=wrapped))
    for second in seconds_of_talk(minutes * 60, np.random.default_rng(8)):
        append([(file, second)])
    file.close()
    if coding is not Coding.PCM:
        with sounds.reader(recording) as reader:
            root = (reader.root or b"").hex()
        take_place(sounds, make_smaller(sounds, recording, coding, root))
    return recording


def starts(sounds: Sounds, recording: RecordingId, tries: int) -> list[float]:
    """Seconds from asking to the first piece, at positions of equal chance."""
    took = []
    for _ in range(tries):
        began = time.perf_counter()
        sound = sounds.open(recording)
        sound.read(random.randrange(sound.size - PIECE_BYTES), PIECE_BYTES)
        took.append(time.perf_counter() - began)
        sound.close()
    return took


def measure(folder: Path, stores: list[Store], minutes: int, tries: int) -> Iterator[Figure | None]:
    """A figure for each form and place."""
    add_key(folder / KEYS_FILE, SystemClock())
    ring = open_ring("file", folder)
    for coding in (Coding.PCM, Coding.FLAC):
        recording = record(folder / "recordings", ring, minutes, coding)
        here = Sounds(files=RecordingFiles(folder / "recordings"), keys=ring)
        name = f"{coding.name}, {minutes} min"
        yield distribution(f"{name}, the directory", starts(here, recording, tries), goal_ms=GOAL_MS)
        for store in stores:
            copies = Copies([store], ring)
            with here.reader(recording) as reader:
                copies.copy(store, reader)
            there = Sounds(files=RecordingFiles(folder / "nothing"), keys=ring, elsewhere=copies)
            yield distribution(f"{name}, {store.name}", starts(there, recording, tries), goal_ms=GOAL_MS)


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--tries", type=int, default=200)
    arguments = parser.parse_args()
    facts = conditions()
    with tempfile.TemporaryDirectory() as name, ObjectStore() as emulator:
        folder = Path(name)
        (folder / "elsewhere").mkdir()
        stores: list[Store] = [DirectoryStore("a directory elsewhere", folder / "elsewhere")]
        stores.append(emulator.store("an S3 bucket (emulated)"))
        figures = list(measure(folder, stores, arguments.minutes, arguments.tries))
    show("From asking to the first sound", [figure for figure in figures if figure is not None], facts)


if __name__ == "__main__":
    main()
