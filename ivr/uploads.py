"""Uploads of recorded prompts: decoded beside the event loop, a few at a time."""

from __future__ import annotations

import asyncio

from ivr.settings import IvrSettings
from ivr.speech.audio import Level
from ivr.speech.uploaded import Uploaded, prompt_of

#: How many are decoded at once.
AT_ONCE = 2


class Uploads:
    """Makes prompts of files."""

    def __init__(self, settings: IvrSettings) -> None:
        speech = settings.speech
        self._rate = speech.sample_rate
        self._level = Level(mean_dbfs=speech.level_dbfs, peak_dbfs=speech.peak_dbfs)
        self._limits = settings.uploads
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def prompt(self, data: bytes) -> Uploaded:
        """The prompt in a file; raises BadRecording."""
        async with self._turns:
            return await asyncio.to_thread(prompt_of, data, self._rate, self._level, self._limits)
