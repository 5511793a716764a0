"""What the commands about recordings do; each returns what to say."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, timedelta
from pathlib import Path

import soundfile
import soxr
import structlog

from ccplatform.app.administer import with_database
from ccplatform.app.errors import CannotStart
from ccplatform.app.foundation import Foundation
from ccplatform.app.places import Places, places_of
from ccplatform.app.recorder import copies_of, mark_key, sharing_store, sounds_of
from ccplatform.app.recording_keys import ring_of
from ccplatform.app.settings import Settings
from ccplatform.kernel.clock import SystemClock
from ccplatform.security.errors import BadSeal, VaultClosed
from ccplatform.security.key_ring import KEYS_FILE, KeyRing, add_key, master_of
from ccplatform.storage.migrate import migrate as apply_migrations
from recording.errors import BadWave, RecordingsDiffer
from recording.files import RecordingFiles
from recording.keys import rewrap
from recording.sharing.watermark import Found, find
from recording.store import Catalogue
from recording.stores.building import build_stores
from recording.stores.copies import Copies
from recording.verify import Verdict, Verification

_log = structlog.get_logger("recording")


def create_key(settings: Settings) -> str:
    """Add a master key to the file."""
    if settings.recording.keys != "file":
        raise CannotStart(f"the master keys are not in a file: recording.keys is {settings.recording.keys!r}")
    path = places_of(settings.node.data_dir).root / KEYS_FILE
    key_id = add_key(path, SystemClock())
    return (
        f"{path}: key {key_id} is for new recordings.\n"
        "Keep a copy of the file elsewhere: without it nobody can open what is recorded from now on."
    )


def list_keys(settings: Settings) -> str:
    """How many recordings each master key opens."""
    ring, files = _ring_and_files(settings)
    counts: dict[str, int] = {}
    for recording, wrapped in files.wrapped_keys():
        name = _shown(ring, recording, wrapped)
        counts[name] = counts.get(name, 0) + 1
    copies = Copies(build_stores(settings.recording.stores), ring)
    for store in copies.stores:
        for recording in copies.recordings(store):
            name = f"{_shown(ring, recording, copies.wrapped_key(store, recording))}, in {store.name}"
            counts[name] = counts.get(name, 0) + 1
    lines = [f"{name}: {count} recordings" for name, count in sorted(counts.items())]
    return "\n".join([f"for new recordings: {ring.current}", *lines])


def rewrap_keys(settings: Settings) -> str:
    """Wrap the keys of all recordings anew."""
    ring, files = _ring_and_files(settings)
    done = failed = 0
    for recording in files.recordings():
        try:
            done += rewrap(files.path_of(recording), ring)
        except (BadSeal, OSError) as error:
            failed += 1
            _log.error("a recording could not be opened", recording=recording, reason=str(error))
    copies = Copies(build_stores(settings.recording.stores), ring)
    for store in copies.stores:
        for recording in copies.recordings(store):
            try:
                done += copies.rewrap(store, recording)
            except (BadSeal, OSError) as error:
                failed += 1
                _log.error("a copy could not be opened", recording=recording, store=store.name, reason=str(error))
    told = f"{done} keys were wrapped by {ring.current}"
    if failed:
        raise VaultClosed(f"{told}; {failed} recordings could not be opened and were left as they are")
    return told


def verify(settings: Settings, first: date | None, last: date | None, all_copies: bool) -> str:
    """Compare what is kept with what was told of it; raises RecordingsDiffer with everything that was found."""

    async def work(ground: Foundation) -> str:
        await apply_migrations(ground.database)
        today = ground.clock.wall().astimezone(UTC).date()
        verification = Verification(
            catalogue=Catalogue(database=ground.database, tenant=ground.tenant),
            sounds=sounds_of(settings, places_of(settings.node.data_dir), ground),
            copies=copies_of(settings, ground),
            all_copies=all_copies,
            audit=ground.audit,
        )
        begins = first or today - timedelta(days=settings.recording.retention_days)
        return _told(await verification.run(begins, last or today))

    return with_database(settings, work)


def whose_export(settings: Settings, file: Path) -> str:
    """Which export a sound file was; raises BadWave when it is none that can be read."""

    async def work(ground: Foundation) -> str:
        await apply_migrations(ground.database)
        found = await asyncio.to_thread(_marked, file, mark_key(ground))
        if found is None:
            return f"{file}: no mark of this installation was found"
        made = await sharing_store(ground).export_of(found.number)
        told = f"{file}: export {found.number} (score {found.score})"
        if made is None:
            return f"{told}, which this database does not know"
        at = made.made_at.isoformat(timespec="seconds")
        return f"{told} of recording {made.recording}, by {made.by} at {at}: {made.reason}"

    return with_database(settings, work)


def _marked(file: Path, key: bytes) -> Found | None:
    """At its own rate, or at those that recordings have."""
    try:
        sound, own = soundfile.read(file, dtype="float64", always_2d=True)
    except (OSError, soundfile.SoundFileError) as error:
        raise BadWave(f"{file} cannot be read as sound: {error}") from error
    for rate in dict.fromkeys((own, 8000, 16_000)):
        heard = sound if rate == own else soxr.resample(sound, own, rate)
        if (found := find(heard, key)) is not None:
            return found
    return None


def _told(verdict: Verdict) -> str:
    counts = (
        f"{verdict.days} days ({verdict.unproved} without a root yet), {verdict.recordings} recordings, "
        f"{verdict.files} files; {verdict.incomplete} incomplete, {verdict.gap_seconds:.1f} s missing"
    )
    if not verdict.findings:
        return f"{counts}\nEverything is as it was told."
    lines = [f"{found.day} {found.recording or 'day'}: {found.problem}" for found in verdict.findings]
    raise RecordingsDiffer("\n".join([*lines, counts, f"{len(lines)} findings"]))


def _shown(ring: KeyRing, recording: str, wrapped: bytes) -> str:
    try:
        ring.unwrap(wrapped, recording)
        return master_of(wrapped)
    except BadSeal as error:
        return str(error)


def _ring_and_files(settings: Settings) -> tuple[KeyRing, RecordingFiles]:
    places: Places = places_of(settings.node.data_dir)
    return ring_of(settings, places, SystemClock()), RecordingFiles(places.recordings)
