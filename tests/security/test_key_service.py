"""Master keys in a key management service: asked seldom, rotated by version, away without harm to calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ccplatform.kernel.clock import VirtualClock
from ccplatform.security.errors import BadSeal, VaultClosed
from ccplatform.security.key_ring import KeyRing, master_of, open_ring
from ccplatform.security.key_service import (
    PERIOD_SECONDS,
    RETRY_SECONDS,
    TOKEN_VARIABLE,
    KeyService,
    ServicePlace,
    token_from,
)
from ccplatform.security.sealed_sound import HEADER_BYTES, wrapped_place
from tests.support.key_service import TOKEN, TransitEngine, transit_engine
from tests.support.milestone import PATIENCE

ID = "019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b3a"


@pytest.fixture
def engine() -> Iterator[TransitEngine]:
    with transit_engine() as engine:
        yield engine


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def place(engine: TransitEngine) -> ServicePlace:
    return ServicePlace(url=engine.url, engine="transit", key="recordings", token=lambda: TOKEN)


def ring_of(engine: TransitEngine, clock: VirtualClock) -> KeyRing:
    return open_ring(KeyService(place(engine), clock), Path())


def renewed(ring: KeyRing, name: str) -> bool:
    """Whether the ring takes this master key, by and by: a thread asks for it."""
    deadline = time.monotonic() + PATIENCE
    while ring.current != name and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    return ring.current == name


def test_a_thousand_recordings_ask_the_service_once(engine: TransitEngine, clock: VirtualClock) -> None:
    ring = ring_of(engine, clock)
    made = {name: ring.make(name) for name in map(str, range(1000))}
    assert engine.asked == ["encrypt"]
    assert all(len(wrapped) <= HEADER_BYTES - wrapped_place() for _, wrapped in made.values())
    elsewhere = ring_of(engine, clock)  # another process: the pages
    assert all(elsewhere.unwrap(wrapped + bytes(9), name) == key for name, (key, wrapped) in made.items())
    assert engine.asked == ["encrypt", "decrypt"]


def test_a_key_opens_for_its_recording_only_and_no_changed_byte_opens(
    engine: TransitEngine, clock: VirtualClock
) -> None:
    ring = ring_of(engine, clock)
    key, wrapped = ring.make(ID)
    assert key not in wrapped
    with pytest.raises(BadSeal):
        ring.unwrap(wrapped, "another")
    for at in range(len(wrapped)):
        changed = wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]
        with pytest.raises((BadSeal, VaultClosed)):
            ring.unwrap(changed, ID)


def test_a_rotated_key_counts_from_the_next_period_and_old_recordings_open(
    engine: TransitEngine, clock: VirtualClock
) -> None:
    ring = ring_of(engine, clock)
    key, wrapped = ring.make(ID)
    assert master_of(wrapped) == "recordings.v1"
    engine.rotate()
    assert ring.current == "recordings.v1"
    clock.advance(PERIOD_SECONDS)
    assert renewed(ring, "recordings.v2")
    assert ring_of(engine, clock).unwrap(wrapped, ID) == key
    again = ring.wrap(ring.unwrap(wrapped, ID), ID)
    assert (master_of(again), ring.unwrap(again, ID)) == ("recordings.v2", key)


def test_while_the_service_is_away_recording_goes_on_and_what_was_opened_lately_is_heard(
    engine: TransitEngine, clock: VirtualClock
) -> None:
    ring, old = ring_of(engine, clock), ring_of(engine, clock)
    key, wrapped = ring.make(ID)
    _, unheard = old.make(ID)
    engine.away = True
    clock.advance(PERIOD_SECONDS)
    assert ring.unwrap(ring.make("new")[1], "new")
    assert ring.unwrap(wrapped, ID) == key
    with pytest.raises(VaultClosed, match="503 Vault is sealed"):
        ring.unwrap(unheard, ID)


def test_a_start_without_the_service_waits_once_and_takes_it_when_it_is_there(
    engine: TransitEngine, clock: VirtualClock
) -> None:
    engine.away = True
    ring = ring_of(engine, clock)
    for _ in range(3):
        with pytest.raises(VaultClosed, match="sealed"):
            ring.make(ID)
    assert engine.asked == ["encrypt"]
    engine.away = False
    clock.advance(RETRY_SECONDS)
    with pytest.raises(VaultClosed):
        ring.make(ID)  # it is asked behind this call's back
    deadline = time.monotonic() + PATIENCE
    while engine.asked != ["encrypt"] * 2 and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert engine.asked == ["encrypt"] * 2


def test_who_is_not_let_in_or_finds_nobody_is_told_so(engine: TransitEngine, clock: VirtualClock) -> None:
    stranger = replace(place(engine), token=lambda: "wrong")
    with pytest.raises(VaultClosed, match="403 permission denied"):
        KeyRing(KeyService(stranger, clock)).make(ID)
    nobody = replace(place(engine), url="http://127.0.0.1:9")
    with pytest.raises(VaultClosed, match="is away"):
        KeyRing(KeyService(nobody, clock)).make(ID)


def test_the_token_is_read_when_it_is_needed_and_never_from_a_file_for_all(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token = token_from(path, {})
    with pytest.raises(VaultClosed, match="cannot read"):
        token()
    path.write_text("first\n")
    path.chmod(0o644)
    with pytest.raises(VaultClosed, match="chmod 600"):
        token()
    path.chmod(0o600)
    assert token() == "first"
    path.write_text("second\n")
    assert token() == "second"
    assert token_from(None, {TOKEN_VARIABLE: "third"})() == "third"
    with pytest.raises(VaultClosed, match=TOKEN_VARIABLE):
        token_from(None, {})()
