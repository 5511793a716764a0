"""Recordings on a disk that is full, read-only or slow: what was written stays, and the end says why."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ccplatform.contracts.media import StartRecording
from ccplatform.contracts.words import CallId, LegId, RecordingId
from gateway.media.recording_writer import RecordingWriter, Written
from gateway.media.sealed_file import write_parts
from recording.proof import check_file
from recording.sealed import LocalFile, SealedFileReader
from tests.support.milestone import PATIENCE
from tests.support.sealed import RING, seal_of, unsealed

SECOND = 32_000
ID = RecordingId("019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b3a")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def order(path: Path) -> StartRecording:
    return StartRecording(
        call=CallId("call-1"),
        recording=ID,
        left=LegId("caller"),
        right=LegId("agent"),
        path=str(path),
        seal=seal_of(ID),
    )


def second(number: int) -> bytes:
    return number.to_bytes(2, "little") * (SECOND // 2)


def end_of(writer: RecordingWriter) -> Written:
    give_up = time.monotonic() + PATIENCE
    while not (written := writer.written()):
        assert time.monotonic() < give_up
        time.sleep(0.005)
    [one] = written
    return one


def test_a_disk_that_fills_up_ends_the_recording_at_its_last_whole_second(small_disk: Path) -> None:
    writer, path = RecordingWriter(), small_disk / "r.sealed"
    writer.open(order(path), 8000)
    for number in range(1, 60):
        writer.append([(ID, second(number))])
        writer.hand_over()
    ended = end_of(writer)
    writer.stop(PATIENCE)
    assert ended.error == f"cannot write: {os.strerror(28)}"
    assert 20 <= ended.seconds <= 32
    samples, _ = unsealed(path)
    assert samples[::8000, 0].tolist() == list(range(1, round(ended.seconds) + 1))
    with SealedFileReader(LocalFile(path), RING) as reader:
        assert check_file(reader, ended.root) == ""  # it is closed, with its root, in what the torn second left


def test_a_read_only_disk_is_an_error_and_the_next_recording_on_a_good_one_is_whole(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    writer = RecordingWriter()
    writer.open(order(small_disk / "r.sealed"), 8000)
    writer.append([(ID, second(1))])
    writer.hand_over()
    ended = end_of(writer)
    assert (ended.error, ended.seconds) == (f"cannot write: {os.strerror(30)}", 0.0)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    writer.open(order(small_disk / "s.sealed"), 8000)
    writer.append([(ID, second(1))])
    writer.close(ID)
    writer.hand_over()
    ended = end_of(writer)
    writer.stop(PATIENCE)
    assert (ended.error, ended.seconds) == ("", 1.0)


def test_a_slow_disk_holds_up_nobody_and_loses_nothing(tmp_path: Path) -> None:
    go_on = threading.Event()

    def slow(fds: Sequence[int], parts: Sequence[bytes], places: Sequence[int]) -> list[int]:
        assert go_on.wait(PATIENCE)
        return write_parts(fds, parts, places)

    writer, path = RecordingWriter(slow), tmp_path / "r.sealed"
    writer.open(order(path), 8000)
    for number in range(1, 31):  # none of these calls waits: the disk has not written one second yet
        writer.append([(ID, second(number))])
        writer.hand_over()
    writer.close(ID)
    writer.hand_over()
    assert writer.backlog_bytes == 30 * SECOND
    assert writer.written() == []
    go_on.set()
    ended = end_of(writer)
    writer.stop(PATIENCE)
    assert (ended.error, ended.seconds, writer.backlog_bytes) == ("", 30.0, 0)
    assert unsealed(path)[0][::8000, 0].tolist() == list(range(1, 31))
