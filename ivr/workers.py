"""The work that sessions ask for, done with the outside: speech, data queries, call-backs, the agents' desk.

Every method turns what may be expected to go wrong into an answer; what comes back is an event for the session.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

import structlog

from ccplatform.contracts.media import FileItem, PlayItem, StreamItem
from ccplatform.contracts.ports import AgentDesk, MessageDesk
from ccplatform.contracts.routing import CallBacks, CallBackWish, Line
from ccplatform.contracts.words import AgentId, ContactId
from ccplatform.kernel.errors import Refusal, Unavailable
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.errors import QueryFailed, SoundUnavailable, SpeechUnavailable
from ivr.prompts import Piece, RecordedMessage, RecordedPrompt, ReferenceSpeech, Sound, SoundFile, Utterance
from ivr.queries import Queries
from ivr.recorded import RecordedPrompts
from ivr.reference import ensure_reference
from ivr.speech.cache import PromptCache
from ivr.speech.port import Speech
from ivr.work import (
    AskDesk,
    AskHours,
    AskPlace,
    CallBackStored,
    DeskDone,
    DeskRefused,
    FetchMessage,
    HoursFound,
    MarkMessage,
    MessageFetched,
    PlaceFound,
    QueryAnswer,
    Render,
    Rendered,
    RunQuery,
    StoreCallBack,
    Work,
    WorkFailed,
    WorkResult,
)

_log = structlog.get_logger("ivr")


class Workers:
    """Does the work of all sessions.

    ``sounds`` is the directory of the files that play nodes name; ``is_open`` tells of calendars (None: there is
    no such).
    """

    def __init__(
        self,
        *,
        prompts: PromptCache,
        speech: Speech,
        queries: Queries,
        call_backs: CallBacks,
        line: Line,
        desk: AgentDesk,
        messages: MessageDesk,
        sounds: Path | None,
        is_open: Callable[[str], bool | None],
        recorded: RecordedPrompts,
        tasks: TaskSupervisor,
    ) -> None:
        self._prompts = prompts
        self._speech = speech
        self._queries = queries
        self._call_backs = call_backs
        self._line = line
        self._desk = desk
        self._messages = messages
        self._sounds = None if sounds is None else sounds.resolve()
        self._is_open = is_open
        self._recorded = recorded
        self._tasks = tasks
        self._reference: Path | None = None

    # --- prompts ------------------------------------------------------------------------------------------

    def render_now(self, work: Render) -> Rendered | None:
        """The prompt, if every piece of it is there already: no waiting, so the first sample comes at once."""
        items: list[PlayItem] = []
        for piece in work.pieces:
            item = self._item_now(piece)
            if item is None:
                return None
            items.append(item)
        return Rendered(ticket=work.ticket, items=tuple(items))

    async def render(self, work: Render, passing: list[Path]) -> Rendered:
        """The prompt, spoken where need be; files that must not be kept are noted in ``passing``."""
        items = [self._item_now(piece) or await self._item(piece, passing) for piece in work.pieces]
        return Rendered(ticket=work.ticket, items=tuple(items))

    async def prepare_reference(self) -> Path:
        """The reference speech, made now if need be; raises SpeechUnavailable."""
        self._reference = await ensure_reference(self._prompts.directory, self._speech)
        return self._reference

    def _item_now(self, piece: Piece) -> PlayItem | None:
        match piece:
            case Sound():
                return piece.item
            case SoundFile():
                return None if self._sounds is None else FileItem(path=str(self._sounds / piece.name))
            case RecordedPrompt():
                kept = self._recorded.find(piece.sha256)
                return None if kept is None else FileItem(path=str(kept), trim=False)
            case RecordedMessage():
                return None
            case ReferenceSpeech():
                return None if self._reference is None else FileItem(path=str(self._reference), trim=False)
            case Utterance():
                found = None if piece.personal else self._prompts.find(piece.text, piece.language)
                return None if found is None else FileItem(path=str(found), trim=False)
            case _:
                assert_never(piece)

    async def _item(self, piece: Piece, passing: list[Path]) -> PlayItem:
        if isinstance(piece, Utterance) and piece.personal:
            return await self._stream(piece, passing)
        if isinstance(piece, Utterance):
            path = await self._prompts.render(piece.text, piece.language)
        elif isinstance(piece, ReferenceSpeech):
            path = await self.prepare_reference()
        elif isinstance(piece, RecordedPrompt):
            path = await self._recorded.fetch(piece.sha256)
        elif isinstance(piece, RecordedMessage):
            return await self._messages.audio(piece.recording)
        else:
            raise SoundUnavailable("no directory of sounds is configured")
        return FileItem(path=str(path), trim=False)

    async def _stream(self, piece: Utterance, passing: list[Path]) -> StreamItem:
        """What is spoken for one caller only sounds as soon as the first of it is there."""
        passing.append(path := self._prompts.passing_file())
        begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._tasks.run_once("ivr speech", self._speak(piece, path, begun))
        return StreamItem(path=str(path), rate=await begun)

    async def _speak(self, piece: Utterance, path: Path, begun: asyncio.Future[int]) -> None:
        def begin(rate: int) -> None:
            if not begun.done():
                begun.set_result(rate)

        try:
            await self._speech.stream(piece.text, piece.language, path, begin)
        except SpeechUnavailable as error:
            if begun.done():
                _log.warning("speech broke off", error=str(error))
            else:
                begun.set_exception(error)
        finally:
            begun.cancel()

    # --- all work -----------------------------------------------------------------------------------------

    async def do(self, contact: ContactId, work: Work, passing: list[Path]) -> WorkResult:
        """The answer to a piece of work."""
        try:
            match work:
                case Render():
                    return await self.render(work, passing)
                case RunQuery():
                    row = await self._queries.ask(work.query, work.parameters, secret=bool(work.secret))
                    return QueryAnswer(ticket=work.ticket, row=row)
                case StoreCallBack():
                    return await self._store_call_back(contact, work)
                case AskDesk():
                    return await self._ask_desk(work)
                case AskPlace():
                    return self._place(contact, work)
                case AskHours():
                    return self._hours(contact, work)
                case FetchMessage():
                    return await self._fetch_message(work)
                case MarkMessage():
                    await self._messages.mark(work.seat, work.message, work.action)
                    return DeskDone(ticket=work.ticket)
                case _:
                    assert_never(work)
        except SpeechUnavailable as error:
            return self._failed(contact, work, "tts_unavailable", error)
        except QueryFailed as error:
            return self._failed(contact, work, "query_failed", error)
        except SoundUnavailable as error:
            return self._failed(contact, work, "sound_unavailable", error)
        except Unavailable as error:
            return self._failed(contact, work, "unavailable", error)
        except Refusal as error:
            return DeskRefused(ticket=work.ticket, reason=error.code)

    async def _store_call_back(self, contact: ContactId, work: StoreCallBack) -> WorkResult:
        wish = CallBackWish(
            contact=contact,
            queue=work.queue,
            number=work.number,
            priority=work.priority,
            waited_seconds=work.waited_seconds,
        )
        try:
            return CallBackStored(ticket=work.ticket, call_back=await self._call_backs.promise(wish))
        except Refusal as error:
            return self._failed(contact, work, error.code, error)

    def _place(self, contact: ContactId, work: AskPlace) -> WorkResult:
        place = self._line.place_in_line(contact)
        if place is None:
            return WorkFailed(ticket=work.ticket, reason="not_in_line")
        seconds = place.expected_seconds
        minutes = None if seconds is None else max(1, math.ceil(seconds / 60))
        return PlaceFound(ticket=work.ticket, position=place.position, wait_minutes=minutes)

    def _hours(self, contact: ContactId, work: AskHours) -> WorkResult:
        found = self._is_open(work.calendar)
        if found is None:
            _log.warning("a flow goes by a calendar that is not there", contact=contact, calendar=work.calendar)
            return WorkFailed(ticket=work.ticket, reason="no_such_calendar")
        return HoursFound(ticket=work.ticket, open=found)

    async def _fetch_message(self, work: FetchMessage) -> WorkResult:
        found = await self._messages.fetch(work.seat)
        if found is None:
            return DeskRefused(ticket=work.ticket, reason="no_message")
        return MessageFetched(
            ticket=work.ticket,
            message=found.message,
            caller=found.caller,
            left_at=found.left_at.isoformat(timespec="seconds"),
            count=found.count,
        )

    async def _ask_desk(self, work: AskDesk) -> WorkResult:
        refused = DeskRefused(ticket=work.ticket, reason="not_allowed")
        if not work.seat:
            return refused
        if work.action == "sign_in":
            if not await self._desk.pin_matches(work.agent, work.pin):
                return refused
            await self._desk.sign_in(work.agent, work.seat, _by(work.agent))
            return DeskDone(ticket=work.ticket)
        agent = self._desk.agent_at(work.seat)
        if agent is None:
            return refused
        if work.action == "sign_out":
            await self._desk.sign_out(agent, _by(agent))
        else:
            await self._desk.set_ready(agent, work.action == "ready", _by(agent), work.reason)
        return DeskDone(ticket=work.ticket)

    @staticmethod
    def _failed(contact: ContactId, work: Work, reason: str, error: Exception) -> WorkFailed:
        _log.warning("work of a session failed", contact=contact, work=type(work).__name__, error=str(error))
        return WorkFailed(ticket=work.ticket, reason=reason)


def _by(agent: AgentId) -> str:
    return f"agent:{agent}"
