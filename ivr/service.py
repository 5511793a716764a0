"""The flow service: the asyncio shell around the interpreters of all sessions, one runner each.

It decides nothing. Facts and requests go out as the interpreter gives them, work goes to :class:`Workers` and
comes back as an event; a prompt that is in the cache comes back within the same step. An unexpected error in a
session ends that session as FAILED and no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from ccplatform.contracts.facts import FlowLeft
from ccplatform.contracts.flows import (
    FlowAsked,
    FlowCommand,
    FlowFinished,
    FlowPlaybackEnded,
    ReleaseCaller,
    StartFlow,
)
from ccplatform.contracts.ports import Facts
from ccplatform.contracts.words import ContactId, FlowId, FlowOutcome, ReleaseCause
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.core import EffectRunner
from ccplatform.kernel.errors import LocalMisuse
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.bots.sessions import Bots
from ivr.catalogue import Catalogue, PublishedFlow
from ivr.errors import SpeechUnavailable
from ivr.interpreter import Interpreter
from ivr.model import Speech
from ivr.prompts import Utterance, static_utterances
from ivr.queries import Queries
from ivr.recorded import RecordedPrompts
from ivr.speech.cache import PromptCache
from ivr.speech.recognition.sessions import Hearings
from ivr.work import Ask, BotOrder, Effect, HearingOrder, Render, SessionEvent, Tell, Work, WorkFailed, WorkResult
from ivr.workers import Workers

#: Pause before the texts of flows are tried again when the speech engine is away, seconds.
PREPARE_AGAIN_SECONDS = 5.0

_log = structlog.get_logger("ivr")


@dataclass(slots=True, kw_only=True)
class _Session:
    contact: ContactId
    interpreter: Interpreter
    parts: dict[str, str]  # the revisions of its sub-flows, by name
    runner: EffectRunner[SessionEvent, Effect] = field(init=False)
    passing: list[Path] = field(default_factory=list)  # spoken for this caller only; deleted at the end


class FlowService:
    """Implements :class:`ccplatform.contracts.flows.Flows`; set ``listener`` before the first session."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        workers: Workers,
        hearings: Hearings,
        bots: Bots,
        prompts: PromptCache,
        recorded: RecordedPrompts,
        queries: Queries,
        facts: Facts,
        clock: Clock,
        tasks: TaskSupervisor,
        listener: Callable[[FlowAsked], None] | None = None,
    ) -> None:
        self.listener = listener
        self._catalogue = catalogue
        self._workers = workers
        self._hearings = hearings
        self._bots = bots
        self._prompts = prompts
        self._recorded = recorded
        self._sources = queries.sources()
        self._facts = facts
        self._clock = clock
        self._tasks = tasks
        self._sessions: dict[ContactId, _Session] = {}
        self._loads = 0

    async def load(self) -> None:
        """Read flows and numbers, and begin to speak their texts ahead in the background; also after changes.

        Raises DatabaseUnavailable and leaves what was loaded before.
        """
        if not self._loads:
            await asyncio.to_thread(self._prompts.open)
        await self._catalogue.load()
        await self._recorded.load(self._catalogue.recordings())
        self._loads += 1
        await self._bots.prepare()
        self._tasks.run_once("ivr prompts", self._prepare(self._loads))
        listening = {
            language
            for flow in self._catalogue.flows()
            if any(isinstance(node, Speech) for node in flow.nodes.values())
            for language in flow.languages
        }
        self._tasks.run_once("ivr hearing", self._hearings.prepare(listening))

    # --- the port -----------------------------------------------------------------------------------------

    def entry_point(self, dialled: str, from_seat: bool) -> FlowId | None:
        """The flow that answers a dialled number."""
        return self._catalogue.entry_point(dialled, from_seat)

    def knows(self, flow: FlowId) -> bool:
        """Whether such a flow is published."""
        return self._catalogue.current(flow) is not None

    def perform(self, command: FlowCommand) -> None:
        """Take a command; those for sessions that are over are dropped."""
        if isinstance(command, StartFlow):
            self._start(command)
            return
        if isinstance(command, FlowPlaybackEnded) and command.error:
            self._prompts.recheck()
            self._recorded.recheck()
        self._post(command.contact, command)

    def snapshot(self, contact: ContactId) -> dict[str, Any] | None:
        """A session's flow, revision and state."""
        session = self._sessions.get(contact)
        if session is None:
            return None
        interpreter = session.interpreter
        return {
            "flow": interpreter.flow.flow,
            "revision": interpreter.revision,
            "parts": session.parts,
            "session": interpreter.snapshot(self._clock.now()),
        }

    def restore(self, contact: ContactId, data: dict[str, Any]) -> bool:
        """Take a session back on the revision it began with; what was under way is asked for again, soon."""
        published = self._catalogue.revision(FlowId(str(data.get("flow"))), str(data.get("revision")))
        parts = {
            FlowId(name): self._catalogue.revision(FlowId(name), str(revision))
            for name, revision in dict(data.get("parts") or {}).items()
        }
        there = {name: part for name, part in parts.items() if part is not None}
        if published is None or len(there) < len(parts) or contact in self._sessions:
            return False
        session = self._session(contact, published, there)
        try:
            session.interpreter.restore(dict(data.get("session") or {}), self._clock.now())
        except ValueError as error:
            _log.warning("session not restored", contact=contact, error=str(error))
            return False
        self._sessions[contact] = session
        self._clock.call_at(self._clock.now(), partial(self._resume, session))
        return True

    # --- sessions -----------------------------------------------------------------------------------------

    def _start(self, command: StartFlow) -> None:
        contact = command.contact
        if contact in self._sessions:
            raise LocalMisuse(f"contact {contact} is in a flow already")
        published = self._catalogue.current(command.flow)
        if published is None:
            outcome = FlowOutcome.FAILED
            self._facts.record(FlowLeft(contact=contact, flow=command.flow, outcome=outcome, cause="no_such_flow"))
            self._ask(contact, ReleaseCaller(cause=ReleaseCause.FAILED))
            self._ask(contact, FlowFinished(outcome=outcome))
            return
        session = self._session(contact, published, self._catalogue.parts(command.flow))
        self._sessions[contact] = session
        session.runner.post(command)

    def _session(
        self, contact: ContactId, published: PublishedFlow, parts: Mapping[FlowId, PublishedFlow]
    ) -> _Session:
        interpreter = Interpreter(
            contact=contact,
            plan=published.plan,
            revision=published.revision,
            sources=self._sources,
            parts={name: part.plan for name, part in parts.items()},
        )
        revisions = {str(name): part.revision for name, part in parts.items()}
        session = _Session(contact=contact, interpreter=interpreter, parts=revisions)
        session.runner = EffectRunner(
            interpreter, partial(self._perform, session), self._clock, guard=partial(self._guard, session)
        )
        return session

    def _resume(self, session: _Session) -> None:
        if self._sessions.get(session.contact) is session:
            for effect in session.interpreter.resume(self._clock.now()):
                self._guard(session, partial(self._perform, session, effect))
            session.runner.rearm()

    def _post(self, contact: ContactId, event: SessionEvent) -> None:
        session = self._sessions.get(contact)
        if session is not None:
            session.runner.post(event)

    def _guard(self, session: _Session, step: Callable[[], None]) -> None:
        finished = False

        def tried() -> None:
            nonlocal finished
            step()
            finished = True

        supervised = self._tasks.guarded("ivr session")
        supervised(tried)
        if not finished:
            for effect in session.interpreter.fail("internal_error", self._clock.now()):
                supervised(partial(self._perform, session, effect))

    # --- effects ------------------------------------------------------------------------------------------

    def _perform(self, session: _Session, effect: Effect) -> None:
        if isinstance(effect, Tell):
            self._facts.record(effect.fact)
        elif isinstance(effect, Ask):
            if isinstance(effect.request, FlowFinished):
                self._forget(session)
            self._ask(session.contact, effect.request)
        elif isinstance(effect, HearingOrder):
            self._hearings.perform(session.contact, effect, session.runner.post)
        elif isinstance(effect, BotOrder):
            self._bots.perform(session.contact, effect, session.runner.post)
        else:
            self._begin(session, effect)

    def _ask(self, contact: ContactId, request: Any) -> None:
        if self.listener is None:
            raise LocalMisuse("the flow service has no listener")
        self.listener(FlowAsked(contact=contact, request=request))

    def _begin(self, session: _Session, work: Work) -> None:
        ready = self._workers.render_now(work) if isinstance(work, Render) else None
        if ready is not None:
            session.runner.post(ready)
        else:
            self._tasks.run_once("ivr work", self._work(session, work))

    async def _work(self, session: _Session, work: Work) -> None:
        result: WorkResult | None = WorkFailed(ticket=work.ticket, reason="internal_error")
        try:
            result = await self._workers.do(session.contact, work, session.passing)
        except asyncio.CancelledError:
            result = None
            raise
        finally:
            if self._sessions.get(session.contact) is not session:
                self._delete_passing(session)
            elif result is not None:
                session.runner.post(result)

    def _forget(self, session: _Session) -> None:
        if self._sessions.get(session.contact) is session:
            del self._sessions[session.contact]
        session.runner.close()
        self._delete_passing(session)

    def _delete_passing(self, session: _Session) -> None:
        paths, session.passing = session.passing, []
        for path in paths:
            path.unlink(missing_ok=True)

    # --- prompts spoken ahead -----------------------------------------------------------------------------

    async def _prepare(self, load: int) -> None:
        texts = [utterance for flow in self._catalogue.flows() for utterance in static_utterances(flow)]
        self._prompts.pin((text.text, text.language) for text in texts)
        while load == self._loads:  # a later load has a later task
            try:
                await self._prepare_all(texts)
                return
            except SpeechUnavailable:
                await sleep(self._clock, PREPARE_AGAIN_SECONDS)

    async def _prepare_all(self, texts: list[Utterance]) -> None:
        for text in texts:
            await self._prompts.render(text.text, text.language)
        await self._workers.prepare_reference()
        _log.info("prompts ready", texts=len(texts))
