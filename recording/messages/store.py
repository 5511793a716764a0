"""Messages in PostgreSQL: a projection of the journal, and what lists read. Callers and notes are sealed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, ClassVar

from ccplatform.contracts.facts import FactEvent, MessageDropped, MessageHandedOut, MessageLeft, MessageMarked
from ccplatform.contracts.words import (
    DEFAULT_TENANT,
    AgentId,
    ContactId,
    Mailbox,
    MessageState,
    QueueId,
    RecordingId,
    TenantId,
)
from ccplatform.security.vault import Vault
from ccplatform.storage.database import Connection, Database
from recording.errors import NoMessage
from recording.messages.model import MessageFilter, VoiceMessage, mailbox_of

_LEFT = """
INSERT INTO voice_messages (tenant, id, contact, mailbox, left_at, seconds, caller_sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant, id) DO NOTHING
"""
_MARKED = """
UPDATE voice_messages SET state = $3, handled_by = $4, handled_at = $5, note_sealed = coalesce($6, note_sealed)
 WHERE tenant = $1 AND id = $2
"""
_HANDED_OUT = "UPDATE voice_messages SET mailbox = $3, state = 'new' WHERE tenant = $1 AND id = $2"
#: It was never a message: its sound is gone, and whoever was told of it by mistake loses it.
_DROPPED = (
    "UPDATE recordings SET deleted_at = $3 WHERE tenant = $1 AND id = $2 AND deleted_at IS NULL",
    "UPDATE recording_copies SET removing = $3::timestamptz IS NOT NULL WHERE tenant = $1 AND recording = $2",
    "UPDATE voice_messages SET state = 'deleted', handled_at = $3 WHERE tenant = $1 AND id = $2",
)
_COLUMNS = """
m.id, m.contact, m.mailbox, m.state, m.left_at, m.seconds, m.caller_sealed, m.handled_by, m.handled_at,
m.note_sealed
"""
#: A message whose sound was deleted is in no list.
_KEPT = """
voice_messages m JOIN recordings r ON r.tenant = m.tenant AND r.id = m.id AND r.deleted_at IS NULL
"""


class MessageProjection:
    """Keeps the rows in step with the journal, in the journal's own transaction."""

    takes: ClassVar = (MessageLeft, MessageDropped, MessageMarked, MessageHandedOut)

    def __init__(self, *, vault: Vault) -> None:
        self._vault = vault

    async def apply(self, connection: Connection, events: Sequence[FactEvent]) -> None:
        """Write what these events change, in their order; applying them again changes nothing."""
        for event in events:
            match event.fact:
                case MessageLeft() as fact:
                    row = (
                        fact.contact,
                        fact.mailbox,
                        event.at,
                        fact.seconds,
                        self._sealed(fact.message, fact.caller),
                    )
                    await connection.execute(_LEFT, event.tenant, fact.message, *row)
                case MessageMarked() as fact:
                    note = self._sealed(fact.message, fact.note) if fact.note else None
                    values = (fact.state.value, fact.by, event.at, note)
                    await connection.execute(_MARKED, event.tenant, fact.message, *values)
                case MessageHandedOut() as fact:
                    await connection.execute(_HANDED_OUT, event.tenant, fact.message, fact.mailbox)
                case MessageDropped() as fact:
                    for statement in _DROPPED:
                        await connection.execute(statement, event.tenant, fact.message, event.at)
                case _:
                    pass

    def _sealed(self, message: RecordingId, text: str) -> bytes:
        return self._vault.seal(text.encode(), _context(message))


