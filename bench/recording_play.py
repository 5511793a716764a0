"""When an hour is heard from any position: ``python -m bench.recording_play``.

From asking for a range to its first 256 KB, of the recording as it was written and as it rests (FLAC), from the
directory, from a directory elsewhere and from two S3 buckets that are processes of their own on this machine (no
network lies between): moto's emulator, and one with nothing behind it, which shows what is ours of the time. What
the same requests take alone has a row of its own. Everything is cold in this process at each try; the disk's cache
and the connections to the buckets are not.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np

from bench.bare_bucket import BARE, bare_bucket
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
from tests.support.recalling_store import RecallingStore

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


def alone(store: RecallingStore, tries: int) -> Iterator[Figure | None]:
    """The same requests, one after the other, without opening anything."""
    asked, took = store.asked[:], []
    count = len(asked) / tries
    for _, ranges in groupby(enumerate(asked), lambda item: int(item[0] / count)):
        began = time.perf_counter()
        for _, (key, first, length) in ranges:
            store.read(key, first, length)
        took.append(time.perf_counter() - began)
    size = sum(length for _, _, length in asked) / tries
    yield distribution("… its requests alone", took, note=f"{count:.1f} requests, {size / 1024:.0f} KiB a try")


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
            recalling = RecallingStore(store)
            copies = Copies([recalling], ring)
            if store.name != BARE:  # that has what the directory elsewhere has
                with here.reader(recording) as reader:
                    copies.copy(recalling, reader)
            there = Sounds(files=RecordingFiles(folder / "nothing"), keys=ring, elsewhere=copies)
            starts(there, recording, 2)
            recalling.asked.clear()
            yield distribution(f"{name}, {store.name}", starts(there, recording, tries), goal_ms=GOAL_MS)
            yield from alone(recalling, tries)


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--tries", type=int, default=200)
    arguments = parser.parse_args()
    facts = conditions()
    with tempfile.TemporaryDirectory() as name, ObjectStore() as emulator:
        folder, elsewhere = Path(name), Path(name) / "elsewhere"
        elsewhere.mkdir()
        with bare_bucket(elsewhere) as bare:
            stores: list[Store] = [DirectoryStore("a directory elsewhere", elsewhere), bare]
            stores.append(emulator.store("an S3 bucket (emulated)"))
            figures = list(measure(folder, stores, arguments.minutes, arguments.tries))
    show("From asking to the first sound", [figure for figure in figures if figure is not None], facts)


if __name__ == "__main__":
    main()
