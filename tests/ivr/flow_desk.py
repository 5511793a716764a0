"""The REST of flows put together for tests, with control in their hands."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ccplatform.app.http import build_http
from ccplatform.configuration.changes import Changes
from ccplatform.configuration.routes import add_kind
from ccplatform.contracts.commands import Answer, Command, Done, ReloadFlows
from ccplatform.contracts.words import Role
from ccplatform.kernel.errors import Unavailable
from ccplatform.security.routes import build_router as build_security_router
from ccplatform.storage.database import Database
from ivr.errors import SpeechUnheard
from ivr.flow_kind import FlowsKept, flow_kind
from ivr.heat import HeatStore
from ivr.number_kind import NumbersKept, number_kind
from ivr.number_routes import build_router as build_number_router
from ivr.previews import Previews
from ivr.prompt_routes import build_router as build_prompt_router
from ivr.recordings import Recordings
from ivr.routes import build_router
from ivr.settings import IvrSettings
from ivr.simulator.ears import Ears
from ivr.simulator.playing import IsOpen
from ivr.simulator.routes import build_router as build_simulator_router
from ivr.simulator.service import Simulator
from ivr.simulator.sounds import Sounds
from ivr.speech.recognition.port import Hypothesis, TapPlace
from ivr.store import IvrStore
from ivr.surroundings import Surroundings
from ivr.tapped import HEADER
from ivr.uploads import Uploads
from ivr.versions import Versions
from tests.ivr.doubles import Voice
from tests.security.desk import Desk, bearer, open_desk

FLOW = """
flow: hours
title: Opening hours
languages: [zh, en]
start: tell
nodes:
  tell:
    kind: say
    prompt: {zh: 营业时间, en: We are open}
    on_error: end
    next: end
  end: {kind: hangup}
"""


class Control:
    """Counts how often it was told to take flows anew; ``away`` it cannot be told."""

    def __init__(self) -> None:
        self.reloads: list[str] = []
        self.away = False

    async def ask(self, command: Command) -> Answer:
        if self.away:
            raise Unavailable("control is away")
        assert isinstance(command, ReloadFlows)
        self.reloads.append(command.by)
        return Done()


class Source:
    """A data source: one row a query, or none; remembers what it was asked."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, str]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def ask(self, name: str, parameters: Mapping[str, str], *, secret: bool) -> dict[str, str] | None:
        self.asked.append((name, dict(parameters)))
        return self.rows.get(name)


class Ear:
    """A recogniser of English that reads what it is sent, at 8 kHz, and always hears its first phrase."""

    def __init__(self, directory: Path) -> None:
        self.heard: list[tuple[str, tuple[str, ...] | None, int]] = []
        self._directory = directory
        self._listeners: dict[str, socket.socket] = {}
        self._asked: dict[str, tuple[str, tuple[str, ...] | None]] = {}
        self._reading: dict[str, asyncio.Future[int]] = {}

    async def prepare(self, languages: Collection[str]) -> None:
        pass

    async def open(
        self, hearing: str, language: str, phrases: Sequence[str] | None, alternatives: int
    ) -> TapPlace:
        if language != "en":
            raise SpeechUnheard("nobody hears it")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = str(self._directory / f"{hearing}.sock")
        listener.bind(path)
        listener.listen(1)
        self._listeners[hearing] = listener
        self._asked[hearing] = (language, None if phrases is None else tuple(phrases))
        self._reading[hearing] = asyncio.ensure_future(asyncio.to_thread(self._read, listener))
        return TapPlace(path=path, rate=8000)

    def begin(self, hearing: str, at: float) -> None:
        assert at == 0

    async def end(self, hearing: str) -> tuple[Hypothesis, ...]:
        language, phrases = self._asked[hearing]
        self.heard.append((language, phrases, await self._reading[hearing]))
        return (Hypothesis(text=(phrases or ("anything",))[0], confidence=0.9),)

    @staticmethod
    def _read(listener: socket.socket) -> int:
        """The samples of an utterance that is sent at once and whole."""
        connection, samples = listener.accept()[0], 0
        connection.settimeout(0.2)
        with connection, suppress(TimeoutError):
            while packet := connection.recv(8192):
                samples += (len(packet) - HEADER.size) // 2
        return samples

    def close_hearing(self, hearing: str) -> None:
        if hearing in self._listeners:
            self._listeners.pop(hearing).close()

    async def close(self) -> None:
        pass