class MessageStore:
    """Reads one tenant's messages. Every method raises DatabaseUnavailable while the database is away."""

    def __init__(self, *, database: Database, vault: Vault, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._vault = vault
        self._tenant = tenant

    async def waiting(self) -> list[VoiceMessage]:
        """Every message that is somebody's work still."""
        sql = f"SELECT {_COLUMNS} FROM {_KEPT} WHERE m.tenant = $1 AND m.state IN ('new', 'heard') ORDER BY m.id"
        async with self._database.connection() as connection:
            return [self._message(row) for row in await connection.fetch(sql, self._tenant)]

    async def get(self, message: RecordingId) -> VoiceMessage:
        """One message; raises :class:`NoMessage` also when it was deleted."""
        sql = f"SELECT {_COLUMNS} FROM {_KEPT} WHERE m.tenant = $1 AND m.id = $2 AND m.state <> 'deleted'"
        async with self._database.connection() as connection:
            row = await connection.fetchrow(sql, self._tenant, message)
        if row is None:
            raise NoMessage(message)
        return self._message(row)

    async def page(self, wanted: MessageFilter, limit: int) -> list[VoiceMessage]:
        """Messages that are in a mailbox, newest first."""
        states = wanted.states or frozenset(MessageState) - {MessageState.DELETED}
        sql = f"""
            SELECT {_COLUMNS} FROM {_KEPT}
             WHERE m.tenant = $1 AND m.state = ANY($2::text[])
               AND ($3::text[] IS NULL OR m.mailbox = ANY($3))
               AND ($4::uuid IS NULL OR m.contact = $4)
               AND ($5::timestamptz IS NULL OR m.left_at >= $5) AND ($6::timestamptz IS NULL OR m.left_at < $6)
               AND ($7::uuid IS NULL OR m.id < $7)
             ORDER BY m.id DESC LIMIT $8
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                sql,
                self._tenant,
                sorted(states - {MessageState.DELETED}),
                None if wanted.mailboxes is None else sorted(wanted.mailboxes),
                wanted.contact,
                wanted.start,
                wanted.end,
                wanted.before,
                limit,
            )
        return [self._message(row) for row in rows]

    async def orphans(self, live: Collection[ContactId]) -> list[tuple[RecordingId, ContactId, Mailbox, float]]:
        """Finished recordings of messages that nobody left or dropped, since their session was lost."""
        sql = """
            SELECT r.id, r.contact, r.queue, r.agent, r.seconds FROM recordings r
             WHERE r.tenant = $1 AND r.mode = 'message' AND r.ended_at IS NOT NULL AND r.deleted_at IS NULL
               AND NOT r.contact = ANY($2::uuid[])
               AND NOT EXISTS (SELECT FROM voice_messages m WHERE m.tenant = r.tenant AND m.id = r.id)
        """
        async with self._database.connection() as connection:
            rows = await connection.fetch(sql, self._tenant, list(live))
        return [
            (RecordingId(str(row["id"])), ContactId(str(row["contact"])), _box(row), row["seconds"] or 0.0)
            for row in rows
        ]

    async def dropped_since(self, at: datetime) -> list[RecordingId]:
        """Recordings of messages whose sound was to be removed since then."""
        sql = "SELECT id FROM recordings WHERE tenant = $1 AND mode = 'message' AND deleted_at >= $2"
        async with self._database.connection() as connection:
            return [RecordingId(str(row["id"])) for row in await connection.fetch(sql, self._tenant, at)]

    def _message(self, row: Any) -> VoiceMessage:
        name = RecordingId(str(row["id"]))
        note = row["note_sealed"]
        return VoiceMessage(
            id=name,
            contact=ContactId(str(row["contact"])),
            mailbox=Mailbox(row["mailbox"]),
            state=MessageState(row["state"]),
            left_at=row["left_at"],
            seconds=row["seconds"],
            caller=self._vault.open(row["caller_sealed"], _context(name)).decode(),
            handled_by=row["handled_by"],
            handled_at=row["handled_at"],
            note="" if note is None else self._vault.open(note, _context(name)).decode(),
        )


def _box(row: Any) -> Mailbox:
    queue, agent = row["queue"], row["agent"]
    return mailbox_of(None if queue is None else QueueId(queue), None if agent is None else AgentId(agent))


def _context(message: RecordingId) -> str:
    return f"voice-message:{message}"
