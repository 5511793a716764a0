"""The shell around simulated sessions: finds the flow and its surroundings, asks data sources, bounds the work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from pydantic import ValidationError

from ccplatform.kernel.clock import Clock
from ivr.document import flow_from
from ivr.errors import FlowError, FlowProblem, NoSuchFlow, QueryFailed, UnreadableDocument
from ivr.flow_kind import FlowsKept
from ivr.model import Flow, SubFlow
from ivr.plain import check_bounds
from ivr.recordings import Recordings
from ivr.simulator.awaiting import awaited
from ivr.simulator.model import (
    HappeningItem,
    LearnedAnswer,
    SessionState,
    VariableItem,
    WantedSession,
)
from ivr.simulator.playing import IsOpen, Session, Unanswered
from ivr.simulator.sounds import sound_pieces
from ivr.simulator.writing import trial_of
from ivr.surroundings import with_recordings
from ivr.together import parts_of
from ivr.trials.script import World
from ivr.trials.stage import Stage
from ivr.trials.story import HIDDEN
from ivr.trials.stubs import with_stubs
from ivr.versions import Versions
from ivr.work import RunQuery

#: How many sessions are played at the same time; each is one thread, for milliseconds as a rule.
AT_ONCE: Final = 2

#: Told of each query that a data source is asked.
OnQuery = Callable[[str], Awaitable[None]]


class DataQueries(Protocol):
    """Named queries on data sources."""

    async def ask(self, name: str, parameters: Mapping[str, str], *, secret: bool) -> dict[str, str] | None:
        """The first row, its columns as text; None when there is no row. Of ``secret`` parameters nothing stays
        in memory. Raises QueryFailed."""


class Simulator:
    """Plays sessions; ``calendars`` gives the centre's opening hours as they are."""

    def __init__(
        self,
        *,
        keeper: FlowsKept,
        versions: Versions,
        recordings: Recordings,
        queries: DataQueries,
        calendars: Callable[[], Awaitable[IsOpen]],
        clock: Clock,
    ) -> None:
        self._keeper = keeper
        self._versions = versions
        self._recordings = recordings
        self._queries = queries
        self._calendars = calendars
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def state(self, wanted: WantedSession, on_query: OnQuery) -> SessionState:
        """Where a session is after its last act; raises FlowError, TooLong, NoSuchFlow."""
        session = await self._session(wanted)
        stage = await self._played(session, wanted, on_query)
        return _state(session, stage)

    async def trial(self, wanted: WantedSession, on_query: OnQuery) -> tuple[str, str]:
        """The flow's name, and the session as a file of trials."""
        session = await self._session(wanted)
        await self._played(session, wanted, on_query)
        async with self._turns:
            return session.flow.flow, await asyncio.to_thread(trial_of, session, wanted.steps)

    async def _played(self, session: Session, wanted: WantedSession, on_query: OnQuery) -> Stage:
        while True:
            try:
                async with self._turns:
                    return await asyncio.to_thread(session.play, wanted.steps)
            except Unanswered as unanswered:
                await on_query(unanswered.query.query)
                session.learn(await self._ask(unanswered.query))

    async def _ask(self, query: RunQuery) -> LearnedAnswer:
        begun = self._clock.now()
        row, fails = None, False
        try:
            row = await self._queries.ask(query.query, query.parameters, secret=bool(query.secret))
        except QueryFailed:
            fails = True
        return LearnedAnswer(row=row, fails=fails, takes=round(min(60.0, self._clock.now() - begun), 3))

    async def _session(self, wanted: WantedSession) -> Session:
        document = wanted.document
        if document is None:
            document = dict(await self._kept(wanted.flow or "", wanted.version))
        flow = await asyncio.to_thread(_flow, document)
        if wanted.document is not None:
            flow = with_recordings(flow, await self._recordings.contents(flow.flow))
        parts: Mapping[str, Flow] = {}
        if any(isinstance(node, SubFlow) for node in flow.nodes.values()):
            documents = await self._versions.current_documents()
            parts = await asyncio.to_thread(parts_of, flow, _Published(documents))
        world = World(
            at=wanted.at or self._clock.wall(),
            given=wanted.given,
            calendars=wanted.calendars,
            queries=wanted.queries,
            sub_flows=wanted.sub_flows,
            pins=wanted.pins,
            recogniser=True if wanted.recogniser is None else wanted.recogniser,
            bots=True if wanted.bots is None else wanted.bots,
        )
        return Session(
            flow=flow,
            parts=with_stubs(flow, parts, world),
            world=world,
            live=wanted.live,
            is_open=await self._calendars(),
            answered=list(wanted.answered),
        )

    async def _kept(self, name: str, version: str) -> Mapping[str, Any]:
        if version == "draft":
            return await self._keeper.document_at(name, None)
        if version != "current":
            return await self._keeper.document_at(name, int(version))
        current = await self._versions.current(name)
        if current is None:
            raise NoSuchFlow(f"flow {name} has no version in service")
        return current[1]


class _Published(Mapping[str, Flow]):
    """The flows in service; each is read when somebody comes to it."""

    def __init__(self, documents: Mapping[str, Mapping[str, Any]]) -> None:
        self._documents = documents

    def __getitem__(self, name: str) -> Flow:
        try:
            return Flow.model_validate(self._documents[name])
        except ValidationError:  # of another release: no session comes through it
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)


def _flow(document: Mapping[str, Any]) -> Flow:
    name = document.get("flow")
    file = name if isinstance(name, str) else "flow"
    try:
        check_bounds(dict(document))
    except UnreadableDocument as error:
        raise FlowError([FlowProblem(file=file, path="", reason=str(error))]) from error
    return flow_from(dict(document), file)


def _state(session: Session, stage: Stage) -> SessionState:
    story = stage.story
    assert story is not None
    state = stage.state()
    if stage.outcome is None:
        story.settle(stage.seconds, state)
    return SessionState(
        at=stage.began_at,
        seconds=round(stage.seconds, 3),
        local_time=stage.local_time,
        node=stage.node,
        happenings=[
            HappeningItem(
                at=one.at,
                what=one.what,
                node=one.node,
                name=one.name,
                text=one.text,
                values=dict(one.values),
                sound=sound_pieces(one.pieces, one.text) if one.what == "said" else [],
            )
            for one in story.happenings
        ],
        variables=[
            VariableItem(name=name, value=value, secret=value == HIDDEN)
            for name, value in sorted(story.variables.items())
        ],
        playing_seconds=None if stage.playing_until is None else max(0.0, stage.playing_left),
        due_seconds=stage.due,
        awaited=awaited(session.flow, session.parts, state),
        reached=stage.reached,
        outcome=stage.outcome,
        cause=stage.cause,
        answered=session.answered,
        recogniser="yes" if session.world.recogniser else "no",
    )
