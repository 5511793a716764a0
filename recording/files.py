"""Recordings as files of one directory: ``YYYY/MM/DD/<id>.wav`` with a note beside each.

The day is that of the id, a UUIDv7 (RFC 9562 section 5.7), in UTC: an id alone says where its file is, and no
path is ever stored or taken from anybody. While a talk is written its note is ``<id>.open.json``; a finished
one is ``<id>.json`` and holds how it ended. All calls here may block: run them in a thread.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import structlog

from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.errors import LocalMisuse
from recording.errors import RecordingGone
from recording.model import Ending, Note

_log = structlog.get_logger("recording")

_AUDIO, _OPEN, _DONE = ".wav", ".open.json", ".json"
_PRIVATE_FILE, _PRIVATE_DIRECTORY = 0o600, 0o700

#: A note is a few lines; anything larger is none of ours.
MAX_NOTE_BYTES = 16 * 1024


def started_at_of(recording: RecordingId) -> datetime:
    """When a recording began, to the millisecond: the time in its id. Raises LocalMisuse for other ids."""
    try:
        number = UUID(recording)
    except ValueError as error:
        raise LocalMisuse(f"{recording!r} is not a recording id") from error
    if number.version != 7:
        raise LocalMisuse(f"{recording!r} is not a UUIDv7")
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=number.int >> 80)


class RecordingFiles:
    """The directory of all recordings; everything in it belongs to the operator alone (R10.1.f)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path_of(self, recording: RecordingId) -> Path:
        """Where the audio of a recording is or will be."""
        return self._beside(recording, _AUDIO)

    def prepare(self, recording: RecordingId) -> None:
        """Make the day's directory."""
        day = self.path_of(recording).parent
        for directory in (self.directory, day.parent.parent, day.parent, day):
            directory.mkdir(mode=_PRIVATE_DIRECTORY, parents=True, exist_ok=True)

    def begin(self, note: Note) -> None:
        """Note that a recording is being written."""
        self._write(self._beside(note.recording, _OPEN), note)

    def seal(self, note: Note, ending: Ending) -> Ending:
        """Make a written file private and lasting; returns the ending, worse if the file is not there."""
        path = self.path_of(note.recording)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            reason = ending.reason or f"file_missing: {error.strerror}"
            ending = Ending(seconds=0.0, size_bytes=0, complete=False, reason=reason)
        else:
            try:
                os.fchmod(descriptor, _PRIVATE_FILE)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        self._write(self._beside(note.recording, _DONE), replace(note, ending=ending))
        self._beside(note.recording, _OPEN).unlink(missing_ok=True)
        return ending

    def note_of(self, recording: RecordingId) -> Note | None:
        """The note beside a recording, finished or open."""
        for suffix in (_DONE, _OPEN):
            note = _read_note(self._beside(recording, suffix))
            if note is not None and note.recording == recording:
                return note
        return None

    def open_notes(self) -> list[Note]:
        """Recordings whose writing was not finished."""
        found = (_read_note(path) for path in sorted(self.directory.rglob(f"*{_OPEN}")))
        return [note for note in found if note is not None]

    def finished_notes(self, since: datetime) -> Iterator[Note]:
        """Recordings that were finished and whose day is not before that of ``since``."""
        first = _day(since)
        for day in sorted(self.directory.glob("[0-9]*/[0-9]*/[0-9]*")):
            if "/".join(day.parts[-3:]) < first:
                continue
            for path in sorted(day.glob(f"*{_DONE}")):
                note = None if path.name.endswith(_OPEN) else _read_note(path)
                if note is not None and note.ending is not None:
                    yield note

    def size_of(self, recording: RecordingId) -> int:
        """Bytes of the audio file; raises :class:`RecordingGone`."""
        try:
            status = self.path_of(recording).lstat()
        except OSError as error:
            raise RecordingGone(recording, error.strerror or "missing") from error
        if not stat.S_ISREG(status.st_mode):
            raise RecordingGone(recording, "in its place is no file")
        return status.st_size

    def remove(self, recording: RecordingId) -> None:
        """Delete audio and notes; harmless if they are gone."""
        for suffix in (_AUDIO, _OPEN, _DONE):
            self._beside(recording, suffix).unlink(missing_ok=True)

    def _beside(self, recording: RecordingId, suffix: str) -> Path:
        return self.directory / _day(started_at_of(recording)) / f"{UUID(recording)}{suffix}"

    def _write(self, path: Path, note: Note) -> None:
        draft = path.with_name(path.name + ".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(note))
        draft.replace(path)


def _day(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y/%m/%d")


def _read_note(path: Path) -> Note | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_NOTE_BYTES)
        return msgspec.json.decode(data, type=Note)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        _log.warning("a note beside a recording cannot be read", path=str(path), error=str(error))
        return None
