"""Agents, skills, queues and presence in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from acd.calendars import Calendar
from acd.engine import Presence
from acd.errors import IllegalSetting, InUse, SeatTaken, UnknownAgent
from acd.events import Standing
from acd.expected_wait import Learned
from acd.model import Agent, Queue, Strategy
from acd.skills import SkillId, skills_of
from ccplatform.contracts.words import DEFAULT_TENANT, AgentId, AgentState, QueueId, SeatId, TenantId
from ccplatform.storage.database import Connection, Database

#: Fields of a queue that are kept together in one column.
_RULES = (
    "requires",
    "rings",
    "rung_at_most",
    "ring_more_seconds",
    "capacity",
    "gives_way",
    "max_wait_seconds",
    "overflows",
    "calendar",
    "call_back",
    "whisper",
    "after_talk",
)

#: Of a tenant, all or one by id.
AGENTS: Final = """
    SELECT a.id, a.name, a.team, a.position,
           array_agg(s.skill ORDER BY s.skill) FILTER (WHERE s.skill IS NOT NULL) AS skills,
           array_agg(s.level ORDER BY s.skill) FILTER (WHERE s.skill IS NOT NULL) AS levels
    FROM agents a LEFT JOIN agent_skills s ON s.tenant = a.tenant AND s.agent = a.id
    WHERE a.tenant = $1 AND ($2::text IS NULL OR a.id = $2)
    GROUP BY a.id, a.name, a.team, a.position
    ORDER BY a.id
"""
QUEUES: Final = """
    SELECT id, name, skill, min_level, strategy, ring_seconds, wrap_up_seconds, weight,
           service_level_seconds, service_level_ratio, max_waiting, music, rules::text AS rules
    FROM queues WHERE tenant = $1 AND ($2::text IS NULL OR id = $2) ORDER BY id
