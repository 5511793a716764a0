"""What times spans at the start of the E1 front: as it was chosen before, else as the settings say (R10.6.a)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog

from ccplatform.app.foundation import dsn_of
from ccplatform.app.places import Places
from ccplatform.app.settings import Settings
from ccplatform.contracts.words import TenantId
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.kernel.errors import Unavailable
from ccplatform.storage.database import Database
from gateway.isdn.timing_store import TimingStore

if TYPE_CHECKING:
    from ccplatform.app.e1 import Office

_log = structlog.get_logger("isdn")

_AGAIN_SECONDS: Final = 2.0


class ChosenTimings:
    """Brings choices to the spans of the office; calls do not wait for the database."""

    def __init__(self, office: Office, settings: Settings, places: Places, clock: Clock) -> None:
        self._office, self._settings, self._places, self._clock = office, settings, places, clock

    async def apply(self) -> bool:
        """Apply them; False where the database is not there, or has no such table yet."""
        try:
            chosen = await self._chosen()
        except (Unavailable, asyncpg.UndefinedTableError):  # control has not migrated it yet
            return False
        for span, source in chosen.items():
            self._office.timed_before(span, source)
        return True

    async def keep_trying(self) -> None:
        """Apply them as soon as the database is there."""
        _log.warning("what times the spans is not known yet: the settings hold until the database is there")
        while not await self.apply():
            await sleep(self._clock, _AGAIN_SECONDS)

    async def _chosen(self) -> Mapping[str, str]:
        database = Database(dsn_of(self._settings, self._places), clock=self._clock, max_connections=1)
        try:
            await database.open()
            return await TimingStore(database, tenant=TenantId(self._settings.node.tenant)).all()
        finally:
            await database.close()
