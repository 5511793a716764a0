"""Voices with a model file that the operator supplies: Piper, sherpa-onnx (see :mod:`ivr.speech.model_process`).

The models take seconds to be loaded. Meanwhile texts are refused with :class:`~ivr.errors.VoiceLoads`, so that the
bundled voice speaks them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any

from ccplatform.contracts.ports import Alarms
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import RemoteViolation
from ivr.errors import SpeechUnavailable, VoiceLoads
from ivr.numbers import Language
from ivr.pipes import read_frame
from ivr.settings import SpeechSettings
from ivr.speech.piped import PipedSpeech
from ivr.speech.shaped import Take

_MAX_READY_BYTES = 4096
_PROGRAM = Path(__file__).with_name("model_process.py")


class ModelSpeech(PipedSpeech):
    """Speaks the languages that have a model; ``command`` is replaced in tests."""

    def __init__(
        self, *, settings: SpeechSettings, clock: Clock, alarms: Alarms, command: tuple[str, ...] | None = None
    ) -> None:
        own = settings.model
        models = {language: str(path.resolve()) for language, path in own.paths.items()}
        arguments = (settings.engine, json.dumps(models), str(own.threads))
        python = sys.executable if own.python is None else str(own.python)
        super().__init__(
            name=settings.engine,
            command=(*(command or (python, str(_PROGRAM))), *arguments),
            timeout=own.timeout_seconds,
            restart=own.restart_seconds,
            settings=settings,
            clock=clock,
            alarms=alarms,
        )
        self._loading = False

    def voice(self, language: Language) -> str:
        """See the port; another model at the same place is told apart by its size and time."""
        path = self._settings.model.paths[language]
        kept = sorted((one.name, one.stat().st_size, one.stat().st_mtime_ns) for one in _files(path))
        own = self._settings.model
        return f"{self._name} {path} {kept} {own.speed} {self._settings.sample_rate} {self._level}"

    async def _say(self, text: str, language: Language, take: Take) -> None:
        if language not in self._settings.model.paths:
            raise SpeechUnavailable(f"no model of {language!r} is configured")
        if self._loading:
            raise VoiceLoads("the voice is being loaded")
        await super()._say(text, language, take)

    def _request(self, text: str, language: Language) -> dict[str, Any]:
        return {"text": text, "language": language, "speed": self._settings.model.speed}

    async def _begun(self, process: Process) -> None:
        self._loading = True
        try:
            async with asyncio.timeout(self._settings.model.start_seconds):
                if process.stdout is None:
                    raise EOFError("the engine has no pipes")
                told = json.loads(await read_frame(process.stdout, _MAX_READY_BYTES))
        finally:
            self._loading = False
        if told != {"ready": True}:
            reason = told.get("error") if isinstance(told, dict) else ""
            raise RemoteViolation(str(reason or "it says something else before it is ready"))


def _files(path: Path) -> list[Path]:
    try:
        return [one for one in path.iterdir() if one.is_file()] if path.is_dir() else [path]
    except OSError:
        return []