"""
CALENDARS: Final = """
    SELECT id, document::text AS document FROM calendars
    WHERE tenant = $1 AND ($2::text IS NULL OR id = $2) ORDER BY id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPresence:
    """A presence row; ``since`` when it was set, ``standing`` what the agent was at ``standing_at``, if known."""

    presence: Presence
    since: datetime
    standing: Standing | None = None
    standing_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPace:
    """What a queue had learned about its pace, and when."""

    queue: QueueId
    at: datetime
    learned: Learned


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Everything the engine starts from."""

    agents: tuple[Agent, ...]
    queues: tuple[Queue, ...]
    presence: tuple[StoredPresence, ...]
    calendars: tuple[Calendar, ...] = ()
    paces: tuple[StoredPace, ...] = ()


class AcdStore:
    """The ACD's tables of one tenant. Every method raises DatabaseUnavailable while the database is away."""

    def __init__(self, *, database: Database, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def load_all(self) -> Stored:
        """Agents, queues and presence as of one instant; raises IllegalSetting for a row that breaks a rule."""
        async with self._database.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            agents = await connection.fetch(AGENTS, self._tenant, None)
            queues = await connection.fetch(QUEUES, self._tenant, None)
            presence = await connection.fetch(
                """
                SELECT p.agent, p.seat, p.asked, p.reason, p.since, s.at, s.standing::text AS standing
                FROM agent_presence p LEFT JOIN agent_standings s ON s.tenant = p.tenant AND s.agent = p.agent
                WHERE p.tenant = $1
                ORDER BY p.agent
                """,
                self._tenant,
            )
            paces = await connection.fetch(
                "SELECT queue, at, pace::text AS pace FROM queue_paces WHERE tenant = $1 ORDER BY queue",
                self._tenant,
            )
            calendars = await connection.fetch(CALENDARS, self._tenant, None)
        return Stored(
            agents=tuple(agent_of(row) for row in agents),
            queues=tuple(queue_of(row) for row in queues),
            presence=tuple(_presence(row) for row in presence),
            calendars=tuple(calendar_of(row) for row in calendars),
            paces=tuple(
                StoredPace(
                    queue=row["queue"], at=row["at"], learned=msgspec.json.decode(row["pace"], type=Learned)
                )
                for row in paces
            ),
        )

    async def save_skill(self, skill: SkillId, name: str) -> None:
        """Add or rename a skill."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                INSERT INTO skills (tenant, id, name) VALUES ($1, $2, $3)
                ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name
                """,
                self._tenant,
                skill,
                name,
            )

    async def save_agent(self, agent: Agent) -> None:
        """Add or replace an agent with his skills; raises IllegalSetting for a skill that is not known."""
        async with self._database.transaction() as connection:
            await connection.execute(
                """
                INSERT INTO agents (tenant, id, name, team, position) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (tenant, id) DO UPDATE SET
                    name = excluded.name, team = excluded.team, position = excluded.position
                """,
                self._tenant,
                agent.id,
                agent.name,
                agent.team,
                agent.position,
            )
            await self._require_skills(connection, f"agent {agent.id}", "skills.", list(agent.skills))
            await connection.execute(
                "DELETE FROM agent_skills WHERE tenant = $1 AND agent = $2", self._tenant, agent.id
            )
            await connection.executemany(
                "INSERT INTO agent_skills (tenant, agent, skill, level) VALUES ($1, $2, $3, $4)",
                [(self._tenant, agent.id, skill, level) for skill, level in agent.skills.items()],
            )

    async def remove_agent(self, agent: AgentId) -> None:
        """Forget an agent, his skills and his presence."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM agents WHERE tenant = $1 AND id = $2", self._tenant, agent)

    async def save_queue(self, queue: Queue) -> None:
        """Add or replace a queue; raises IllegalSetting for a skill that is not known."""
        async with self._database.transaction() as connection:
            await self._require_queue_skills(connection, queue)
            await connection.execute(
                """
                INSERT INTO queues (tenant, id, name, skill, min_level, strategy, ring_seconds, wrap_up_seconds,
                                    weight, service_level_seconds, service_level_ratio, max_waiting, music,
                                    rules)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
                ON CONFLICT (tenant, id) DO UPDATE SET
                    name = excluded.name, skill = excluded.skill, min_level = excluded.min_level,
                    strategy = excluded.strategy, ring_seconds = excluded.ring_seconds,
                    wrap_up_seconds = excluded.wrap_up_seconds, weight = excluded.weight,
                    service_level_seconds = excluded.service_level_seconds,
                    service_level_ratio = excluded.service_level_ratio,
                    max_waiting = excluded.max_waiting, music = excluded.music,
                    rules = excluded.rules
                """,
                self._tenant,
                queue.id,
                queue.name,
                queue.skill,
                queue.min_level,
                queue.strategy,
                queue.ring_seconds,
                queue.wrap_up_seconds,
                queue.weight,
                queue.service_level_seconds,
                queue.service_level_ratio,
                queue.max_waiting,
                queue.music,
                msgspec.to_builtins({name: getattr(queue, name) for name in _RULES}),
            )

    async def remove_queue(self, queue: QueueId) -> None:
        """Forget a queue."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM queues WHERE tenant = $1 AND id = $2", self._tenant, queue)

    async def save_presence(self, presence: Presence, *, since: datetime, by: str) -> None:
        """Commit where an agent sits and what he asked for; raises SeatTaken and UnknownAgent."""
        async with self._database.connection() as connection:
            try:
                await connection.execute(
                    """
                    INSERT INTO agent_presence (tenant, agent, seat, asked, reason, since, set_by)
                    VALUES ($1, $2, $3, $4, $5, $6, $7)
                    ON CONFLICT (tenant, agent) DO UPDATE SET
                        seat = excluded.seat, asked = excluded.asked, reason = excluded.reason,
                        since = excluded.since, set_by = excluded.set_by
                    """,
                    self._tenant,
                    presence.agent,
                    presence.seat,
                    presence.asked,
                    presence.reason,
                    since,
                    by,
                )
            except asyncpg.UniqueViolationError as error:
                raise SeatTaken(presence.seat, None) from error
            except asyncpg.ForeignKeyViolationError as error:
                raise UnknownAgent(presence.agent) from error

    async def remove_presence(self, agent: AgentId) -> None:
        """The agent is signed out."""
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM agent_presence WHERE tenant = $1 AND agent = $2", self._tenant, agent
            )

    async def save_standings(self, standings: Mapping[AgentId, Standing | None], at: datetime) -> None:
        """Write what agents are, all at once; None: signed out. Agents who are not known are left out."""
        there = {agent: standing for agent, standing in standings.items() if standing is not None}
        async with self._database.transaction() as connection:
            await connection.execute("SET LOCAL synchronous_commit = off")  # a lost row costs an interval
            await connection.execute(
                """
                INSERT INTO agent_standings (tenant, agent, at, standing)
                SELECT $1, a.id, $4, n.standing::jsonb
                FROM unnest($2::text[], $3::text[]) AS n (agent, standing)
                JOIN agents a ON a.tenant = $1 AND a.id = n.agent
                ON CONFLICT (tenant, agent) DO UPDATE SET at = excluded.at, standing = excluded.standing
                """,
                self._tenant,
                list(there),
                [msgspec.json.encode(standing).decode() for standing in there.values()],
                at,
            )
            await connection.execute(
                "DELETE FROM agent_standings WHERE tenant = $1 AND agent = ANY($2::text[])",
                self._tenant,
                [agent for agent in standings if agent not in there],
            )

    async def save_paces(self, paces: Mapping[QueueId, Learned], at: datetime) -> None:
        """Write what queues learned; queues that are not there any more are left out."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                INSERT INTO queue_paces (tenant, queue, at, pace)
                SELECT $1, q.id, $4, n.pace::jsonb
                FROM unnest($2::text[], $3::text[]) AS n (queue, pace)
                JOIN queues q ON q.tenant = $1 AND q.id = n.queue
                ON CONFLICT (tenant, queue) DO UPDATE SET at = excluded.at, pace = excluded.pace
                """,
                self._tenant,
                list(paces),
                [msgspec.json.encode(learned).decode() for learned in paces.values()],
                at,
            )

    async def save_calendar(self, calendar: Calendar) -> None:
        """Add or replace a calendar."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                INSERT INTO calendars (tenant, id, document) VALUES ($1, $2, $3)
                ON CONFLICT (tenant, id) DO UPDATE SET document = excluded.document
                """,
                self._tenant,
                calendar.id,
                msgspec.to_builtins(calendar, str_keys=True),
            )

    async def remove_calendar(self, calendar: str) -> None:
        """Forget a calendar."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM calendars WHERE tenant = $1 AND id = $2", self._tenant, calendar)

    async def skills(self) -> dict[SkillId, str]:
        """Every skill's name."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id, name FROM skills WHERE tenant = $1 ORDER BY id", self._tenant
            )
        return {SkillId(row["id"]): row["name"] for row in rows}

    async def remove_skill(self, skill: SkillId) -> bool:
        """Forget a skill that nobody needs; whether it was there. Raises InUse when somebody came to need it."""
        async with self._database.connection() as connection:
            try:
                done: str = await connection.execute(
                    "DELETE FROM skills WHERE tenant = $1 AND id = $2", self._tenant, skill
                )
            except asyncpg.ForeignKeyViolationError as error:
                raise InUse("skill", skill, ["an agent or a queue"]) from error
        return done != "DELETE 0"

    async def check_skills(self, item: Agent | Queue) -> None:
        """Raise IllegalSetting for an agent or a queue with a skill that is not known."""
        async with self._database.connection() as connection:
            if isinstance(item, Agent):
                await self._require_skills(connection, f"agent {item.id}", "skills.", list(item.skills))
            else:
                await self._require_queue_skills(connection, item)

    async def _require_queue_skills(self, connection: Connection, queue: Queue) -> None:
        subject = f"queue {queue.id}"
        await self._require_skills(connection, subject, "skill", [queue.skill])
        needs = {skill for requirement in queue.requirements() for skill in skills_of(requirement.need)}
        await self._require_skills(connection, subject, "requires", sorted(needs))

    async def _require_skills(
        self, connection: Connection, subject: str, field: str, skills: list[SkillId]
    ) -> None:
        rows = await connection.fetch(
            "SELECT id FROM skills WHERE tenant = $1 AND id = ANY($2::text[])", self._tenant, skills
        )
        known = {row["id"] for row in rows}
        for skill in skills:
            if skill not in known:
                where = f"{field}{skill}" if field.endswith(".") else field
                raise IllegalSetting(subject, where, skill, "there is no such skill")


