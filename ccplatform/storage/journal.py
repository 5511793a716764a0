"""The event journal: every fact of the platform, stored once.

The writer subscribes to the stream of facts and never blocks it: events wait in a buffer and are written by COPY,
together with the projections made of them, in one transaction a batch, at most ``flush_seconds`` later and at
once when a contact ends, or a bot hands it on with its transcript. While the database is away they wait on, in
order, with an urgent alarm; a batch whose COMMIT was not answered is looked up before it is tried again, so that
nothing is lost and nothing is twice.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from datetime import UTC, date, timedelta
from itertools import islice
from typing import Any, Protocol

import asyncpg
import structlog

from ccplatform.contracts.facts import (
    FACTS,
    BotTalkEnded,
    CallRefused,
    CallsRefused,
    ContactEnded,
    Fact,
    FactEvent,
    contact_of,
)
from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import ContactId, Severity
from ccplatform.kernel.clock import Clock, TimerHandle, sleep
from ccplatform.kernel.errors import LocalMisuse, PlatformError
from ccplatform.storage.database import Connection, Database, is_lost
from ccplatform.storage.errors import DatabaseUnavailable
from ccplatform.storage.partitions import ensure_partitions
from ccplatform.storage.sealing import ContactKeys, Sealer, WrappedKey, seal_personal, split
from ccplatform.storage.settings import JournalSettings

#: Most events of one transaction.
BATCH_EVENTS = 500

#: Events encoded before other work gets its turn: about a millisecond.
SLICE_EVENTS = 40

#: Batches begin at least this long after one another, so that the ends of many contacts share one, seconds:
#: a batch is a dozen exchanges with the server, whatever its length.
BATCH_SECONDS = 0.1

#: Part of the buffer kept for calls that are up.
RESERVE = 0.2

#: Pause between attempts while the database is away, seconds.
RETRY_SECONDS = 0.5

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_COLUMNS = ("tenant", "at", "id", "epoch", "seq", "mono", "contact", "type", "version", "data", "sealed")

#: What strangers can make at will; all other facts are kept, whatever the buffer's size.
_DISPENSABLE = frozenset({CallRefused, CallsRefused})

#: What is not to wait for ``flush_seconds``.
_AT_ONCE = frozenset({ContactEnded, BotTalkEnded})

#: What a projection with a fault may raise; its rows can be rebuilt from the journal, so the journal goes on.
_PROJECTION_FAULTS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    PlatformError,
    LookupError,
    TypeError,
    ValueError,
)

_log = structlog.get_logger("journal")


class Projection(Protocol):
    """Rows made of facts (contacts, alarms, …), written in the same transaction as the facts."""

    @property
    def takes(self) -> tuple[type[Fact], ...]:
        """The facts that it is made of; it is asked for no others."""

    async def apply(self, connection: Connection, events: Sequence[FactEvent]) -> None:
        """Write what follows from ``events``."""


class JournalWriter:
    """Writes one tenant's stream. Subscribe :meth:`append`, and keep :meth:`run` running."""

    def __init__(
        self,
        database: Database,
        *,
        sealer: Sealer,
        clock: Clock,
        alarms: Alarms,
        settings: JournalSettings | None = None,
        projections: Sequence[Projection] = (),
        tenant: str = "default",
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._alarms = alarms
        self._settings = settings or JournalSettings()
        self._projections = tuple(projections)
        self._tenant = tenant
        self._keys = ContactKeys(sealer, tenant=tenant)
        self._buffer: deque[FactEvent] = deque()
        self._batch: _Batch | None = None
        self._days: set[date] = set()
        self._due = asyncio.Event()
        self._timer: TimerHandle | None = None
        self._last_contact: ContactId | None = None
        self._appended = 0
        self._written = 0
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self.dropped = 0

    @property
    def backlog(self) -> int:
        """Events that are not written yet."""
        return len(self._buffer)

    @property
    def full(self) -> bool:
        """New calls must be refused: what is left of the buffer belongs to the calls that are up."""
        return len(self._buffer) >= self._settings.buffer_events * (1 - RESERVE)

    def pending(self) -> tuple[FactEvent, ...]:
        """The events that are not written yet, in order."""
        return tuple(self._buffer)

    def append(self, event: FactEvent) -> None:
        """Take an event; it is written soon."""
        contact = contact_of(event.fact)
        if contact != self._last_contact:  # facts of one contact come several at a time
            _check_contact(event.fact, contact)
            self._last_contact = contact
        kind, waiting = type(event.fact), len(self._buffer)
        if kind in _DISPENSABLE and waiting >= self._settings.buffer_events:
            self.dropped += 1
            return
        self._buffer.append(event)
        self._appended += 1
        if kind in _AT_ONCE or waiting + 1 >= BATCH_EVENTS:
            self._due.set()
        elif self._timer is None:
            self._timer = self._clock.call_at(self._clock.now() + self._settings.flush_seconds, self._due.set)

    async def run(self) -> None:
        """Write for ever; run by the task supervisor."""
        while True:
            await self._due.wait()
            self._due.clear()
            self._disarm()
            while self._buffer:
                begun = self._clock.now()
                if not await self._write_batch():
                    await sleep(self._clock, RETRY_SECONDS)
                elif len(self._buffer) < BATCH_EVENTS and (early := begun + BATCH_SECONDS - self._clock.now()) > 0:
                    await sleep(self._clock, early)

    async def flushed(self) -> None:
        """Return when everything appended so far is committed."""
        if self._written >= self._appended:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._appended, waiter))
        self._due.set()
        await waiter

    async def close(self, patience_seconds: float = 5.0) -> int:
        """Write what waits while :meth:`run` still runs; returns how many events could not be written in time."""
        try:
            async with asyncio.timeout(patience_seconds):
                await self.flushed()
        except TimeoutError:
            _log.error("events lost at the end: the database is away", events=self.backlog)
        self._disarm()
        return self.backlog

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _write_batch(self) -> bool:
        if self._batch is None:
            self._batch = _Batch(tuple(islice(self._buffer, BATCH_EVENTS)))
        batch = self._batch
        try:
            async with self._database.transaction() as connection:
                if not (batch.tried and await self._is_written(connection, batch)):
                    batch.tried = True
                    await self._write(connection, batch)
        except (DatabaseUnavailable, asyncpg.PostgresError) as error:
            self._waiting(error)
            return False
        self._done(batch)
        return True

    async def _write(self, connection: Connection, batch: _Batch) -> None:
        await self._prepare(connection, batch)
        if new_days := batch.days - self._days:
            await ensure_partitions(connection, new_days)
        if batch.new_keys:
            await connection.executemany(
                """INSERT INTO contact_keys (tenant, contact, wrapped, created_at) VALUES ($1, $2, $3, $4)
                   ON CONFLICT DO NOTHING""",
                [(self._tenant, key.contact, key.wrapped, batch.events[0].at) for key in batch.new_keys],
            )
        await connection.copy_records_to_table("journal", records=batch.rows, columns=_COLUMNS)
        kinds = {type(event.fact) for event in batch.events}
        for projection in self._projections:
            if wanted := kinds.intersection(projection.takes):
                events = [event for event in batch.events if type(event.fact) in wanted]
                await self._project(projection, connection, events)

    async def _project(self, projection: Projection, connection: Connection, events: Sequence[FactEvent]) -> None:
        name = type(projection).__name__
        try:
            async with connection.transaction():
                await projection.apply(connection, events)
        except _PROJECTION_FAULTS as error:
            if is_lost(connection):
                raise
            _log.error("projection failed", projection=name, error=repr(error), exc_info=error)
            self._alarms.raise_alarm("projection_failed", name, Severity.URGENT, f"{name}: {error}")

    async def _is_written(self, connection: Connection, batch: _Batch) -> bool:
        # A batch is one transaction: its first event stands for all.
        first = batch.events[0]
        query = "SELECT true FROM journal WHERE tenant = $1 AND at = $2 AND id = $3"
        return bool(await connection.fetchval(query, first.tenant, first.at, first.id))

    async def _prepare(self, connection: Connection, batch: _Batch) -> None:
        if batch.rows:
            return
        contacts = [contact_of(event.fact) for event in batch.events]
        await self._load_keys(connection, contacts)
        rows: list[tuple[Any, ...]] = []
        for number, (event, contact) in enumerate(zip(batch.events, contacts, strict=True), 1):
            rows.append(self._row(event, contact, batch))
            if number % SLICE_EVENTS == 0:
                await asyncio.sleep(0)
        batch.rows = rows

    async def _load_keys(self, connection: Connection, contacts: Sequence[ContactId | None]) -> None:
        unknown = [contact for contact in set(contacts) if contact is not None and self._keys.get(contact) is None]
        if not unknown:
            return
        query = "SELECT contact, wrapped FROM contact_keys WHERE tenant = $1 AND contact = ANY($2::uuid[])"
        for row in await connection.fetch(query, self._tenant, unknown):
            self._keys.unwrap(WrappedKey(contact=ContactId(row["contact"]), wrapped=row["wrapped"]))

    def _row(self, event: FactEvent, contact: ContactId | None, batch: _Batch) -> tuple[Any, ...]:
        data, personal = split(event)
        if personal and contact is not None and self._keys.get(contact) is None:
            batch.new_keys.append(self._keys.make(contact))
        sealed = seal_personal(personal, event, contact, self._keys, self._sealer) if personal else None
        place = (event.tenant, event.at, event.id, event.epoch, event.seq, event.mono)
        return (*place, contact, *FACTS.name_of(event.fact), data, sealed)

    def _waiting(self, error: Exception) -> None:
        _log.warning("journal waits", events=self.backlog, error=str(error))
        text = f"{self.backlog} events wait to be written: {error}"
        self._alarms.raise_alarm("journal_waiting", "", Severity.URGENT, text)

    def _done(self, batch: _Batch) -> None:
        self._batch = None
        self._days |= batch.days
        for event in batch.events:
            self._buffer.popleft()
            if isinstance(event.fact, ContactEnded):
                self._keys.forget(event.fact.contact)
        self._written += len(batch.events)
        reached = [waiter for target, waiter in self._waiters if target <= self._written]
        self._waiters = [(target, waiter) for target, waiter in self._waiters if target > self._written]
        for waiter in reached:
            if not waiter.done():
                waiter.set_result(None)
        if not self._buffer:
            self._alarms.clear_alarm("journal_waiting", "")


class _Batch:
    """Events that are written together; kept as it is until it is known to be committed."""

    def __init__(self, events: tuple[FactEvent, ...]) -> None:
        self.events = events
        self.rows: list[tuple[Any, ...]] = []
        self.new_keys: list[WrappedKey] = []
        self.tried = False
        days = {event.at.astimezone(UTC).date() for event in events}
        self.days = days | {day + timedelta(days=1) for day in days}  # made ahead, before midnight needs it


def _check_contact(fact: Fact, contact: ContactId | None) -> None:
    if contact is not None and not _UUID.fullmatch(contact):
        raise LocalMisuse(f"{type(fact).__name__}: the ids of contacts must be UUIDs")
