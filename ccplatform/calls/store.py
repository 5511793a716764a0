"""The contacts: a projection of the journal that lists and searches read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from ccplatform.contracts.facts import CallAnswered, ContactArrived, ContactEnded, FactEvent
from ccplatform.contracts.words import AgentId, ContactId
from ccplatform.storage.database import Connection, Database

_INSERT = """
INSERT INTO contacts (tenant, id, call, channel, direction, dialled, trunk, from_seat, caller_digest, started_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (tenant, id) DO NOTHING
"""
_ANSWERED = "UPDATE contacts SET answered_at = $3 WHERE tenant = $1 AND id = $2"
_ENDED = """
UPDATE contacts
SET ended_at = $3, outcome = $4, cause = $5, queue = $6, agent = $7, seat = $8,
    total_seconds = $9, queue_seconds = $10, talk_seconds = $11, hold_seconds = $12
WHERE tenant = $1 AND id = $2
"""
_COLUMNS = """
id, call, channel, direction, dialled, trunk, from_seat, started_at, answered_at, ended_at, outcome, cause, queue,
agent, seat, total_seconds, queue_seconds, talk_seconds, hold_seconds
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFilter:
    """What a list of contacts is narrowed to; None: everything. ``after`` is the place of the last row seen;
    ``agents`` leaves those of other agents out, not those of none."""

    start: datetime | None = None
    end: datetime | None = None
    agent: str | None = None
    seat: str | None = None
    queue: str | None = None
    caller: str | None = None
    outcome: str | None = None
    agents: frozenset[AgentId] | None = None
    after: tuple[datetime, str] | None = None


class ContactProjection:
    """Keeps the table in step with the journal, inside the journal's own transaction."""

    takes: ClassVar = (ContactArrived, CallAnswered, ContactEnded)

    def __init__(self, *, digest: Callable[[str], bytes]) -> None:
        self._digest = digest

    async def apply(self, connection: Connection, events: Sequence[FactEvent]) -> None:
        """Write what these events change; applying them again changes nothing."""
        arrived, answered, ended = [], [], []
        for event in events:
            match event.fact:
                case ContactArrived():
                    arrived.append(self._arrived(event, event.fact))
                case CallAnswered(contact=contact):
                    answered.append((event.tenant, contact, event.at))
                case ContactEnded():
                    ended.append(_ended(event, event.fact))
                case _:
                    pass
        for statement, rows in ((_INSERT, arrived), (_ANSWERED, answered), (_ENDED, ended)):
            if rows:
                await connection.executemany(statement, rows)

    def _arrived(self, event: FactEvent, fact: ContactArrived) -> tuple[Any, ...]:
        digest = self._digest(fact.caller) if fact.caller else None
        return (
            event.tenant,
            fact.contact,
            fact.call,
            fact.channel,
            fact.direction,
            fact.dialled,
            fact.trunk,
            fact.seat,
            digest,
            event.at,
        )


def _ended(event: FactEvent, fact: ContactEnded) -> tuple[Any, ...]:
    return (
        event.tenant,
        fact.contact,
        event.at,
        fact.outcome,
        fact.cause,
        fact.queue,
        fact.agent,
        fact.seat,
        fact.total_seconds,
        fact.queue_seconds,
        fact.talk_seconds,
        fact.hold_seconds,
    )


async def caller_digests(
    connection: Connection, tenant: str, contacts: Collection[ContactId]
) -> dict[ContactId, bytes]:
    """The keyed digests of who called, of those of the contacts that tell it, in a transaction of the caller's."""
    rows = await connection.fetch(
        "SELECT id, caller_digest FROM contacts "
        "WHERE tenant = $1 AND id = ANY($2::uuid[]) AND caller_digest IS NOT NULL",
        tenant,
        list(contacts),
    )
    return {ContactId(str(row["id"])): row["caller_digest"] for row in rows}


#: More contacts of a search are not counted: who searches narrows it down.
MOST_COUNTED: Final = 10_000


class ContactStore:
    """Reads the contacts of one tenant."""

    def __init__(self, database: Database, *, tenant: str, digest: Callable[[str], bytes]) -> None:
        self._database = database
        self._tenant = tenant
        self._digest = digest

    async def find(self, wanted: ContactFilter, limit: int) -> list[dict[str, Any]]:
        """Rows, newest first."""
        where, values = self._where(wanted)
        sql = f"SELECT {_COLUMNS} FROM contacts WHERE {where} ORDER BY started_at DESC, id DESC LIMIT {limit:d}"
        async with self._database.connection() as connection:
            return [dict(row) for row in await connection.fetch(sql, *values)]

    async def count(self, wanted: ContactFilter) -> int:
        """How many there are, up to one more than :data:`MOST_COUNTED`."""
        where, values = self._where(wanted)
        sql = f"SELECT count(*) FROM (SELECT FROM contacts WHERE {where} LIMIT {MOST_COUNTED + 1:d}) AS found"
        async with self._database.connection() as connection:
            return int(await connection.fetchval(sql, *values))

    def _where(self, wanted: ContactFilter) -> tuple[str, list[Any]]:
        """Only fixed texts become SQL; every value is a parameter."""
        clauses: list[str] = ["tenant = $1"]
        values: list[Any] = [self._tenant]
        for condition, value in self._conditions(wanted):
            values += value
            clauses.append(condition.format(*range(len(values) - len(value) + 1, len(values) + 1)))
        return " AND ".join(clauses), values

    async def get(self, contact: ContactId) -> dict[str, Any] | None:
        """One row, None when there is no such contact."""
        sql = f"SELECT {_COLUMNS} FROM contacts WHERE tenant = $1 AND id = $2"
        async with self._database.connection() as connection:
            row = await connection.fetchrow(sql, self._tenant, contact)
        return None if row is None else dict(row)

    async def agents_of(self, contacts: list[ContactId]) -> dict[ContactId, AgentId]:
        """The agents who had these contacts, the last one of each; without those that no agent had."""
        sql = """
            SELECT id, agent FROM contacts WHERE tenant = $1 AND id = ANY($2::uuid[]) AND agent IS NOT NULL
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(sql, self._tenant, contacts)
        return {ContactId(str(row["id"])): AgentId(row["agent"]) for row in rows}

    async def handled(self, contacts: list[ContactId]) -> set[ContactId]:
        """Those of these contacts that ended in a talk with an agent."""
        sql = """
            SELECT id FROM contacts WHERE tenant = $1 AND id = ANY($2::uuid[]) AND outcome = 'handled'
        """
        async with self._database.connection() as connection:
            return {ContactId(str(row["id"])) for row in await connection.fetch(sql, self._tenant, contacts)}

    async def open_contacts(self) -> list[dict[str, Any]]:
        """Contacts without an end: after a restart of control, those that no worker kept are lost."""
        sql = "SELECT id, dialled, trunk, started_at FROM contacts WHERE tenant = $1 AND ended_at IS NULL"
        async with self._database.connection() as connection:
            return [dict(row) for row in await connection.fetch(sql, self._tenant)]

    def _conditions(self, wanted: ContactFilter) -> list[tuple[str, list[Any]]]:
        conditions: list[tuple[str, list[Any]]] = []
        pairs = (
            ("started_at >= ${}", wanted.start),
            ("started_at < ${}", wanted.end),
            ("agent = ${}", wanted.agent),
            ("seat = ${}", wanted.seat),
            ("queue = ${}", wanted.queue),
            ("caller_digest = ${}", self._digest(wanted.caller) if wanted.caller else None),
            ("outcome = ${}", wanted.outcome),
            ("(agent IS NULL OR agent = ANY(${}))", None if wanted.agents is None else sorted(wanted.agents)),
        )
        conditions += [(condition, [value]) for condition, value in pairs if value is not None]
        if wanted.after is not None:
            conditions.append(("(started_at, id) < (${}, ${}::uuid)", list(wanted.after)))
        return conditions
