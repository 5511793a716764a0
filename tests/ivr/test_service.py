"""The flow service with PostgreSQL: a call's requests and facts from the dialled number to the end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ccplatform.contracts.facts import CallBackRequested, FlowLeft, FlowNodeEntered, KeysEntered, QueryAnswered
from ccplatform.contracts.flows import (
    EndFlow,
    EnterQueue,
    FlowAsked,
    FlowDigit,
    FlowFinished,
    FlowPlaybackEnded,
    FlowRequest,
    Flows,
    PlayPrompt,
    ReleaseCaller,
    StartFlow,
)
from ccplatform.contracts.media import FileItem, StreamItem, ToneItem
from ccplatform.contracts.words import ContactId, FlowId, FlowOutcome, ReleaseCause, SeatId
from ccplatform.kernel.clock import SystemClock
from ccplatform.kernel.errors import LocalMisuse
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.storage.database import Database
from ivr.bots.sessions import Bots
from ivr.catalogue import Catalogue
from ivr.demo import DEMO_ENTRY_POINTS, demo_queries, seed_customers
from ivr.document import shipped_flows
from ivr.prompts import static_utterances
from ivr.queries import Queries
from ivr.recorded import RecordedPrompts
from ivr.recordings import Recordings
from ivr.service import FlowService
from ivr.settings import IvrSettings
from ivr.speech.cache import PromptCache
from ivr.speech.recognition.engines import Recognisers
from ivr.speech.recognition.sessions import Hearings
from ivr.store import EntryPoint, IvrStore
from ivr.versions import Versions
from ivr.workers import Workers
from tests.ivr.database_away import take_away
from tests.ivr.doubles import CallBacks, Desk, Facts, Line, Messages, Voice
from tests.ivr.scripted import flow_of
from tests.support.alarms import Alarms
from tests.support.database import database, postgres_dsn  # noqa: F401

RequestT = TypeVar("RequestT")
FactT = TypeVar("FactT")


FLOWS = shipped_flows()


class Centre:
    """The service with its neighbours, and the place where `calls` would be."""

    def __init__(self, database: Database, directory: Path) -> None:  # noqa: F811
        self.clock = SystemClock()
        self.ids = Ids(self.clock)
        self.tasks = TaskSupervisor(self.clock)
        self.voice = Voice()
        self.facts = Facts()
        self.desk = Desk()
        self.call_backs = CallBacks()
        self.messages = Messages()
        self.database = database
        self.directory = directory
        self.requests: list[FlowRequest] = []
        self.calendars: dict[str, bool] = {}
        self.changed = asyncio.Event()
        self.service = self._service()

    def _service(self) -> FlowService:
        store = IvrStore(database=self.database)
        self.store = store
        self.versions = Versions(database=self.database)
        self.recordings = Recordings(database=self.database)
        recorded = RecordedPrompts(directory=self.directory, recordings=self.recordings)
        self.prompts = PromptCache(directory=self.directory, speech=self.voice, limit_bytes=10**9)
        queries = Queries(sources={"bank": self.database}, queries=demo_queries("bank"))
        workers = Workers(
            prompts=self.prompts,
            speech=self.voice,
            queries=queries,
            call_backs=self.call_backs,
            line=Line(),
            desk=self.desk,
            messages=self.messages,
            sounds=None,
            is_open=lambda calendar: self.calendars.get(calendar),
            recorded=recorded,
            tasks=self.tasks,
        )
        service = FlowService(
            catalogue=Catalogue(store=store, clock=self.clock, alarms=Alarms()),
            workers=workers,
            hearings=Hearings(recogniser=Recognisers({}), tasks=self.tasks),
            bots=Bots({}, sockets=Path("/nowhere"), clock=self.clock, alarms=Alarms(), tasks=self.tasks),
            prompts=self.prompts,
            recorded=recorded,
            queries=queries,
            facts=self.facts,
            clock=self.clock,
            tasks=self.tasks,
        )
        service.listener = self.heard
        return service

    async def seed(self) -> None:
        for flow in FLOWS:
            await self.versions.publish(flow, at=self.clock.wall(), by="test")
        for number, name, from_seat in DEMO_ENTRY_POINTS:
            await self.store.save_entry_point(EntryPoint(number=number, flow=FlowId(name), from_seat=from_seat))
        async with self.database.connection() as connection:
            await seed_customers(connection)

    async def load(self) -> None:
        await self.service.load()
        texts = [text for flow in FLOWS for text in static_utterances(flow)]
        await self.until(
            lambda: (
                all(self.prompts.find(text.text, text.language) for text in texts)
                and (self.directory / "reference-speech.wav").exists()
            )
        )

    def heard(self, asked: FlowAsked) -> None:
        self.requests.append(asked.request)
        self.changed.set()

    async def until(self, holds: Any) -> None:
        async with asyncio.timeout(20):
            while not holds():
                self.changed.clear()
                with_task = asyncio.ensure_future(self.changed.wait())
                await asyncio.wait([with_task], timeout=0.02)
                with_task.cancel()

    async def request(self, kind: type[RequestT], count: int = 1) -> RequestT:
        await self.until(lambda: len(self.asked(kind)) >= count)
        return self.asked(kind)[-1]

    def asked(self, kind: type[RequestT]) -> list[RequestT]:
        return [request for request in self.requests if isinstance(request, kind)]

    def told(self, kind: type[FactT]) -> list[FactT]:
        return [fact for fact in self.facts.told if isinstance(fact, kind)]

    def call(self, dialled: str, *, seat: str = "", caller: str = "13800000001") -> ContactId:
        contact = ContactId(self.ids.new())
        flow = self.service.entry_point(dialled, bool(seat))
        assert flow is not None
        variables = {"caller": caller, "dialled": dialled, "seat": seat}
        self.service.perform(StartFlow(contact=contact, flow=flow, variables=variables))
        return contact

    def press(self, contact: ContactId, digits: str) -> None:
        for digit in digits:
            self.service.perform(FlowDigit(contact=contact, digit=digit, ended_at=self.clock.now()))

    def hear_out(self, contact: ContactId, **ends: Any) -> None:
        playback = self.asked(PlayPrompt)[-1].playback
        ends = {"finished": True} | ends
        self.service.perform(FlowPlaybackEnded(contact=contact, playback=playback, **ends))

    def hang_up(self, contact: ContactId) -> None:
        self.service.perform(EndFlow(contact=contact, abandoned=True))


@pytest.fixture
async def centre(database: Database, tmp_path: Path) -> AsyncIterator[Centre]:  # noqa: F811
    made = Centre(database, tmp_path / "prompts")
    await made.seed()
    await made.load()
    yield made
    await made.tasks.close()
    assert made.tasks.crashes == 0


def test_the_service_is_the_port() -> None:
    service: type[Flows] = FlowService
    assert service is not None


async def test_the_greeting_and_every_answer_from_the_cache_come_without_waiting(centre: Centre) -> None:
    contact = centre.call("95000")
    (greeting,) = centre.asked(PlayPrompt)
    assert sum(isinstance(item, FileItem) for item in greeting.items) == 2
    centre.hear_out(contact)
    assert len(centre.asked(PlayPrompt)) == 2
    centre.press(contact, "2")
    (queued,) = centre.asked(EnterQueue)
    assert queued.queue == "support"
    assert queued.chosen_at is not None


async def test_a_balance_comes_from_the_database_and_is_spoken(centre: Centre) -> None:
    contact = centre.call("95000")
    centre.press(contact, "3600001")
    keyed_at = centre.told(KeysEntered)[-1]
    assert keyed_at.keys == "600001"
    await centre.until(lambda: centre.asked(PlayPrompt)[-1].query is not None)
    prompt = centre.asked(PlayPrompt)[-1]
    assert prompt.query == ("find_account", "bank")
    assert "一百二十八元五角" in centre.voice.spoken
    assert "Zhang Wei" in centre.voice.spoken
    personal = [item for item in prompt.items if isinstance(item, StreamItem)]
    assert len(personal) == 4
    assert all("passing" in item.path for item in personal)
    centre.hear_out(contact)
    centre.hang_up(contact)
    assert centre.requests[-1] == FlowFinished(outcome=FlowOutcome.COMPLETED)
    assert os.listdir(centre.directory / "passing") == [], "what was spoken for a caller is deleted"
    assert "600001" not in str(os.listdir(centre.directory))


async def test_an_unknown_account_is_told_and_can_be_entered_again(centre: Centre) -> None:
    contact = centre.call("95000")
    centre.press(contact, "3999999#")
    await centre.until(lambda: centre.asked(PlayPrompt)[-1].query is not None)
    centre.hear_out(contact)
    centre.press(contact, "3600001#")
    await centre.until(lambda: "一百二十八元五角" in centre.voice.spoken)


async def test_database_away_the_caller_hears_an_apology_and_goes_to_the_operator(centre: Centre) -> None:
    contact = centre.call("95000")
    take_away(centre.database)
    centre.press(contact, "3600001#")
    await centre.until(lambda: bool(centre.told(QueryAnswered)))
    assert centre.told(QueryAnswered)[0].ok is False
    assert centre.told(FlowNodeEntered)[-1].node == "no_balance"
    centre.hear_out(contact)
    assert (await centre.request(EnterQueue)).queue == "operator"
    other = centre.call("95000")
    centre.hear_out(other)
    assert centre.told(FlowNodeEntered)[-1].node == "menu", "menus go on without the database"


async def test_a_call_back_is_promised_before_it_is_confirmed(centre: Centre) -> None:
    contact = centre.call("95000")
    centre.press(contact, "8")
    await centre.until(lambda: bool(centre.told(CallBackRequested)))
    (wish,) = centre.call_backs.wishes
    assert (wish.number, wish.queue, wish.contact) == ("13800000001", "support", contact)
    assert centre.told(CallBackRequested)[0].call_back == "call-back-1"
    centre.hear_out(contact)
    assert centre.requests[-2:] == [
        ReleaseCaller(),
        FlowFinished(outcome=FlowOutcome.COMPLETED, call_back=True),
    ]


async def test_a_caller_without_a_number_is_asked_for_one(centre: Centre) -> None:
    contact = centre.call("95000", caller="")
    centre.press(contact, "8")
    assert centre.told(FlowNodeEntered)[-1].node == "ask_number"
    centre.press(contact, "05711234567#")
    await centre.until(lambda: bool(centre.told(CallBackRequested)))
    assert centre.call_backs.wishes[0].number == "05711234567"


async def test_feature_codes_sign_in_and_out(centre: Centre) -> None:
    contact = centre.call("*11", seat="seat-04")
    centre.press(contact, "1004#1004#")
    await centre.until(lambda: centre.told(FlowNodeEntered)[-1].node == "done")
    assert centre.desk.agent_at(SeatId("seat-04")) == "1004"
    assert "1004" not in [fact.keys for fact in centre.told(KeysEntered)[1:]]
    for code, ready in (("*13", True), ("*14", False)):
        centre.call(code, seat="seat-04")
        await centre.until(lambda ready=ready: centre.desk.ready == {"1004": ready})
    centre.call("*12", seat="seat-04")
    await centre.until(lambda: centre.desk.agent_at(SeatId("seat-04")) is None)


@pytest.mark.parametrize(
    ("keys", "seat"), [("1004#9#", "seat-04"), ("9#1004#", "seat-04"), ("1004#1004#", "taken")]
)
async def test_a_wrong_sign_in_is_told(centre: Centre, keys: str, seat: str) -> None:
    centre.desk.seats[SeatId("taken")] = "1001"  # type: ignore[assignment]
    contact = centre.call("*11", seat=seat)
    centre.press(contact, keys)
    await centre.until(lambda: centre.told(FlowNodeEntered)[-1].node == "refused")


async def test_the_reference_flow_plays_the_tone_and_the_speech(centre: Centre) -> None:
    contact = centre.call("95003")
    tone, speech = (await centre.request(PlayPrompt)).items
    assert isinstance(tone, ToneItem)
    assert (tone.hertz, tone.seconds) == ((1004.0,), 2.0)
    assert speech == FileItem(path=str((centre.directory / "reference-speech.wav").resolve()), trim=False)
    centre.hear_out(contact)
    assert centre.requests[-1] == FlowFinished(outcome=FlowOutcome.COMPLETED)


async def test_every_number_of_the_demo_centre_starts(centre: Centre) -> None:
    for number, _, from_seat in DEMO_ENTRY_POINTS:
        before = len(centre.requests)
        centre.call(number, seat="seat-01" if from_seat else "")
        await centre.until(lambda before=before: len(centre.requests) > before)


async def test_a_session_goes_on_in_a_new_process(centre: Centre) -> None:
    contact = centre.call("95000")
    centre.press(contact, "36000")
    data = centre.service.snapshot(contact)
    assert data is not None
    centre.service = centre._service()
    await centre.load()
    assert centre.service.restore(contact, data)
    assert not centre.service.restore(contact, data), "once"
    centre.press(contact, "01#")
    await centre.until(lambda: "一百二十八元五角" in centre.voice.spoken)


async def test_a_session_in_a_sub_flow_goes_on_with_the_revisions_that_it_began_with(centre: Centre) -> None:
    contact = centre.call("95006")
    centre.press(contact, "216000")
    data = centre.service.snapshot(contact)
    assert data is not None
    assert data["parts"].keys() == {"identify"}
    centre.service = centre._service()
    await centre.load()
    assert not centre.service.restore(contact, data | {"parts": {"identify": "0"}})
    assert centre.service.restore(contact, data)
    centre.press(contact, "01")
    await centre.until(lambda: "one hundred twenty-eight yuan fifty" in centre.voice.spoken)


@pytest.mark.parametrize(
    ("calendars", "node"), [({"office": True}, "open"), ({"office": False}, "closed"), ({}, "open")]
)
async def test_a_flow_goes_by_the_calendars_that_there_are(
    centre: Centre, calendars: dict[str, bool], node: str
) -> None:
    centre.calendars = calendars
    contact = centre.call("95006")
    centre.press(contact, "23")
    await centre.until(lambda: node in [fact.node for fact in centre.told(FlowNodeEntered)])


async def test_a_session_finishes_on_its_version_while_others_begin_on_the_next_and_over_a_restart(
    centre: Centre,
) -> None:
    old = flow_of(
        "start: m\nnodes:\n  m: {kind: menu, prompt: {en: a}, choices: {1: e}, fallback: e, on_error: e}\n"
        "  e: {kind: hangup}"
    )
    new = flow_of("start: e\nnodes:\n  e: {kind: hangup, cause: busy}")
    flow = FlowId("test")
    await centre.versions.publish(old, at=centre.clock.wall(), by="test")
    await centre.service.load()
    contact = ContactId(centre.ids.new())
    centre.service.perform(StartFlow(contact=contact, flow=flow))
    await centre.request(PlayPrompt)
    await centre.versions.publish(new, at=centre.clock.wall(), by="test")
    await centre.service.load()
    centre.service.perform(StartFlow(contact=ContactId(centre.ids.new()), flow=flow))
    assert centre.asked(ReleaseCaller) == [ReleaseCaller(cause=ReleaseCause.BUSY)]
    data = centre.service.snapshot(contact)
    assert data is not None
    centre.service = centre._service()
    await centre.service.load()
    assert centre.service.restore(contact, data)
    await centre.request(PlayPrompt, 2)
    centre.press(contact, "1")
    assert centre.asked(ReleaseCaller)[-1] == ReleaseCaller(), "the end of the version that it began on"
    await centre.versions.choose("test", 1, at=centre.clock.wall(), by="test")
    await centre.service.load()
    centre.service.perform(StartFlow(contact=ContactId(centre.ids.new()), flow=flow))
    await centre.request(PlayPrompt, 3)


async def test_a_restored_session_speaks_its_prompt_again(centre: Centre) -> None:
    contact = centre.call("95000")
    data = centre.service.snapshot(contact)
    assert data is not None
    centre.service = centre._service()
    await centre.load()
    assert centre.service.restore(contact, data)
    await centre.request(PlayPrompt, 2)
    first, again = centre.asked(PlayPrompt)
    assert first.items == again.items


async def test_a_session_whose_revision_is_gone_is_not_restored(centre: Centre) -> None:
    contact = centre.call("95000")
    data = centre.service.snapshot(contact)
    assert data is not None
    centre.hang_up(contact)
    assert not centre.service.restore(contact, data | {"revision": "0"})
    assert not centre.service.restore(contact, data | {"session": {"v": 1}})
    assert centre.service.snapshot(contact) is None


async def test_without_speech_the_session_fails_and_counts_so(centre: Centre) -> None:
    centre.voice.away = True
    contact = centre.call("95000")
    centre.press(contact, "3600001#")
    await centre.until(lambda: bool(centre.asked(EnterQueue)))
    centre.hang_up(contact)
    assert centre.told(FlowLeft)[-1].outcome is FlowOutcome.FAILED
    assert centre.told(FlowLeft)[-1].cause == "tts_unavailable"


async def test_a_flow_nobody_published_releases_the_caller(centre: Centre) -> None:
    contact = ContactId(centre.ids.new())
    centre.service.perform(StartFlow(contact=contact, flow=FlowId("nothing")))
    assert centre.requests == [
        ReleaseCaller(cause=ReleaseCause.FAILED),
        FlowFinished(outcome=FlowOutcome.FAILED),
    ]
    assert centre.told(FlowLeft)[0].cause == "no_such_flow"


async def test_an_unexpected_error_ends_its_session_and_no_other(centre: Centre) -> None:
    healthy, ill = centre.call("95000"), centre.call("95000")

    def trip(asked: FlowAsked) -> None:
        if asked.contact == ill and isinstance(asked.request, EnterQueue):
            raise RuntimeError("a bug")
        centre.heard(asked)

    centre.service.listener = trip
    centre.press(ill, "1")
    assert centre.requests[-2:] == [
        ReleaseCaller(cause=ReleaseCause.FAILED),
        FlowFinished(outcome=FlowOutcome.FAILED),
    ]
    assert centre.told(FlowLeft)[-1].cause == "internal_error"
    assert centre.service.snapshot(ill) is None
    assert centre.service.snapshot(healthy) is not None
    assert centre.tasks.crashes == 1
    centre.tasks.crashes = 0


async def test_commands_for_sessions_that_are_over_are_dropped(centre: Centre) -> None:
    contact = centre.call("95000")
    centre.hang_up(contact)
    before = len(centre.requests)
    centre.press(contact, "1")
    centre.hang_up(contact)
    assert len(centre.requests) == before
    assert len(centre.asked(FlowFinished)) == 1


async def test_a_contact_is_in_one_flow(centre: Centre) -> None:
    contact = centre.call("95000")
    with pytest.raises(LocalMisuse):
        centre.service.perform(StartFlow(contact=contact, flow=FlowId("main")))


async def test_no_text_is_spoken_ahead_twice(centre: Centre) -> None:
    assert len(set(centre.voice.spoken)) == len(centre.voice.spoken)


async def test_texts_are_spoken_ahead_when_the_engine_comes_back(
    database: Database,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ivr.service.PREPARE_AGAIN_SECONDS", 0.01)
    centre = Centre(database, tmp_path / "prompts")
    centre.voice.away = True
    await centre.seed()
    await centre.service.load()
    assert centre.service.entry_point("95000", False) == "main", "loading does not wait for speech"
    centre.voice.away = False
    await centre.load()
    await centre.tasks.close()


async def test_a_file_is_played_from_the_directory_of_sounds_only(centre: Centre) -> None:
    text = """
    start: p
    nodes:
      p: {kind: play, sounds: [{file: news.wav}], next: e, on_error: e}
      e: {kind: hangup}
    """
    await centre.versions.publish(flow_of(text), at=centre.clock.wall(), by="test")
    await centre.service.load()
    contact = ContactId(centre.ids.new())
    centre.service.perform(StartFlow(contact=contact, flow=FlowId("test")))
    await centre.request(FlowFinished)
    assert centre.told(FlowLeft)[-1].cause == "sound_unavailable"


def test_the_settings_have_defaults_for_everything() -> None:
    assert IvrSettings().speech.sample_rate == 16000