@dataclass(kw_only=True)
class FlowDesk:
    """Who may do what: boss changes, looks only looks, agent nothing."""

    desk: Desk
    client: httpx.AsyncClient
    control: Control
    versions: Versions
    recordings: Recordings
    store: IvrStore
    source: Source
    numbers: NumbersKept
    recogniser: Ear
    needs: list[str] = field(default_factory=list)

    async def text(self, name: str = "hours", **query: Any) -> str:
        """The exported YAML."""
        return (await self.client.get(f"flows/{name}/export", params=query)).text

    async def save(self, text: str = FLOW, status: int = 200, if_match: str = "*") -> httpx.Response:
        """Import a document as the draft."""
        answer = await self.client.post("flows/import", content=text.encode(), headers={"If-Match": if_match})
        assert answer.status_code == status, answer.text
        return answer

    async def publish(self, name: str = "hours", status: int = 200, note: str = "") -> Any:
        """Publish the draft; the answer."""
        answer = await self.client.post(f"flows/{name}/publish", json={"note": note})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def get(self, path: str, status: int = 200, query: dict[str, Any] | None = None) -> Any:
        """GET; the JSON."""
        answer = await self.client.get(path, params=query)
        assert answer.status_code == status, answer.text
        return answer.json()


@asynccontextmanager
async def flow_desk(
    database: Database,
    directory: Path,
    *,
    calendars: Collection[str] = ("workdays",),
    queues: Collection[str] = ("sales",),
) -> AsyncIterator[FlowDesk]:
    """The routes on a database."""
    desk, control = open_desk(database), Control()
    await desk.add("boss", Role.ADMIN)
    await desk.add("looks", Role.AUDITOR)
    await desk.add("agent", Role.AGENT)
    versions, recordings, store = (
        Versions(database=database),
        Recordings(database=database),
        IvrStore(database=database),
    )
    needs: list[str] = []

    async def around() -> Surroundings:
        flows = await versions.current_documents()
        return Surroundings(queues=queues, trunks=["lab"], queries=["balance"], calendars=calendars, flows=flows)

    async def all_calendars() -> Collection[str]:
        return calendars

    async def needed(name: str) -> list[str]:
        return needs

    keeper = FlowsKept(
        versions=versions,
        recordings=recordings,
        control=control,
        clock=desk.clock,
        around=around,
        essential=("voice_mail",),
    )
    numbers = NumbersKept(store, control, all_calendars)
    changes = Changes(audit=desk.audit)
    kind = flow_kind(keeper, also=(numbers.answered_by, needed))
    flows = build_router(access=desk.access, kind=kind, keeper=keeper, versions=versions, changes=changes)
    settings = IvrSettings()
    prompts = build_prompt_router(
        access=desk.access,
        kind=kind,
        keeper=keeper,
        recordings=recordings,
        versions=versions,
        heat=HeatStore(database=database),
        uploads=Uploads(settings),
        previews=Previews(speech=Voice(), recordings=recordings, directory=directory, rate=8000),
        changes=changes,
        clock=desk.clock,
    )
    source, recogniser = Source(), Ear(directory)

    async def opening_hours() -> IsOpen:
        return lambda name, at: at.weekday() < 5 if name in calendars else None

    simulator = Simulator(
        keeper=keeper,
        versions=versions,
        recordings=recordings,
        queries=source,
        calendars=opening_hours,
        clock=desk.clock,
    )
    previews = Previews(speech=Voice(), recordings=recordings, directory=directory, rate=8000)
    simulated = build_simulator_router(
        access=desk.access,
        simulator=simulator,
        sounds=Sounds(previews=previews, recordings=recordings, directory=None, rate=8000),
        ears=Ears(recogniser),
        audit=desk.audit,
    )
    answering = build_number_router(access=desk.access, keeper=numbers, calendars=opening_hours)
    add_kind(flows, number_kind(numbers), access=desk.access, changes=changes)
    security = build_security_router(access=desk.access, login=desk.login, audit=desk.audit)

    async def readiness() -> dict[str, Any]:
        return {"ready": True}

    app = build_http(
        routers=[answering, simulated, prompts, flows, security],
        root_routers=[],
        readiness=readiness,
        pages=None,
        max_body_bytes=1 << 22,
    )
    transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://centre.test/api/v1/") as client:
        client.headers = httpx.Headers(await bearer(client, "boss"))
        yield FlowDesk(
            desk=desk,
            client=client,
            control=control,
            versions=versions,
            recordings=recordings,
            store=store,
            source=source,
            numbers=numbers,
            recogniser=recogniser,
            needs=needs,
        )
