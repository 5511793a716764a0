"""What the control and the web process both need: clock, ids, database, vault, users."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from ccplatform.app.places import Places
from ccplatform.app.settings import Settings
from ccplatform.contracts.words import TenantId
from ccplatform.kernel.clock import SystemClock, sleep
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.security.audit import Audit
from ccplatform.security.passwords import Passwords
from ccplatform.security.store import UserStore
from ccplatform.security.vault import Vault, load_vault
from ccplatform.storage.database import Database
from ccplatform.storage.embedded import EmbeddedPostgres
from ccplatform.storage.errors import DatabaseUnavailable

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


async def lay_foundation(settings: Settings, places: Places) -> Foundation:
    """Build it and open the database, waiting for it as long as it takes."""
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
        database=database,
        users=UserStore(database, tenant=tenant),
        passwords=Passwords(settings.security.passwords),
        audit=Audit(database, clock=clock, ids=ids, tenant=tenant),
    )
    while not database.available:
        try:
            await database.open()
        except DatabaseUnavailable:
            await sleep(clock, RETRY_SECONDS)
    database.watch(foundation.tasks)
    return foundation
