"""What agents are told when they answer, before they talk with their callers: a text or a file, by queue.

A text is spoken when its queue becomes known, and kept, so that at the answer it is there; one that was dropped
since is spoken anew while the phone rings. Where it is not there, nobody waits.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from ccplatform.contracts.media import FileItem, PlayItem
from ccplatform.contracts.routing import names_file
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.errors import SpeechUnavailable
from ivr.numbers import Language, without_latin_digits
from ivr.speech.cache import PromptCache

_log = structlog.get_logger("ivr")


class Whispers:
    """Whispers of all queues; ``sounds`` is the directory of the files that they name."""

    def __init__(self, *, prompts: PromptCache, sounds: Path | None, tasks: TaskSupervisor) -> None:
        self._prompts = prompts
        self._sounds = sounds
        self._tasks = tasks
        self._under_way: set[str] = set()

    def prepare(self, whisper: str) -> None:
        """Have a text spoken that is not kept yet; once at a time, however many phones ring."""
        if names_file(whisper) or whisper in self._under_way or self._prompts.find(*_spoken(whisper)) is not None:
            return
        self._under_way.add(whisper)
        self._tasks.run_once("whisper", self._speak(whisper))

    def items(self, whisper: str) -> tuple[PlayItem, ...]:
        """What is played, at once; nothing where the file is missing or the text is not spoken (yet)."""
        if not names_file(whisper):
            path = self._prompts.find(*_spoken(whisper))
        elif self._sounds is not None and (self._sounds / whisper).is_file():
            path = self._sounds / whisper
        else:
            path = None
        return () if path is None else (FileItem(path=str(path), trim=False),)

    async def _speak(self, whisper: str) -> None:
        try:
            await self._prompts.render(*_spoken(whisper))
        except SpeechUnavailable as error:
            _log.warning("a whisper cannot be spoken", error=str(error))
        finally:
            self._under_way.discard(whisper)


def _spoken(text: str) -> tuple[str, Language]:
    """A text and its language: Chinese, if any of it is written so."""
    if any("\u4e00" <= character <= "\u9fff" for character in text):
        return without_latin_digits(text), "zh"
    return text, "en"
