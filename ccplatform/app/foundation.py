"""What the control and the web process both need: clock, ids, database, vault, users."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from ccplatform.app.places import Places
from ccplatform.app.recording_keys import ring_of
from ccplatform.app.settings import Settings
from ccplatform.contracts.words import TenantId
from ccplatform.kernel.clock import Clock, SystemClock, sleep
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.security.audit import Audit
from ccplatform.security.errors import VaultClosed
from ccplatform.security.key_ring import KeyRing
from ccplatform.security.passwords import Passwords
from ccplatform.security.store import UserStore
from ccplatform.security.vault import Vault, load_vault
from ccplatform.storage.database import Database
from ccplatform.storage.embedded import EmbeddedPostgres
from ccplatform.storage.errors import DatabaseUnavailable

_log = structlog.get_logger("start")

#: Pause between attempts to reach the database at the start, seconds.
RETRY_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """The common ground of a process."""

    clock: SystemClock
    ids: Ids
    tasks: TaskSupervisor
    tenant: TenantId
    vault: Vault
    keys: KeyRing
    database: Database
    users: UserStore
    passwords: Passwords
    audit: Audit

    @property
    def caller_digest(self) -> Callable[[str], bytes]:
        """A keyed digest of callers' numbers: finds a number's contacts without storing the number."""
        key = self.vault.derive("caller-digest")
        return lambda caller: hmac.digest(key, caller.encode(), hashlib.sha256)


def dsn_of(settings: Settings, places: Places) -> str:
    """How to reach the database: yours, or the embedded one."""
    return settings.database.url or EmbeddedPostgres(places.postgres).dsn()


async def lay_foundation(
    settings: Settings, places: Places, *, needs_database: bool = True, patience_seconds: float = math.inf
) -> Foundation:
    """Build it and open the database.

    Who ``needs_database`` waits for it, and gets DatabaseUnavailable when ``patience_seconds`` are over; who does
    not begins without, if need be, and the pool finds it later.
    """
    clock = SystemClock()
    tenant = TenantId(settings.node.tenant)
    database = Database(
        dsn_of(settings, places),
        clock=clock,
        max_connections=settings.database.max_connections,
        acquire_seconds=settings.database.acquire_seconds,
    )
    ids = Ids(clock)
    foundation = Foundation(
        clock=clock,
        ids=ids,
        tasks=TaskSupervisor(clock),
        tenant=tenant,
        vault=load_vault(places.root),
        keys=ring_of(settings, places, clock),
        database=database,
        users=UserStore(database, tenant=tenant),
        passwords=Passwords(settings.security.passwords),
        audit=Audit(database, clock=clock, ids=ids, tenant=tenant),
    )
    if settings.recording.keys == "kms":
        with suppress(VaultClosed):  # no call is to be the first that asks; it says itself what is wrong
            await asyncio.to_thread(lambda: foundation.keys.current)
    foundation.tasks.watch_loop()
    await _open(database, clock, needs_database, patience_seconds)
    database.watch(foundation.tasks)
    return foundation


async def _open(database: Database, clock: Clock, needed: bool, patience_seconds: float) -> None:
    give_up_at, told = clock.now() + patience_seconds, False
    while True:
        try:
            await database.open(required=needed)
            return
        except DatabaseUnavailable as error:
            if clock.now() >= give_up_at:
                raise
            if not told:
                _log.info("waiting for PostgreSQL", reason=str(error))
            told = True
            await sleep(clock, RETRY_SECONDS)
