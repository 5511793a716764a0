"""Builds recording in the control process: the service, its daily deletion and the watch over free space."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ccplatform.app.foundation import Foundation
from ccplatform.app.places import Places
from ccplatform.app.settings import Settings
from ccplatform.contracts.ports import Alarms, Facts
from ccplatform.contracts.words import Mailbox, RecordingId
from recording.disk import FreeSpaceWatch
from recording.files import RecordingFiles
from recording.retention import Retention
from recording.service import RecordingService
from recording.store import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The parts of recording."""

    service: RecordingService
    retention: Retention
    space: FreeSpaceWatch


def build_recording(
    settings: Settings,
    places: Places,
    ground: Foundation,
    *,
    facts: Facts,
    alarms: Alarms,
    accepts: Callable[[Mailbox], bool],
    deleted: Callable[[Collection[RecordingId]], None],
) -> Recording:
    """Recording into the data directory, catalogued in the platform's database.

    ``accepts`` says whether a message can be left, ``deleted`` hears which recordings' retention is over.
    """
    own, zone = settings.recording, settings.node.zone_info
    catalogue = Catalogue(database=ground.database, tenant=ground.tenant)
    files = RecordingFiles(places.recordings)
    return Recording(
        service=RecordingService(
            policy=own.policy(),
            files=files,
            rows=catalogue,
            facts=facts,
            alarms=alarms,
            clock=ground.clock,
            ids=ground.ids,
            tasks=ground.tasks,
            zone=zone,
            accepts=accepts,
        ),
        retention=Retention(
            catalogue=catalogue,
            files=files,
            database=ground.database,
            audit=ground.audit,
            clock=ground.clock,
            days=own.retention_days,
            at=own.deletion_time,
            zone=zone,
            deleted=deleted,
        ),
        space=FreeSpaceWatch(
            directory=places.recordings,
            alarms=alarms,
            clock=ground.clock,
            low_bytes=own.low_bytes,
            very_low_bytes=own.very_low_bytes,
            check_seconds=own.disk_check_seconds,
        ),
    )
