"""What recordings cost, and how fast they are heard: ``python -m bench.recording``.

CPU that sealing adds to a recorded call, and the time from asking to the first sound at any position of an hour.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from pathlib import Path

from ccplatform.contracts.media import Seal
from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.ids import Ids
from ccplatform.security.key_ring import KEYS_FILE, add_key, open_ring
from gateway.media.sealed_file import SealedFile, append, write_parts
from recording.files import RecordingFiles
from recording.ranges import PIECE_BYTES
from recording.sealed import Sounds

SECOND = 8000 * 4
#: What a recorded call costs the media workers, ms of CPU a second (docs/performance.md: 0.8 to 1.1).
CALL_MS = 0.8


def sealing(folder: Path, recordings: int, seconds: int) -> None:
    """CPU of writing: sealed against the same bytes as they are, parts in batches as a worker has them."""
    parts = [os.urandom(SECOND) for _ in range(20)]
    keys = [os.urandom(32) for _ in range(recordings)]
    files = [
        SealedFile(str(folder / f"{number}"), RecordingId(str(number)), Seal(key=key, wrapped=b""))
        for number, key in enumerate(keys)
    ]
    before = time.process_time()
    for second in range(seconds):
        for start in range(0, recordings, 20):
            append([(file, parts[second % 20]) for file in files[start : start + 20]])
    sealed = (time.process_time() - before) / recordings / seconds
    for file in files:
        file.close()
    plain = [os.open(folder / f"{number}.plain", os.O_WRONLY | os.O_CREAT) for number in range(recordings)]
    before = time.process_time()
    for second in range(seconds):
        for start in range(0, recordings, 20):
            some = plain[start : start + 20]
            write_parts(some, [parts[second % 20]] * len(some), [second * SECOND] * len(some))
    written = (time.process_time() - before) / recordings / seconds
    added = (sealed - written) * 1e3
    print(
        f"{recordings} recordings of {seconds} s, CPU a second: {sealed * 1e6:.1f} µs, plain {written * 1e6:.1f}"
    )
    print(f"  added: {added:.3f} ms, {added / CALL_MS:.1%} of the {CALL_MS} ms that a recorded call takes")


def playing(folder: Path, minutes: int, tries: int) -> None:
    """From asking for a range of an hour to its first piece, file and index cold in this process."""
    ring = open_ring("file", folder)
    sounds = Sounds(files=RecordingFiles(folder / "recordings"), keys=ring)
    recording = RecordingId(Ids(SystemClock()).new())
    key, wrapped = ring.make(recording)
    file = SealedFile(str(sounds.files.path_of(recording)), recording, Seal(key=key, wrapped=wrapped))
    second = os.urandom(SECOND)
    for _ in range(minutes * 60):
        append([(file, second)])
    file.close()
    took = []
    for _ in range(tries):
        began = time.perf_counter()
        sound = sounds.open(recording)
        sound.read(random.randrange(sound.size - PIECE_BYTES), PIECE_BYTES)
        took.append((time.perf_counter() - began) * 1e3)
        sound.close()
    took.sort()
    median, high = took[len(took) // 2], took[int(len(took) * 0.95)]
    print(f"to any place of {minutes} min, {tries} tries: {median:.1f} ms p50, {high:.1f} p95, {took[-1]:.1f} max")


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recordings", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--minutes", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        add_key(folder / KEYS_FILE, SystemClock())
        sealing(folder, arguments.recordings, arguments.seconds)
        playing(folder, arguments.minutes, 200)


if __name__ == "__main__":
    main()
