"""Joins the kinds of settings of all packages: what one package's items need of another's is said here."""

from __future__ import annotations

from collections.abc import Collection
from zoneinfo import ZoneInfo

from fastapi import APIRouter

from acd.holiday_routes import build_router as build_holiday_routes
from acd.kinds import kinds as acd_kinds
from acd.settings_store import SettingsStore
from ccplatform.app.foundation import Foundation
from ccplatform.calls.calling_kinds import kinds as calling_kinds
from ccplatform.calls.calling_store import CallingStore
from ccplatform.configuration.changes import Changes
from ccplatform.configuration.routes import add_kind
from ccplatform.configuration.users import user_kind
from ccplatform.contracts.commands import Setting
from ccplatform.contracts.ports import Control
from ccplatform.security.access import Access
from ccplatform.security.users import UserAdministration
from cti.documents import DeskDocuments
from cti.linking.kind import kind as link_kind
from cti.publishing.kind import kind as article_kind
from cti.publishing.store import ArticleStore
from cti.scripting.kind import kind as script_kind
from gateway.seat_kind import kind as seat_kind
from gateway.store import GatewayStore
from ivr.number_kind import NumbersKept, number_kind
from ivr.store import IvrStore
from ivr.versions import Versions
from metrics.adherence.kind import Shifts, shift_kind
from metrics.adherence.store import ShiftStore
from recording.rules import RuleStore, rule_kind


def settings_store(ground: Foundation) -> SettingsStore:
    """The ACD's settings as people read them."""
    return SettingsStore(database=ground.database, tenant=ground.tenant)


def article_store(ground: Foundation) -> ArticleStore:
    """What is published for agents."""
    return ArticleStore(database=ground.database, tenant=ground.tenant)


def desk_documents(ground: Foundation, kind: str) -> DeskDocuments:
    """Settings of desks of one kind."""
    return DeskDocuments(kind, database=ground.database, tenant=ground.tenant)


def numbers_kept(ground: Foundation, control: Control) -> NumbersKept:
    """The numbers, by the calendars that there are."""
    acd = settings_store(ground)

    async def calendars() -> Collection[str]:
        return await acd.documents(Setting.CALENDAR)

    return NumbersKept(IvrStore(database=ground.database, tenant=ground.tenant), control, calendars)


def shifts_kept(ground: Foundation, zone: ZoneInfo) -> Shifts:
    """What is planned for agents, for the reasons that there are; ``zone`` is the node's."""
    acd = settings_store(ground)

    async def knows_agent(agent: str) -> bool:
        return bool(await acd.documents(Setting.AGENT, agent))

    async def knows_reason(reason: str) -> bool:
        return bool(await acd.documents(Setting.REASON, reason))

    store = ShiftStore(database=ground.database, tenant=ground.tenant)
    return Shifts(store, clock=ground.clock, zone=zone, knows_agent=knows_agent, knows_reason=knows_reason)


def build_configuration(
    ground: Foundation,
    *,
    access: Access,
    control: Control,
    changes: Changes,
    seats: GatewayStore,
    recording_names: frozenset[str],
    shifts: Shifts,
) -> APIRouter:
    """``configuration/…`` of every kind that has its list there; ``recording_names`` are those of the rules of the
    settings file."""
    acd = settings_store(ground)

    async def knows_agent(agent: str) -> bool:
        return bool(await acd.documents(Setting.AGENT, agent))

    async def knows_team(team: str) -> bool:
        return bool(await acd.documents(Setting.TEAM, team))

    async def overseers_of(team: str) -> list[str]:
        return [f"supervisor {user.name}" for user in await users.list_users() if team in user.teams]

    async def knows_queue(queue: str) -> bool:
        return bool(await acd.documents(Setting.QUEUE, queue))

    async def told_team(team: str) -> list[str]:
        return await articles.naming("teams", team)

    async def told_queue(queue: str) -> list[str]:
        return await articles.naming("queues", queue)

    async def recorded_team(team: str) -> list[str]:
        return await rules.naming("teams", team)

    async def recorded_queue(queue: str) -> list[str]:
        return await rules.naming("queues", queue)

    async def recorded_agent(agent: str) -> list[str]:
        return await rules.naming("agents", agent)

    rules = RuleStore(database=ground.database, tenant=ground.tenant)
    articles = article_store(ground)
    links = desk_documents(ground, "crm_link")
    scripts = desk_documents(ground, "script")
    numbers = numbers_kept(ground, control)
    versions = Versions(database=ground.database, tenant=ground.tenant)
    users = UserAdministration(
        users=ground.users, passwords=ground.passwords, audit=ground.audit, clock=ground.clock
    )
    router = APIRouter(tags=["configuration"])
    for kind in (
        *acd_kinds(
            store=acd,
            control=control,
            also={
                Setting.CALENDAR: (numbers.opened_by, versions.going_by),
                Setting.TEAM: (overseers_of, told_team, recorded_team),
                Setting.QUEUE: (told_queue, links.naming, scripts.naming, recorded_queue),
                Setting.AGENT: (recorded_agent, shifts.planned_for),
            },
        ),
        seat_kind(store=seats, control=control, also=(acd.sitting_at,)),
        number_kind(numbers),
        *calling_kinds(
            store=CallingStore(database=ground.database, tenant=ground.tenant),
            control=control,
            knows_agent=knows_agent,
        ),
        article_kind(store=articles, knows_team=knows_team, knows_queue=knows_queue),
        link_kind(documents=links, knows_queue=knows_queue),
        rule_kind(
            store=rules,
            control=control,
            taken=recording_names,
            known={"queues": knows_queue, "agents": knows_agent, "teams": knows_team},
        ),
        shift_kind(shifts),
        script_kind(documents=scripts, knows_queue=knows_queue),
        user_kind(users=users, knows_agent=knows_agent, knows_team=knows_team),
    ):
        add_kind(router, kind, access=access, changes=changes)
    router.include_router(build_holiday_routes(access))
    return router
