"""Builds recording in the control process: the service, its daily deletion and the watch over free space."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

import structlog

from ccplatform.app.errors import CannotStart
from ccplatform.app.foundation import Foundation
from ccplatform.app.places import Places
from ccplatform.app.recording_keys import ring_of
from ccplatform.app.settings import Settings
from ccplatform.contracts.ports import Alarms, Facts
from ccplatform.contracts.words import AgentId, Mailbox, RecordingId
from ccplatform.kernel.clock import Clock
from ccplatform.security.errors import VaultClosed
from ccplatform.security.key_ring import KEYS_FILE, add_key
from ccplatform.security.sealed_sound import Coding
from recording.days import DailyProof
from recording.disk import FreeSpaceWatch
from recording.files import RecordingFiles
from recording.keeper import Keeper
from recording.relief import Relief
from recording.retention import Retention
from recording.rules import RuleStore
from recording.sealed import Sounds
from recording.service import RecordingService
from recording.sharing.store import SharingStore
from recording.store import Catalogue
from recording.stores.book import CopyBook
from recording.stores.building import build_stores
from recording.stores.copier import Copier
from recording.stores.copies import Copies

#: What was not made smaller in that time after it could be is copied as it is.
SETTLE_SECONDS = 3600.0

_log = structlog.get_logger("recording")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The parts of recording."""

    service: RecordingService
    retention: Retention
    space: FreeSpaceWatch
    rules: RuleStore

    async def load_rules(self) -> None:
        """Take the rules that people keep as they are stored now; raises DatabaseUnavailable."""
        self.service.take_rules(await self.rules.rules())


def prepare_keys(settings: Settings, places: Places, clock: Clock) -> None:
    """See that there is a master key before anything is recorded; raises CannotStart.

    The first start makes one. Where recordings are without their keys, nobody makes new ones unasked.
    """
    try:
        if settings.recording.keys == "file" and not (places.root / KEYS_FILE).exists():
            if RecordingFiles(places.recordings).any():
                raise CannotStart(
                    f"the master keys of the recordings are gone: restore {places.root / KEYS_FILE} from where it "
                    "is kept, or make a new one with `ccplatform recording keys create`; old recordings stay shut"
                )
            add_key(places.root / KEYS_FILE, clock)
        _log.info("master key of recordings", key=ring_of(settings, places, clock).current)
    except VaultClosed as error:
        if settings.recording.keys != "kms":
            raise CannotStart(str(error)) from error
        _log.error("no master key of recordings yet", reason=str(error))  # calls are more than their recordings


def sounds_of(settings: Settings, places: Places, ground: Foundation) -> Sounds:
    """The recordings of an installation."""
    files = RecordingFiles(places.recordings)
    return Sounds(files=files, keys=ground.keys, elsewhere=copies_of(settings, ground))


def sharing_store(ground: Foundation) -> SharingStore:
    """Comments, waveforms and exports."""
    return SharingStore(
        database=ground.database,
        vault=ground.vault,
        audit=ground.audit,
        clock=ground.clock,
        ids=ground.ids,
        tenant=ground.tenant,
    )


def mark_key(ground: Foundation) -> bytes:
    """What the marks in exports are made from."""
    return ground.vault.derive("recording-exports")


def copies_of(settings: Settings, ground: Foundation) -> Copies:
    """The copies in other stores."""
    return Copies(build_stores(settings.recording.stores), ground.keys)


def build_copier(settings: Settings, places: Places, ground: Foundation, alarms: Alarms) -> Copier:
    """What copies recordings to other stores, in the web process."""
    own = settings.recording
    waits = 0.0 if own.at_rest == "as_recorded" else SETTLE_SECONDS
    return Copier(
        book=CopyBook(database=ground.database, tenant=ground.tenant),
        sounds=sounds_of(settings, places, ground),
        copies=copies_of(settings, ground),
        database=ground.database,
        audit=ground.audit,
        clock=ground.clock,
        settle_seconds=own.at_rest_after_seconds + waits,
        behind_seconds=own.copies_behind_seconds,
        keep_days=own.keep_here_days,
        alarms=alarms,
    )


def build_keeper(settings: Settings, places: Places, ground: Foundation, alarms: Alarms) -> Keeper:
    """What keeps recordings at rest, in the web process."""
    own = settings.recording
    return Keeper(
        catalogue=Catalogue(database=ground.database, tenant=ground.tenant),
        sounds=sounds_of(settings, places, ground),
        database=ground.database,
        audit=ground.audit,
        clock=ground.clock,
        coding=None if own.at_rest == "as_recorded" else Coding[own.at_rest.upper()],
        after_seconds=own.at_rest_after_seconds,
        alarms=alarms,
    )


def build_recording(
    settings: Settings,
    places: Places,
    ground: Foundation,
    *,
    facts: Facts,
    alarms: Alarms,
    committed: Callable[[], Awaitable[None]],
    accepts: Callable[[Mailbox], bool],
    deleted: Callable[[Collection[RecordingId]], None],
    team_of: Callable[[AgentId], str],
) -> Recording:
    """Recording into the data directory, catalogued in the platform's database.

    ``accepts`` says whether a message can be left, ``deleted`` hears which recordings' retention is over.
    """
    own, zone = settings.recording, settings.node.zone_info
    catalogue = Catalogue(database=ground.database, tenant=ground.tenant)
    sounds = sounds_of(settings, places, ground)
    retention = Retention(
        catalogue=catalogue,
        files=sounds.files,
        database=ground.database,
        audit=ground.audit,
        clock=ground.clock,
        days=own.retention_days,
        at=own.deletion_time,
        zone=zone,
        deleted=deleted,
        prove=DailyProof(
            catalogue=catalogue,
            audit=ground.audit,
            facts=facts,
            alarms=alarms,
            clock=ground.clock,
            committed=committed,
        ).run_once,
    )
    space = FreeSpaceWatch(
        directory=places.recordings,
        alarms=alarms,
        clock=ground.clock,
        low_bytes=own.low_bytes,
        very_low_bytes=own.very_low_bytes,
        check_seconds=own.disk_check_seconds,
        refuse_below_bytes=own.refuse_below_bytes,
        relieve=Relief(
            files=sounds.files,
            book=CopyBook(database=ground.database, tenant=ground.tenant),
            stores=[store.name for store in own.stores],
            retention=retention,
            delete_after_days=own.delete_when_full_after_days,
            database=ground.database,
            clock=ground.clock,
            alarms=alarms,
        ).free,
    )
    return Recording(
        service=RecordingService(
            policy=own.policy(),
            sounds=sounds,
            rows=catalogue,
            facts=facts,
            alarms=alarms,
            clock=ground.clock,
            ids=ground.ids,
            tasks=ground.tasks,
            zone=zone,
            accepts=accepts,
            refusal=space.refusal,
            team_of=team_of,
        ),
        rules=RuleStore(database=ground.database, tenant=ground.tenant),
        retention=retention,
        space=space,
    )
