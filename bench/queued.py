"""Queued calls through the whole platform: how soon the agent's phone has the INVITE, and what a call costs.

``python -m bench.queued [--only ready,enters] [--agents 1000] [--waiting 500] [--rate 50] [--json FILE]``

A platform of its own with ``--agents`` agents who are all signed in at registered phones (one process answers for
them all) and one queue. ``ready``: ``--waiting`` callers wait; one agent after the other becomes ready by REST,
and his phone rings. ``enters``: the agents are ready; SIPp calls at ``--rate`` a second, and each call is offered
at once, answered and held for a second. Latencies run from the fact (its stamp in the journal) or the REST request
to the kernel's stamp of the INVITE at the phone; CPU is that of each process beyond an idle platform. Beside other
work begin it with ``nice -n -15``.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx

from acd.model import Agent, Queue
from acd.skills import SkillId
from acd.store import AcdStore
from bench.figures import Figure, add_phases, conditions, distribution, percentile, show, single, write_json
from bench.phones import Answer, Phones, Rung
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
from tests.support import sipp
from tests.support.milestone import PeerError
from tests.support.platform import PlatformProcess, logged_in

NUMBER, QUEUE = "95090", "bench"
#: Goals: 20 ms at the 99th percentile for an agent who becomes ready, 5 ms at the 95th for a contact that enters.
READY_GOAL_MS, ENTERS_GOAL_MS = 20.0, 5.0
#: CPU of a whole queued call of Asterisk on a machine like this one, ms.
ASTERISK_MS = 3.5
PHASES = ("ready", "enters")
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
class Bench:
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
    agents: list[str],
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


async def ready_phase(bench: Bench, options: argparse.Namespace) -> None:
    """Callers wait; agents become ready."""
    phones = bench.phones
    phones.behave(Answer.REJECT)  # who rejects is not ready any more, and the caller waits on
    await asyncio.to_thread(phones.call, NUMBER, options.waiting, 40.0)
    try:
        await asyncio.sleep(1.0)
        phones.rung()
        asked: dict[str, float] = {}
        begun = datetime.now(UTC)
        for agent in bench.agents[: options.samples]:
            await asyncio.sleep(1 / options.readies)
            asked[agent] = time.time()
            await bench.set_state(agent, "ready")
        changes = await bench.facts("AgentStateChanged", begun)
        rung = {one.user: one.at for one in phones.rung()}
    finally:
        phones.hang_up()
    if len(rung) != len(asked):
        raise PeerError(f"{len(asked)} agents became ready, {len(rung)} phones rang")
    became = {row["agent"]: row["at"].timestamp() for row in changes if row["state"] == "ready"}
    note = f"{len(bench.agents)} agents signed in, {options.waiting} callers wait"
    inside = [rung[agent] - became[agent] for agent in asked if agent in became]
    whole = [rung[agent] - at for agent, at in asked.items()]
    bench.add(
        distribution("agent is ready → INVITE at his phone", inside, note=note),
        p99("agent is ready → INVITE, p99", inside, READY_GOAL_MS, note),
        distribution("PUT state ready → INVITE at his phone", whole, note=note),
        p99("PUT state ready → INVITE, p99", whole, READY_GOAL_MS, f"{note}; REST and the presence row included"),
    )


async def enters_phase(bench: Bench, options: argparse.Namespace) -> None:
    """Agents are ready; callers come."""
    platform, phones = bench.platform, bench.phones
    phones.behave(Answer.TALK)
    await bench.set_all("ready")
    await sipp.run("uac", platform.sip, number=NUMBER, calls=20, rate=20)
    phones.rung()
    before, begun = await bench.cpu(), time.monotonic()
    await asyncio.sleep(2)
    after = await bench.cpu()
    idle = {role: (after[role] - before[role]) / (time.monotonic() - begun) for role in ROLES}
    since, before, begun = datetime.now(UTC), after, time.monotonic()
    count = round(options.rate * options.seconds)
    result = await sipp.run(
        "uac",
        platform.sip,
        number=NUMBER,
        calls=count,
        rate=options.rate,
        hold=1.0,
        limit=options.seconds + 60,
    )
    elapsed, after = time.monotonic() - begun, await bench.cpu()
    queued = {str(row["contact"]): row["at"].timestamp() for row in await bench.facts("Queued", since)}
    arrived = {str(row["contact"]): row["at"].timestamp() for row in await bench.facts("ContactArrived", since)}
    rung = phones.rung()
    note = f"{options.rate:g} calls/s, {len(bench.agents)} agents ready, {result.failed} of {count} failed"
    bench.add(
        distribution(
            "enters a queue → INVITE at the agent", _after(queued, rung), goal_ms=ENTERS_GOAL_MS, note=note
        ),
        distribution("call arrives → INVITE at the agent", _after(arrived, rung), note=note),
    )
    for role in ROLES:
        used = (after[role] - before[role] - idle[role] * elapsed) * 1000 / max(1, result.successful)
        goal = ASTERISK_MS if role == "control" else None
        what = "goal: all of Asterisk's" if role == "control" else f"idle {idle[role]:.0%} of a core"
        bench.add(single(f"CPU of a whole queued call, {role}", used, "ms", goal=goal, note=what))


def _after(facts: dict[str, float], rung: list[Rung]) -> list[float]:
    return [one.at - facts[one.contact] for one in rung if one.contact in facts]


def p99(name: str, seconds: list[float], goal: float, note: str) -> Figure | None:
    """The 99th percentile as a figure of its own: goals of tables are for the 95th."""
    if not seconds:
        return None
    return single(name, percentile(sorted(seconds), 0.99) * 1000, "ms", goal=goal, note=note)


async def run(options: argparse.Namespace) -> int:
    """All phases asked for, on one platform."""
    facts, problems = conditions(), []
    figures: list[Figure] = []
    agents = users_of(options.agents)
    phases: dict[str, Callable[[Bench, argparse.Namespace], Awaitable[None]]] = {
        "ready": ready_phase,
        "enters": enters_phase,
    }
    with tempfile.TemporaryDirectory(prefix="ccb-") as directory:
        data_dir = Path(directory) / "data"
        places = await furnish(data_dir, agents)
        platform = PlatformProcess(data_dir, rtp_ports=3000, environment=AS_SHIPPED)
        try:
            await asyncio.to_thread(platform.start)
            with Phones(platform.sip, agents) as phones:
                async with logged_in(platform.http, "sup1", "demo-sup1") as rest:
                    bench = Bench(platform=platform, places=places, phones=phones, rest=rest, agents=agents)
                    await asyncio.to_thread(phones.register)
                    await bench.set_all("not_ready", sign_in=True)
                    for name in options.only:
                        try:
                            await phases[name](bench, options)
                        except PeerError as error:
                            problems.append(f"{name}: {error}")
                    figures = bench.figures
            await asyncio.to_thread(platform.stop)
        finally:
            platform.close()
    show("Queued calls", figures, facts, problems)
    if options.json:
        write_json(options.json, figures, facts, problems)
    return 1 if problems else 0


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_phases(parser, PHASES)
    parser.add_argument("--agents", type=int, default=1000, help="agents who are signed in")
    parser.add_argument("--waiting", type=int, default=500, help="callers who wait in the ready phase")
    parser.add_argument("--samples", type=int, default=300, help="agents who become ready in the ready phase")
    parser.add_argument("--readies", type=float, default=20.0, help="of them, at most, a second")
    parser.add_argument("--rate", type=float, default=50.0, help="calls a second of the enters phase")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long they are offered")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(asyncio.run(run(parse())))