def agent_of(row: asyncpg.Record) -> Agent:
    """A row of AGENTS."""
    skills = zip(row["skills"] or (), row["levels"] or (), strict=True)
    return Agent(
        id=AgentId(row["id"]),
        name=row["name"],
        team=row["team"],
        position=row["position"],
        skills={SkillId(skill): level for skill, level in skills},
    )


def calendar_of(row: asyncpg.Record) -> Calendar:
    """A row of CALENDARS."""
    return msgspec.json.decode(row["document"], type=Calendar)


def queue_of(row: asyncpg.Record) -> Queue:
    """A row of QUEUES; raises IllegalSetting for one that breaks a rule."""
    fields: dict[str, Any] = {**row, **msgspec.json.decode(row["rules"])}
    del fields["rules"]
    if row["strategy"] not in list(Strategy):
        raise IllegalSetting(f"queue {row['id']}", "strategy", row["strategy"], "this program does not know it")
    try:
        return msgspec.convert(fields, type=Queue)
    except msgspec.ValidationError as error:
        raise IllegalSetting(f"queue {row['id']}", "rules", row["rules"], str(error)) from error


def _presence(row: asyncpg.Record) -> StoredPresence:
    presence = Presence(
        agent=AgentId(row["agent"]),
        seat=SeatId(row["seat"]),
        asked=AgentState(row["asked"]),
        reason=row["reason"],
    )
    standing = row["standing"]
    return StoredPresence(
        presence=presence,
        since=row["since"],
        standing=None if standing is None else msgspec.json.decode(standing, type=Standing),
        standing_at=row["at"],
    )
