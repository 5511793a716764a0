"""Recordings as files of one directory: ``YYYY/MM/DD/<id>.sealed`` with a note beside each.

The day is that of the id, a UUIDv7 (RFC 9562 section 5.7), in UTC: an id alone says where its file is, and no
path is ever stored or taken from anybody. While a talk is written its note is ``<id>.open.json``; a finished
one is ``<id>.json`` and holds how it ended. All calls here may block: run them in a thread.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import structlog

from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.errors import LocalMisuse
from ccplatform.security.sealed_sound import HEADER_BYTES, read_header
from recording.keys import destroy_key
from recording.model import Ending, Note

_log = structlog.get_logger("recording")

_AUDIO, _OPEN, _DONE = ".sealed", ".open.json", ".json"
#: Sound of before it was sealed.
_PLAIN = ".wav"
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


def place_of(recording: RecordingId) -> str:
    """Where a recording is, without what its files end in: ``YYYY/MM/DD/<id>``."""
    return f"{_day(started_at_of(recording))}/{UUID(recording)}"


class RecordingFiles:
    """The directory of all recordings; everything in it belongs to the operator alone (R10.1.f)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path_of(self, recording: RecordingId) -> Path:
        """Where the audio of a recording is or will be."""
        return self._beside(recording, _AUDIO)

    def plain_path_of(self, recording: RecordingId) -> Path:
        """Where its audio is if it was recorded before audio was sealed, as a WAV file."""
        return self._beside(recording, _PLAIN)

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
            descriptor = open_file(path)
        except OSError as error:
            reason = ending.reason or f"file_missing: {error.strerror}"
            ending = replace(ending, seconds=0.0, size_bytes=0, complete=False, reason=reason, root="")
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

    def any(self) -> bool:
        """Whether a sealed recording is there."""
        return next(self.directory.rglob(f"*{_AUDIO}"), None) is not None

    def of_day(self, day: date) -> Iterator[RecordingId]:
        """Those that began on a day (UTC) and whose sealed audio is there."""
        for path in sorted((self.directory / day.strftime("%Y/%m/%d")).glob(f"*{_AUDIO}")):
            yield RecordingId(path.name.removesuffix(_AUDIO))

    def plain(self) -> Iterator[RecordingId]:
        """Those that ended and whose audio is in the clear still, as before it was sealed."""
        for path in sorted(self.directory.glob(f"[0-9]*/[0-9]*/[0-9]*/*{_PLAIN}")):
            note = _read_note(path.with_suffix(_DONE))
            if note is not None and note.ending is not None and path == self.plain_path_of(note.recording):
                yield note.recording

    def recordings(self) -> Iterator[RecordingId]:
        """All whose sealed audio is there, oldest day first."""
        for path in sorted(self.directory.glob(f"[0-9]*/[0-9]*/[0-9]*/*{_AUDIO}")):
            yield RecordingId(path.name.removesuffix(_AUDIO))

    def wrapped_keys(self) -> Iterator[tuple[RecordingId, bytes]]:
        """The wrapped keys of all of them; raises BadSeal, OSError."""
        for recording in self.recordings():
            with self.path_of(recording).open("rb") as file:
                yield recording, read_header(file.read(HEADER_BYTES))[1]

    def size_of(self, recording: RecordingId) -> int:
        """Bytes of its audio here."""
        try:
            return self.path_of(recording).stat().st_size
        except OSError:
            return 0

    def let_go(self, recording: RecordingId) -> int:
        """Delete the audio, which is elsewhere, and keep the note; returns its bytes, 0 if it is gone."""
        path = self.path_of(recording)
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        return size

    def remove(self, recording: RecordingId) -> None:
        """Destroy the key of the audio, then delete it and the notes; harmless if they are gone."""
        with suppress(FileNotFoundError):
            destroy_key(self.path_of(recording))
        for suffix in (_AUDIO, _PLAIN, _OPEN, _DONE):
            self._beside(recording, suffix).unlink(missing_ok=True)

    def _beside(self, recording: RecordingId, suffix: str) -> Path:
        return self.directory / f"{place_of(recording)}{suffix}"

    def _write(self, path: Path, note: Note) -> None:
        draft = path.with_name(path.name + ".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(note))
        draft.replace(path)


def open_file(path: Path) -> int:
    """A descriptor of a file to read, which is no link; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "in its place is no file")
    return descriptor


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
