"""Builds the IVR: flows, speech, queries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from ccplatform.app.foundation import Foundation
from ccplatform.app.places import Places
from ccplatform.app.settings import Settings
from ccplatform.calls.service import CallService
from ccplatform.contracts.ports import AgentDesk, Alarms, Facts, MessageDesk
from ccplatform.contracts.routing import CallBacks, Line
from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import Clock
from ivr.bots.sessions import Bots
from ivr.catalogue import Catalogue
from ivr.demo import demo_queries
from ivr.numbers import Language
from ivr.recorded import RecordedPrompts
from ivr.recordings import Recordings
from ivr.service import FlowService
from ivr.settings import OWN_SOURCE, IvrSettings, QuerySettings, SpeechSettings
from ivr.sources.all import DataSources
from ivr.speech.cache import PromptCache
from ivr.speech.espeak import EspeakSpeech
from ivr.speech.falling_back import FallingBack
from ivr.speech.http import HttpSpeech
from ivr.speech.modelled import ModelSpeech
from ivr.speech.port import Speech
from ivr.speech.recognition.engines import Recognisers, build_recognisers
from ivr.speech.recognition.sessions import Hearings
from ivr.store import IvrStore
from ivr.whispers import Whispers
from ivr.workers import Workers

_log = structlog.get_logger("ivr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaking:
    """The flow service, what agents are told at their answer, and the engine that speaks for both."""

    flows: FlowService
    workers: Workers
    whispers: Whispers
    engine: Speech
    recogniser: Recognisers
    bots: Bots
    data: DataSources

    def health(self) -> dict[str, Any]:
        """Data sources, voices, recognisers and bots: which of them serve, and what bots do."""
        return {
            "voices": self.engine.working(),
            "sources": self.data.serving(),
            "recognisers": self.recogniser.working(),
            "bots": {
                name: {"up": not bot.away, "talks": bot.talks, "failures": bot.failures}
                for name, bot in self.bots.states.items()
            },
        }

    async def close(self) -> None:
        """End the speech processes, and let the data sources go."""
        await self.engine.close()
        await self.recogniser.close()
        await self.bots.close()
        await self.data.close()


def queries_of(settings: IvrSettings) -> dict[str, QuerySettings]:
    """The SQL queries that flows may name; they name requests of services likewise."""
    return {**demo_queries(OWN_SOURCE), **settings.queries}


def build_flows(
    settings: Settings,
    places: Places,
    ground: Foundation,
    *,
    facts: Facts,
    alarms: Alarms,
    desk: AgentDesk,
    call_backs: CallBacks,
    line: Line,
    messages: MessageDesk,
    calls: CallService,
    is_open: Callable[[str], bool | None],
) -> Speaking:
    """The IVR on the platform's own database; ``is_open`` tells of calendars."""
    ivr = settings.ivr
    engine = speech_engine(ivr.speech, ground.clock, alarms)
    recogniser = build_recognisers(
        ivr.recognition, sockets=places.run, clock=ground.clock, alarms=alarms, tasks=ground.tasks
    )
    bots = Bots(ivr.bots, sockets=places.run, clock=ground.clock, alarms=alarms, tasks=ground.tasks)
    prompts = PromptCache(directory=places.speech, speech=engine, limit_bytes=ivr.speech.cache_bytes)
    data = DataSources(ivr, own=ground.database, queries=queries_of(ivr), clock=ground.clock, alarms=alarms)
    queries = data.queries
    store = IvrStore(database=ground.database, tenant=ground.tenant)
    recorded = RecordedPrompts(
        directory=places.speech, recordings=Recordings(database=ground.database, tenant=ground.tenant)
    )
    workers = Workers(
        prompts=prompts,
        speech=engine,
        queries=queries,
        call_backs=call_backs,
        line=line,
        desk=desk,
        messages=messages,
        sounds=ivr.sounds_dir,
        is_open=is_open,
        recorded=recorded,
        tasks=ground.tasks,
    )
    whispers = Whispers(prompts=prompts, sounds=ivr.sounds_dir, tasks=ground.tasks)
    flows = FlowService(
        catalogue=Catalogue(store=store, clock=ground.clock, alarms=alarms, is_open=is_open),
        workers=workers,
        hearings=Hearings(recogniser=recogniser, tasks=ground.tasks),
        bots=bots,
        prompts=prompts,
        recorded=recorded,
        queries=queries,
        facts=facts,
        clock=ground.clock,
        tasks=ground.tasks,
        listener=calls.flow_asked,
    )
    return Speaking(
        flows=flows,
        workers=workers,
        whispers=whispers,
        engine=engine,
        recogniser=recogniser,
        bots=bots,
        data=data,
    )


def speech_engine(settings: SpeechSettings, clock: Clock, alarms: Alarms) -> Speech:
    """Who speaks, to callers and in previews: the bundled engine, or another one for which it stands in."""
    bundled = EspeakSpeech(settings=settings, clock=clock, alarms=alarms)
    if settings.engine == "espeak":
        return bundled
    first: Speech
    if settings.engine == "http":
        first = HttpSpeech(settings=settings)
        places: dict[Language, str] = {"zh": settings.http.url_zh, "en": settings.http.url_en}
        speaks = frozenset(language for language, url in places.items() if url)
        retry = settings.http.retry_seconds
    else:
        first = ModelSpeech(settings=settings, clock=clock, alarms=Untold())
        speaks = frozenset(settings.model.paths)
        retry = settings.model.retry_seconds
    return FallingBack(
        name=settings.engine,
        first=first,
        second=bundled,
        speaks=speaks,
        retry_seconds=retry,
        clock=clock,
        alarms=alarms,
    )


class Untold:
    """The alarms of an engine whose failures its user tells: that of previews, or one with a stand-in."""

    def raise_alarm(self, kind: str, subject: str, severity: Severity, text: str) -> None:
        """Log it."""
        _log.warning("a speech engine failed", kind=kind, subject=subject, text=text)

    def clear_alarm(self, kind: str, subject: str) -> None:
        """Nothing was raised."""
