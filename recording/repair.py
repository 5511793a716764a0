"""After a restart: find what was left unfinished and finish it honestly, so that no recording is lost silently.

Three things can be left behind: files still being written when their worker died (an open note), rows of the
catalogue whose end never reached the journal, and finished files without any row (control died while the
database was away). Each ends as facts, which the journal's projection turns into rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.errors import Unavailable
from ccplatform.security.errors import BadSeal, VaultClosed
from recording.errors import BadWave
from recording.files import started_at_of
from recording.model import Ending, Note
from recording.sealed import Sounds
from recording.wave import mend_wave

_log = structlog.get_logger("recording")

#: Finished files of so many days are compared with the catalogue; no database is away for longer unnoticed.
LOOK_BACK = timedelta(days=7)

#: Ids asked for at once.
BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """A recording that was finished, or whose facts had been lost; ``row_exists`` in the catalogue."""

    note: Note
    ending: Ending
    row_exists: bool


class Rows(Protocol):
    """The catalogue, as repair sees it. Raises Unavailable."""

    async def open_rows(self) -> list[Note]:
        """Rows whose recording has not ended."""

    async def known(self, recordings: Collection[RecordingId]) -> set[RecordingId]:
        """Those of the ids that have a row."""


class Repair:
    """One look at what runs before ``before`` left behind.

    ``left``: something could not be finished now, for want of its key or of the database.
    """

    def __init__(self, *, sounds: Sounds, rows: Rows, before: datetime) -> None:
        self._sounds = sounds
        self._files = sounds.files
        self._rows = rows
        self._before = before
        self.left = False

    async def run(self, busy: Collection[RecordingId]) -> list[Repaired]:
        """Finish everything but ``busy``; without the database only what the files tell."""
        cut = await asyncio.to_thread(self._finish_open_files, busy)
        try:
            known = await self._rows.known([note.recording for note, _ in cut])
            found = [_repaired(note, ending, note.recording in known) for note, ending in cut]
            done = {note.recording for note, _ in cut} | set(busy)
            found += await self._finish_open_rows(done)
            found += await self._find_rowless(done)
        except Unavailable as error:
            _log.warning("recordings were compared with the files only", reason=str(error))
            self.left = True
            found = [_repaired(note, ending, True) for note, ending in cut]
        return found

    def _finish_open_files(self, busy: Collection[RecordingId]) -> list[tuple[Note, Ending]]:
        notes = [note for note in self._files.open_notes() if note.recording not in busy]
        endings = [(note, self._finish(note)) for note in notes]
        return [(note, ending) for note, ending in endings if ending is not None]

    async def _finish_open_rows(self, done: Collection[RecordingId]) -> list[Repaired]:
        rows = [note for note in await self._rows.open_rows() if note.recording not in done]
        return await asyncio.to_thread(self._finish_rows, rows)

    def _finish_rows(self, rows: Iterable[Note]) -> list[Repaired]:
        found = []
        for row in rows:
            if not self._is_older(row.recording):
                continue
            note = self._files.note_of(row.recording)
            ending = note.ending if note is not None else None
            ending = ending or self._finish(row)
            if ending is not None:
                found.append(_repaired(row, ending, True))
        return found

    def _finish(self, note: Note) -> Ending | None:
        ending = finish_cut(self._sounds, note, "restart")
        self.left = self.left or ending is None
        return ending

    async def _find_rowless(self, done: Collection[RecordingId]) -> list[Repaired]:
        notes = await asyncio.to_thread(lambda: list(self._files.finished_notes(self._before - LOOK_BACK)))
        notes = [note for note in notes if note.recording not in done and self._is_older(note.recording)]
        found = []
        for start in range(0, len(notes), BATCH):
            batch = notes[start : start + BATCH]
            known = await self._rows.known([note.recording for note in batch])
            found += [
                _repaired(note, note.ending, False)
                for note in batch
                if note.ending is not None and note.recording not in known
            ]
        return found

    def _is_older(self, recording: RecordingId) -> bool:
        return started_at_of(recording) < self._before


def finish_cut(sounds: Sounds, note: Note, reason: str) -> Ending | None:
    """Close and keep a file that its writer did not; its ending is never complete. Blocks.

    None: its key cannot be had now. It stays as it is until it can, rather than to end with nothing in it.
    """
    try:
        ending = _ending_of(sounds, note.recording, reason)
    except VaultClosed as error:
        _log.error("a recording stays open until its key can be had", recording=note.recording, reason=str(error))
        return None
    try:
        return sounds.files.seal(note, ending)
    except OSError as error:
        _log.error("a mended recording could not be kept", recording=note.recording, error=str(error))
        return ending


def _ending_of(sounds: Sounds, recording: RecordingId, reason: str) -> Ending:
    plain = sounds.files.plain_path_of(recording)
    try:
        if plain.exists():
            wave = mend_wave(plain)
            return Ending(seconds=wave.seconds, size_bytes=plain.stat().st_size, complete=False, reason=reason)
        torn = sounds.close_torn(recording, reason)
    except (BadWave, BadSeal) as error:
        return Ending(seconds=0.0, size_bytes=0, complete=False, reason=f"{reason}: {error}")
    except OSError as error:
        return Ending(seconds=0.0, size_bytes=0, complete=False, reason=f"{reason}: {error.strerror}")
    return Ending(
        seconds=torn.seconds,
        size_bytes=torn.size_bytes,
        complete=False,
        reason=reason,
        root=torn.root,
        pauses=torn.pauses,
        missing_seconds=torn.missing_seconds,
    )


def _repaired(note: Note, ending: Ending, row_exists: bool) -> Repaired:
    return Repaired(note=note, ending=ending, row_exists=row_exists)
