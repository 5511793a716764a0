"""Loads the demo centre of interface.md into an empty database, once."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

import msgspec
import structlog

from acd.calendars import Calendar
from acd.model import Agent, CallBackRules, Overflow, OverflowCause, Queue, TargetKind
from acd.named import NAMED
from acd.settings_store import SettingsStore
from acd.skills import SkillId
from acd.store import AcdStore
from ccplatform.app.foundation import Foundation
from ccplatform.app.settings import Settings, own_host
from ccplatform.contracts.words import AgentId, FlowId, QueueId, Role, SeatId, TrunkId
from ccplatform.security.users import UserAdministration
from cti.directory import seed_demo_customers
from cti.store import CustomerStore
from gateway.isdn.pri_link import libpri_installed
from gateway.sip.outbound_routes import OutboundRoute, TrunkChoice
from gateway.sip.trunk import Trunk, TrunkDirection
from gateway.store import GatewayStore
from ivr.demo import seed_customers
from ivr.document import shipped_flows
from ivr.store import EntryPoint, IvrStore
from ivr.versions import Versions

_log = structlog.get_logger("demo")


async def load_demo(ground: Foundation, settings: Settings) -> None:
    """Idempotent; a database that has queues already is left as it is but for the shipped flows
    that nobody touched."""
    acd = AcdStore(database=ground.database, tenant=ground.tenant)
    centre = tomllib.loads(files("config").joinpath("demo-centre.toml").read_text("utf-8"))
    await _load_flows(ground, centre)
    await _load_robot(ground, settings, acd, centre["robot"])
    if (await acd.load_all()).queues:
        return
    for skill in ("sales", "support", "operator"):
        await acd.save_skill(SkillId(skill), skill)
    for calendar in centre["calendars"]:
        await acd.save_calendar(msgspec.convert(calendar, Calendar, str_keys=True))
    settings_store = SettingsStore(database=ground.database, tenant=ground.tenant)
    for setting, kind in NAMED.items():
        for item in centre[f"{setting}s"]:
            await settings_store.save(setting, kind(**item))
    for queue in centre["queues"]:
        call_back = CallBackRules(**queue["call_back"]) if "call_back" in queue else None
        overflows = tuple(
            Overflow(cause=OverflowCause(over["cause"]), kind=TargetKind(over["kind"]), to=over["to"])
            for over in queue.get("overflows", ())
        )
        await acd.save_queue(
            Queue(
                id=QueueId(queue["id"]),
                name=queue["name"],
                skill=SkillId(queue["skill"]),
                overflows=overflows,
                call_back=call_back,
            )
        )
    for agent in centre["agents"]:
        await acd.save_agent(
            Agent(id=AgentId(agent["id"]), name=agent["name"], team=agent["team"], skills=agent["skills"])
        )
    await _load_gateway(ground, settings, centre)
    await _load_users(ground, centre)
    await seed_demo_customers(
        CustomerStore(database=ground.database, country=settings.cti.country_code, tenant=ground.tenant)
    )
    async with ground.database.transaction() as connection:
        await seed_customers(connection)
    _log.info("demo centre loaded", agents=len(centre["agents"]), queues=len(centre["queues"]))


async def _load_robot(ground: Foundation, settings: Settings, acd: AcdStore, robot: dict[str, str]) -> None:
    """The test seat whose robot answers mystery calls; also into a demo that is older than it."""
    store = _gateway_store(ground, settings)
    seat = SeatId(robot["seat"])
    if any(known.id == seat for known in await store.seats()):
        return
    await store.save_seat(seat, robot["sip_user"], robot["sip_password"])
    await acd.save_agent(Agent(id=AgentId(robot["agent"]), name=robot["name"]))


async def _load_flows(ground: Foundation, centre: dict[str, Any]) -> None:
    store = IvrStore(database=ground.database, tenant=ground.tenant)
    versions = Versions(database=ground.database, tenant=ground.tenant)
    for flow in shipped_flows():
        await versions.ship(flow, at=ground.clock.wall())
    for section, from_seat in (("numbers", False), ("feature_codes", True)):
        for number, flow_id in centre[section].items():
            entry = EntryPoint(number=number, flow=FlowId(flow_id), from_seat=from_seat)
            await store.save_entry_point(entry, keep=True)


async def _load_gateway(ground: Foundation, settings: Settings, centre: dict[str, Any]) -> None:
    store = _gateway_store(ground, settings)
    first = centre["seats"]["first_sip_user"]
    for index in range(centre["seats"]["count"]):
        user = str(first + index)
        await store.save_seat(SeatId(f"seat-{index + 1:02}"), user, f"demo-{user}")
    for trunk in centre["trunks"]:
        await store.trunks.save(
            Trunk(
                id=TrunkId(trunk["id"]),
                peers=tuple(trunk["peers"]),
                host=trunk.get("host"),
                port=trunk.get("port", 5060),
                capacity=trunk["capacity"],
                direction=TrunkDirection(trunk["direction"]),
            )
        )
    for span in settings.isdn.spans if libpri_installed() else ():
        trunk = Trunk(id=TrunkId(span.id), host=own_host(settings), port=span.sip_port, probe_seconds=10)
        await store.trunks.save(trunk)
    routes = [
        OutboundRoute(
            prefix=route["prefix"],
            choices=tuple(TrunkChoice(trunk=TrunkId(trunk)) for trunk in route["trunks"]),
        )
        for route in centre["routes"]
    ]
    await store.trunks.replace_routes(routes)


def _gateway_store(ground: Foundation, settings: Settings) -> GatewayStore:
    return GatewayStore(
        database=ground.database,
        vault=ground.vault,
        clock=ground.clock,
        realm=settings.sip.realm,
        tenant=ground.tenant,
    )


async def _load_users(ground: Foundation, centre: dict[str, Any]) -> None:
    users = UserAdministration(
        users=ground.users, passwords=ground.passwords, audit=ground.audit, clock=ground.clock
    )
    for user in centre["users"]:
        roles = [Role(role) for role in user["roles"]]
        await users.ensure(user["name"], user["password"], roles=roles, by="demo")
    for agent in centre["agents"]:
        number = agent["id"]
        await users.ensure(
            number,
            f"demo-{number}",
            roles=[Role.AGENT],
            by="demo",
            agent=AgentId(number),
            pin=number,
        )
