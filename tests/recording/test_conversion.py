"""Recordings at rest: smaller, the same samples, proved; those of before sound was sealed are sealed."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ccplatform.contracts.words import RecordingId, Severity
from ccplatform.security.errors import BadSeal
from ccplatform.security.sealed_sound import Coding, Description, Sealer, header
from ccplatform.storage.database import Database
from recording.conversion import make_smaller, seal_plain, take_place
from recording.keeper import DAMAGE_ALARM, Keeper
from recording.model import Ending, Note
from recording.proof import check_file
from recording.wave import wave_header
from tests.recording.test_proof import Vault
from tests.support.database import database, postgres_dsn  # noqa: F401
from tests.support.sealed import KEY, RING

RATE = 8000


def said(seconds: float) -> bytes:
    """Two sides that a coder can make smaller, no two seconds alike."""
    at = np.arange(round(seconds * RATE)) / RATE
    left = 6000 * np.sin(2 * np.pi * (300 + 20 * at) * at)
    right = 3000 * np.sin(2 * np.pi * 500 * at) * (np.sin(2 * np.pi * at / 5) > 0)
    return np.stack([left, right], axis=1).astype("<i2").tobytes()


SAID = said(25.3)


def write(vault: Vault, recording: RecordingId, *, missing: int = 0) -> str:
    """What a worker wrote, a second a chunk; its root."""
    path = vault.sounds.files.path_of(recording)
    path.parent.mkdir(parents=True, exist_ok=True)
    description = Description(recording=recording, rate=RATE)
    sealer, data = Sealer(KEY, description), header(description, RING.wrap(KEY, recording))
    chunks = [SAID[at : at + RATE * 4] for at in range(0, len(SAID), RATE * 4)]
    for number, part in enumerate(chunks):
        made = [sealer.missing(missing)] if missing and number == 13 else []
        for chunk in made:
            sealer.accept(chunk)
            data += chunk.data
        chunk = sealer.sound(part, len(part) // 4)
        sealer.accept(chunk)
        data += chunk.data
    closing = sealer.closing(((1.0, 2.5),), "why")
    sealer.accept(closing)
    path.write_bytes(data + closing.data)
    return sealer.before.hex()


@pytest.fixture
def vault(database: Database, tmp_path: Path) -> Vault:  # noqa: F811
    return Vault(database, tmp_path)


def heard(vault: Vault, recording: RecordingId) -> bytes:
    sound = vault.sounds.open(recording)
    data = sound.read(0, sound.size)
    sound.close()
    return data


@pytest.mark.parametrize("missing", [0, 4000])
def test_flac_at_rest_is_smaller_and_the_same_to_the_sample(vault: Vault, missing: int) -> None:
    recording = RecordingId(vault.ids.new())
    root = write(vault, recording, missing=missing)
    before, size = heard(vault, recording), vault.sounds.files.path_of(recording).stat().st_size
    made = make_smaller(vault.sounds, recording, Coding.FLAC, root)
    assert made.draft.stat().st_size == made.size_bytes < size * 0.7
    take_place(vault.sounds, made)
    assert heard(vault, recording) == before
    with vault.sounds.reader(recording) as reader:
        closing = reader.closing()
        assert closing is not None
        assert (closing.pauses, closing.error) == (((1.0, 2.5),), "why")
        assert check_file(reader, root, made.root) == ""
        assert reader.key != KEY
        assert "told" in check_file(reader, "00" * 32)
    sound = vault.sounds.open(recording)
    for second in (0, 9, 10, 12, 25):  # ranges of chunks of their own
        assert sound.read(44 + second * 32_000 + 2, 3000) == before[44 + second * 32_000 + 2 :][:3000]
    sound.close()
    again = make_smaller(vault.sounds, recording, Coding.FLAC, root)  # a crash before its row knew
    with vault.sounds.reader(recording) as reader:
        assert reader.description.origin.hex() == root
    again.draft.unlink()


def test_opus_at_choice_has_the_same_length_and_sounds_alike(vault: Vault) -> None:
    recording = RecordingId(vault.ids.new())
    root = write(vault, recording)
    before = soundfile.read(io.BytesIO(heard(vault, recording)))[0]
    take_place(vault.sounds, made := make_smaller(vault.sounds, recording, Coding.OPUS, root))
    after = soundfile.read(io.BytesIO(heard(vault, recording)))[0]
    assert made.size_bytes < len(SAID) / 4
    assert after.shape == before.shape
    assert np.corrcoef(before[:, 0], after[:, 0])[0, 1] > 0.9


def test_a_damaged_recording_is_left_as_it_is(vault: Vault) -> None:
    recording = RecordingId(vault.ids.new())
    root = write(vault, recording)
    vault.flip(recording, 40_000)
    path = vault.sounds.files.path_of(recording)
    data = path.read_bytes()
    with pytest.raises(BadSeal, match="chunk 1"):
        make_smaller(vault.sounds, recording, Coding.FLAC, root)
    assert path.read_bytes() == data
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def plain(vault: Vault) -> RecordingId:
    """A recording of an earlier version."""
    recording = RecordingId(vault.ids.new())
    files = vault.sounds.files
    files.prepare(recording)
    files.plain_path_of(recording).write_bytes(wave_header(len(SAID), RATE) + SAID)
    return recording


def test_a_recording_of_before_sound_was_sealed_is_sealed(vault: Vault) -> None:
    recording = plain(vault)
    before = heard(vault, recording)
    take_place(vault.sounds, seal_plain(vault.sounds, recording))
    assert not vault.sounds.files.plain_path_of(recording).exists()
    assert heard(vault, recording) == before
    assert SAID[40_000:40_100] not in vault.sounds.files.path_of(recording).read_bytes()


def keeper(vault: Vault, coding: Coding | None = Coding.FLAC) -> Keeper:
    return Keeper(
        catalogue=vault.catalogue,
        sounds=vault.sounds,
        database=vault.database,
        audit=vault.audit,
        clock=vault.clock,
        coding=coding,
        after_seconds=600.0,
        alarms=vault.told,
    )


async def test_the_keeper_converts_what_rested_long_enough_and_the_proof_goes_on(vault: Vault) -> None:
    old, damaged = await vault.add(), await vault.add()
    vault.flip(damaged, 40_000)
    vault.clock.advance(700)
    young = await vault.add()
    kept = keeper(vault)
    assert await kept.make_smaller() == 1
    assert await kept.make_smaller() == 0
    rows = {name: await vault.catalogue.get(name) for name in (old, damaged, young)}
    assert [rows[name].coding for name in (old, damaged, young)] == ["flac", "pcm", "pcm"]
    assert rows[old].size_bytes == vault.sounds.files.path_of(old).stat().st_size
    assert vault.told.alarms == {(DAMAGE_ALARM, ""): Severity.URGENT}
    await vault.next_day()
    assert set(await vault.found()) == {damaged}
    [told] = await vault.audit.page(action="recording.convert")
    assert old in told.detail
    assert await keeper(vault, None).make_smaller() == 0
    vault.flip(old, 600)
    assert set(await vault.found()) == {damaged, old}


async def test_what_was_deleted_meanwhile_stays_deleted(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = await vault.add()
    vault.clock.advance(700)
    lock_kept = vault.catalogue.lock_kept

    async def deleted_first(connection: object, recordings: object) -> set[RecordingId]:
        await vault.sql("UPDATE recordings SET deleted_at = now() WHERE id = $1", recording)
        vault.sounds.files.remove(recording)
        return await lock_kept(connection, recordings)  # type: ignore[arg-type]

    monkeypatch.setattr(vault.catalogue, "lock_kept", deleted_first)
    assert await keeper(vault).make_smaller() == 0
    assert not any(path.is_file() for path in vault.sounds.files.directory.rglob("*"))


async def test_the_keeper_seals_what_earlier_versions_left(vault: Vault) -> None:
    known = await vault.add()
    row = await vault.catalogue.get(known)
    files = vault.sounds.files
    files.path_of(known).unlink()
    files.plain_path_of(known).write_bytes(wave_header(len(SAID), RATE) + SAID)
    await vault.sql("UPDATE recordings SET root = NULL WHERE id = $1", known)
    running = plain(vault)  # no note says that it ended
    note = Note(
        recording=known, contact=row.contact, mode=row.mode, queue=row.queue, agent=row.agent, seat=row.seat
    )
    files.seal(replace(note), Ending(seconds=25.3, size_bytes=1, complete=True))
    assert await keeper(vault).seal_plain_files() == 1
    assert [path.stem for path in files.directory.rglob("*.wav")] == [running]
    assert heard(vault, known)[44:] == SAID
    files.plain_path_of(running).unlink()
    assert await vault.found() == {}
    vault.flip(known, 700)
    assert set(await vault.found()) == {known}
