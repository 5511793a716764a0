"""What was spoken once is kept: files named by a hash of voice and text, within a bound on disk.

Looking a text up touches no disk, so that an answer from the cache is immediate. Texts of published flows are
pinned; of the rest, those unused for longest go first. Texts that tell something of a caller are never kept:
they are spoken into files of their own that the session deletes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

from ivr.numbers import Language
from ivr.speech.port import Speech

_PASSING = "passing"


class PromptCache:
    """Spoken texts in ``directory``; call :meth:`open` first. ``limit_bytes`` bounds what is kept."""

    def __init__(self, *, directory: Path, speech: Speech, limit_bytes: int) -> None:
        self.directory = directory.resolve()
        self._speech = speech
        self._limit = limit_bytes
        self._sizes: OrderedDict[str, int] = OrderedDict()  # name → bytes, least recently used first
        self._bytes = 0
        self._pinned: set[str] = set()
        self._under_way: dict[str, asyncio.Future[None]] = {}
        self._serial = 0

    def open(self) -> None:
        """Take stock of the directory; leftovers of an earlier run that belong to callers are deleted."""
        passing = self.directory / _PASSING
        passing.mkdir(parents=True, exist_ok=True)
        for path in [*passing.iterdir(), *self.directory.glob(".*.part")]:
            path.unlink(missing_ok=True)
        files = [(path, path.stat()) for path in self.directory.glob("tts-*.wav")]
        for path, stat in sorted(files, key=lambda item: item[1].st_mtime):
            self._sizes[path.name] = stat.st_size
        self._bytes = sum(self._sizes.values())
        self._shrink()

    def pin(self, texts: Iterable[tuple[str, Language]]) -> None:
        """Keep these whatever happens; replaces what was pinned before."""
        self._pinned = {self._name(text, language) for text, language in texts}

    def find(self, text: str, language: Language) -> Path | None:
        """The file of a text spoken before, at once."""
        name = self._name(text, language)
        if name not in self._sizes:
            return None
        self._sizes.move_to_end(name)
        return self.directory / name

    async def render(self, text: str, language: Language) -> Path:
        """The file of a text, spoken now if need be; raises SpeechUnavailable. Equal texts are spoken once."""
        while (name := self._name(text, language)) not in self._sizes:
            running = self._under_way.get(name)
            if running is None:
                await self._speak(name, text, language)
            else:
                await asyncio.wait([running])
        self._sizes.move_to_end(name)
        return self.directory / name

    def passing_file(self) -> Path:
        """A place for a text that must not be kept; who asked deletes it."""
        self._serial += 1
        return self.directory / _PASSING / f"{self._serial}.raw"

    def recheck(self) -> None:
        """Somebody may have deleted files: those that are gone are spoken again next time."""
        for name in [name for name in self._sizes if not (self.directory / name).exists()]:
            self._bytes -= self._sizes.pop(name)

    async def _speak(self, name: str, text: str, language: Language) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way[name] = done
        try:
            path = self.directory / name
            await self._speech.synthesize(text, language, path)
            if (spoken := self._name(text, language)) != name:  # another voice stood in meanwhile
                path = path.replace(self.directory / spoken)
            self._bytes += path.stat().st_size - self._sizes.get(spoken, 0)
            self._sizes[spoken] = path.stat().st_size
            self._shrink()
        finally:
            del self._under_way[name]
            done.set_result(None)

    def _shrink(self) -> None:
        newest = next(reversed(self._sizes), None)
        for name in [name for name in self._sizes if name not in self._pinned and name != newest]:
            if self._bytes <= self._limit:
                return
            self._bytes -= self._sizes.pop(name)
            (self.directory / name).unlink(missing_ok=True)

    def _name(self, text: str, language: Language) -> str:
        return kept_name(self._speech, text, language)


def kept_name(speech: Speech, text: str, language: Language) -> str:
    """The name of the file of a text, as this engine speaks it now."""
    key = f"{speech.voice(language)}\0{text}"
    return f"tts-{hashlib.sha256(key.encode()).hexdigest()[:40]}.wav"
