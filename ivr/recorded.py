"""Recorded prompts as files for the media engine: fetched from the database when flows are loaded, by content."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import structlog

from ccplatform.storage.errors import DatabaseUnavailable
from ivr.errors import SoundUnavailable
from ivr.recordings import Recordings
from ivr.speech.audio import write_whole

_FOLDER = "recorded"

_log = structlog.get_logger("ivr")


class RecordedPrompts:
    """The files of recordings below ``directory``. Looking one up touches no disk."""

    def __init__(self, *, directory: Path, recordings: Recordings) -> None:
        self._folder = directory.resolve() / _FOLDER
        self._recordings = recordings
        self._kept: set[str] = set()

    def find(self, sha256: str) -> Path | None:
        """The file of a recording that is there."""
        return self._path(sha256) if sha256 in self._kept else None

    async def fetch(self, sha256: str) -> Path:
        """The file of a recording, fetched if need be; raises SoundUnavailable."""
        path = self._path(sha256)
        if not await asyncio.to_thread(path.is_file):
            try:
                wav = await self._recordings.sound(sha256)
            except DatabaseUnavailable as error:
                raise SoundUnavailable("a recording cannot be fetched: the database is away") from error
            if wav is None:
                raise SoundUnavailable("a recording of the flow is no longer there")
            await asyncio.to_thread(write_whole, path, wav)
        self._kept.add(sha256)
        return path

    async def load(self, wanted: Iterable[str]) -> None:
        """Have these ready. One that is gone, or cannot be fetched now, is its caller's failure path."""
        for sha256 in wanted:
            if sha256 not in self._kept:
                try:
                    await self.fetch(sha256)
                except SoundUnavailable as error:
                    _log.warning("no recording", content=sha256, error=str(error))

    def recheck(self) -> None:
        """Somebody may have deleted files: those that are gone are fetched again next time."""
        self._kept = {sha256 for sha256 in self._kept if self._path(sha256).exists()}

    def _path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.wav"
