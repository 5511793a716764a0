"""A centre whose agents are all signed in at registered phones: what calls are measured in.

One process answers for all phones (:mod:`bench.phones`).
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import asyncpg
import httpx

from acd.model import Agent, Queue
from acd.skills import SkillId
from acd.store import AcdStore
from bench.figures import Figure
from bench.phones import Phones
from ccplatform.app.demo import load_demo
from ccplatform.app.foundation import lay_foundation
from ccplatform.app.places import Places, places_of
from ccplatform.app.settings import load_settings
from ccplatform.contracts.words import AgentId, FlowId, QueueId, SeatId
from ccplatform.storage.embedded import EmbeddedPostgres
from ccplatform.storage.migrate import migrate
from gateway.store import GatewayStore
from ivr.document import flow_from
from ivr.store import EntryPoint, IvrStore
from ivr.versions import Versions
from tests.support.milestone import PeerError
from tests.support.platform import PlatformProcess, logged_in

NUMBER, QUEUE = "95090", "bench"
ROLES = ("control", "media", "web")
#: The platform as it is delivered, unlike that of tests.
AS_SHIPPED = {"CCP_SIP__OVERLOAD__LAG_SECONDS": "0.2"}


def flow_into(queue: str) -> dict[str, object]:
    """Straight into the queue, nothing but music."""
    return {
        "flow": f"{queue}_queue",
        "title": "Bench",
        "languages": ["en"],
        "speak": ["en"],
        "start": "queue",
        "on_error": "end",
        "nodes": {
            "queue": {"kind": "queue", "queue": queue, "on_error": "end"},
            "end": {"kind": "hangup"},
        },
    }


@dataclass(slots=True, kw_only=True)
class Office:
    """The running platform, its agents and what was measured."""

    platform: PlatformProcess
    places: Places
    phones: Phones
    rest: httpx.AsyncClient
    agents: list[str]
    figures: list[Figure] = field(default_factory=list)

    def add(self, *figures: Figure | None) -> None:
        self.figures += [figure for figure in figures if figure is not None]

    async def set_state(self, agent: str, state: str, seat: str | None = None) -> None:
        body = {"state": state} if seat is None else {"state": state, "seat": seat}
        response = await self.rest.put(f"agents/{agent}/state", json=body)
        if response.status_code >= 300:
            raise PeerError(f"agent {agent} {body}: {response.status_code} {response.text[:300]}")

    async def set_all(self, state: str, *, sign_in: bool = False) -> None:
        """Some at a time, as web's connections to control allow."""
        order = iter(self.agents)

        async def some() -> None:
            for agent in order:
                await self.set_state(agent, state, f"seat-{agent}" if sign_in else None)

        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(some())

    async def facts(self, kind: str, since: datetime) -> list[asyncpg.Record]:
        """The journal's facts of one type from an instant on."""
        await asyncio.sleep(0.5)  # longer than the journal gathers
        connection = await asyncpg.connect(EmbeddedPostgres(self.places.postgres).dsn())
        try:
            query = "SELECT at, contact, data->>'agent' AS agent, data->>'state' AS state FROM journal"
            return await connection.fetch(f"{query} WHERE type = $1 AND at >= $2 ORDER BY at", kind, since)
        finally:
            await connection.close()

    async def cpu(self) -> dict[str, float]:
        return {role: self.platform.cpu_seconds(role) for role in ROLES}


def users_of(count: int) -> list[str]:
    """Agents, and the SIP users of their seats."""
    return [str(200_000 + number) for number in range(count)]


async def furnish(
    data_dir: Path,
    agents: Sequence[str],
    queues: Mapping[str, str] | None = None,
    unstaffed: Mapping[str, str] | None = None,
) -> Places:
    """A database with the demo centre, the agents and their seats, and queues by their numbers: those that the
    agents work in, as many in each, and those that nobody works in."""
    queues = queues or {NUMBER: QUEUE}
    names = list(queues.values())
    numbers = {**queues, **(unstaffed or {})}
    settings = load_settings(demo=True, flags={"node": {"data_dir": data_dir}})
    places = places_of(data_dir)
    places.prepare()
    server = EmbeddedPostgres(places.postgres)
    await asyncio.to_thread(server.start)
    ground = await lay_foundation(settings, places)
    try:
        await migrate(ground.database)
        await load_demo(ground, settings)
        acd = AcdStore(database=ground.database, tenant=ground.tenant)
        for name in numbers.values():
            await acd.save_skill(SkillId(name), name)
            queue = Queue(id=QueueId(name), name=name, skill=SkillId(name), wrap_up_seconds=0.0)
            await acd.save_queue(queue)
        seats = GatewayStore(
            database=ground.database,
            vault=ground.vault,
            clock=ground.clock,
            realm=settings.sip.realm,
            tenant=ground.tenant,
        )
        for place, agent in enumerate(agents):
            skills = {SkillId(names[place % len(names)]): 5}
            await acd.save_agent(Agent(id=AgentId(agent), name=agent, team="", skills=skills))
            await seats.save_seat(SeatId(f"seat-{agent}"), agent, f"demo-{agent}")
        flows = IvrStore(database=ground.database, tenant=ground.tenant)
        versions = Versions(database=ground.database, tenant=ground.tenant)
        for number, name in numbers.items():
            await versions.publish(flow_from(flow_into(name), "bench"), at=ground.clock.wall(), by="bench")
            entry = EntryPoint(number=number, flow=FlowId(f"{name}_queue"), from_seat=False)
            await flows.save_entry_point(entry)
    finally:
        await ground.tasks.close()
        await ground.database.close()
        await asyncio.to_thread(server.stop)
    return places


@asynccontextmanager
async def office(
    agents: int,
    *,
    queues: Mapping[str, str] | None = None,
    unstaffed: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    rtp_ports: int = 3000,
) -> AsyncIterator[Office]:
    """So many agents at registered phones, and ``sup1``, who asks by REST: nobody has signed in yet."""
    users = users_of(agents)
    with tempfile.TemporaryDirectory(prefix="ccb-") as directory:
        data_dir = Path(directory) / "data"
        places = await furnish(data_dir, users, queues, unstaffed)
        settings = AS_SHIPPED | dict(environment or {})
        platform = PlatformProcess(data_dir, rtp_ports=rtp_ports, environment=settings)
        try:
            await asyncio.to_thread(platform.start)
            with Phones(platform.sip, users) as phones:
                async with logged_in(platform.http, "sup1", "demo-sup1") as rest:
                    await asyncio.to_thread(phones.register)
                    yield Office(platform=platform, places=places, phones=phones, rest=rest, agents=users)
            await asyncio.to_thread(platform.stop)
        finally:
            platform.close()
