"""The recognisers of the languages, as configured: what has none is said so, at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from ccplatform.contracts.ports import Alarms
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.errors import SpeechUnheard
from ivr.numbers import Language
from ivr.settings import RecognitionSettings
from ivr.speech.recognition.client import RecogniserProcess
from ivr.speech.recognition.places import ModelPlaces, ServerPlace
from ivr.speech.recognition.port import Hypothesis, TapPlace


class Recognisers:
    """The recogniser of every language, as one."""

    def __init__(self, engines: Mapping[Language, RecogniserProcess]) -> None:
        self._engines = engines
        self._heard_by: dict[str, RecogniserProcess] = {}

    def working(self) -> dict[str, bool]:
        """Whether the recogniser of each language works; a language without one is missing."""
        return {language: engine.works for language, engine in self._engines.items()}

    async def prepare(self, languages: Collection[Language]) -> None:
        """Start the engines of these languages before a caller needs them."""
        for language in languages:
            if language in self._engines:
                await self._engines[language].prepare()

    async def open(
        self, hearing: str, language: Language, phrases: Sequence[str] | None, alternatives: int
    ) -> TapPlace:
        """See the port."""
        engine = self._engines.get(language)
        if engine is None:
            raise SpeechUnheard(f"no recogniser of {language!r} is configured")
        self._heard_by[hearing] = engine
        return await engine.open(hearing, language, phrases, alternatives)

    def begin(self, hearing: str, at: float) -> None:
        """See the port."""
        if hearing in self._heard_by:
            self._heard_by[hearing].begin(hearing, at)

    async def end(self, hearing: str) -> tuple[Hypothesis, ...]:
        """See the port."""
        if hearing not in self._heard_by:
            raise SpeechUnheard("the caller is not heard")
        return await self._heard_by[hearing].end(hearing)

    def close_hearing(self, hearing: str) -> None:
        """See the port."""
        engine = self._heard_by.pop(hearing, None)
        if engine is not None:
            engine.close_hearing(hearing)

    async def close(self) -> None:
        """See the port."""
        for engine in set(self._engines.values()):
            await engine.close()


def build_recognisers(
    settings: RecognitionSettings, *, sockets: Path, clock: Clock, alarms: Alarms, tasks: TaskSupervisor
) -> Recognisers:
    """What the settings name; engines start when they are first needed."""
    names = settings.engines
    processes = {
        name: RecogniserProcess(
            name=name,
            arguments=_arguments(name, settings),
            sockets=sockets,
            settings=settings,
            clock=clock,
            alarms=alarms,
            tasks=tasks,
        )
        for name in sorted(set(names.values()) - {"none"})
    }
    return Recognisers({language: processes[name] for language, name in names.items() if name in processes})


def _arguments(name: str, settings: RecognitionSettings) -> tuple[str, ...]:
    match name:
        case "server":
            server = settings.server
            timeout = settings.answer_seconds * 0.8
            place: ServerPlace | ModelPlaces = ServerPlace(
                url=str(server.url), rate=server.sample_rate, timeout_seconds=timeout
            )
        case "vosk" | "sherpa":
            own = settings.model
            models: dict[str, str] = {
                language: str(path.resolve())
                for language, path in own.paths.items()
                if settings.engines[language] == name
            }
            place = ModelPlaces(models=models, rate=own.sample_rate, threads=own.threads)
        case _:
            return (name, str(settings.max_callers))
    return (name, str(settings.max_callers), msgspec.json.encode(place).decode())
