"""What people configure of the ACD, as they read it: all of a kind, or one item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import msgspec

from acd.calendars import Calendar
from acd.model import Agent, Queue, TargetKind
from acd.named import Named
from acd.store import AGENTS, CALENDARS, QUEUES, agent_of, calendar_of, queue_of
from ccplatform.contracts.commands import Setting
from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.storage.database import Database

_SKILLS: Final = "SELECT id, name FROM skills WHERE tenant = $1 AND ($2::text IS NULL OR id = $2) ORDER BY id"


class SettingsStore:
    """Plain documents of one tenant. Every method raises DatabaseUnavailable while the database is away."""

    def __init__(self, *, database: Database, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def documents(self, setting: Setting, name: str | None = None) -> dict[str, dict[str, Any]]:
        """Items of a kind by id, without it; all, or the one of this id if there is one."""
        async with self._database.connection() as connection:
            match setting:
                case Setting.AGENT:
                    things: list[Any] = [
                        agent_of(row) for row in await connection.fetch(AGENTS, self._tenant, name)
                    ]
                case Setting.QUEUE:
                    things = [queue_of(row) for row in await connection.fetch(QUEUES, self._tenant, name)]
                case Setting.CALENDAR:
                    things = [calendar_of(row) for row in await connection.fetch(CALENDARS, self._tenant, name)]
                case Setting.SKILL:
                    rows = await connection.fetch(_SKILLS, self._tenant, name)
                    return {row["id"]: {"name": row["name"]} for row in rows}
                case _:
                    rows = await connection.fetch(
                        """
                        SELECT id, document FROM named_settings
                        WHERE tenant = $1 AND kind = $2 AND ($3::text IS NULL OR id = $3) ORDER BY id
                        """,
                        self._tenant,
                        setting,
                        name,
                    )
                    return {row["id"]: row["document"] for row in rows}
        return {thing.id: _document(thing) for thing in things}

    async def save(self, setting: Setting, item: Named) -> None:
        """Add or replace a team, a reason or a disposition."""
        document = {field: value for field, value in asdict(item).items() if field != "id"}
        async with self._database.connection() as connection:
            await connection.execute(
                """
                INSERT INTO named_settings (tenant, kind, id, document) VALUES ($1, $2, $3, $4)
                ON CONFLICT (tenant, kind, id) DO UPDATE SET document = excluded.document
                """,
                self._tenant,
                setting,
                item.id,
                document,
            )

    async def remove(self, setting: Setting, name: str) -> None:
        """Forget a team, a reason or a disposition."""
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM named_settings WHERE tenant = $1 AND kind = $2 AND id = $3",
                self._tenant,
                setting,
                name,
            )

    async def users(self, setting: Setting, name: str) -> list[str]:
        """What names an item of the ACD's own and keeps it from being removed."""
        match setting:
            case Setting.SKILL:
                agents, queues = await self._agents(), await self._queues()
                return [f"agent {agent.id}" for agent in agents if name in agent.skills] + [
                    f"queue {queue.id}" for queue in queues if queue.needs_skill(name)
                ]
            case Setting.CALENDAR:
                return [f"queue {queue.id}" for queue in await self._queues() if name in queue.calendars()]
            case Setting.QUEUE:
                others = [f"queue {queue.id}" for queue in await self._queues() if queue.overflows_to(name)]
                dispositions = await self.documents(Setting.DISPOSITION)
                return others + [
                    f"disposition {one}" for one, document in dispositions.items() if name in document["queues"]
                ]
            case Setting.TEAM:
                return [f"agent {agent.id}" for agent in await self._agents() if agent.team == name]
            case _:
                return []

    async def calendars(self) -> dict[str, Calendar]:
        """The calendars, by id."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(CALENDARS, self._tenant, None)
        return {calendar.id: calendar for calendar in map(calendar_of, rows)}

    async def call_back_queues(self, trunk: str) -> list[str]:
        """The queues whose call-backs go over a trunk."""
        return [
            f"queue {queue.id}"
            for queue in await self._queues()
            if queue.call_back is not None and queue.call_back.trunk == trunk
        ]

    async def overflowing_to(self, flow: str) -> list[str]:
        """The queues whose callers overflow to a flow, or meet it after the talk."""
        return [
            f"queue {queue.id}"
            for queue in await self._queues()
            if queue.after_talk == flow
            or any(over.kind is TargetKind.FLOW and over.to == flow for over in queue.overflows)
        ]

    async def sitting_at(self, seat: str) -> list[str]:
        """The agent who is signed in at a seat, if any."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT agent FROM agent_presence WHERE tenant = $1 AND seat = $2", self._tenant, seat
            )
        return [f"agent {row['agent']}, who is signed in there" for row in rows]

    async def _agents(self) -> list[Agent]:
        async with self._database.connection() as connection:
            return [agent_of(row) for row in await connection.fetch(AGENTS, self._tenant, None)]

    async def _queues(self) -> list[Queue]:
        async with self._database.connection() as connection:
            return [queue_of(row) for row in await connection.fetch(QUEUES, self._tenant, None)]


def _document(thing: Any) -> dict[str, Any]:
    plain: Mapping[str, Any] = msgspec.to_builtins(thing, str_keys=True)
    return {field: value for field, value in plain.items() if field != "id"}
