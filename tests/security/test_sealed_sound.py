"""Sealed sound: what was put in comes out, and nothing else does."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.security.errors import BadSeal
from ccplatform.security.sealed_sound import (
    HEADER_BYTES,
    Chunk,
    Closing,
    Coding,
    Description,
    Front,
    Kind,
    Seal,
    Sealer,
    fronts,
    hash_of,
    header,
    read_header,
    samples_of,
)

KEY = b"k" * 32
DESCRIPTION = Description(recording="019b8d6e-7a10-7c3e-8a55-0d6f6f1c2b3a", rate=8000)
BODIES = [bytes([number]) * 400 for number in range(5)]


def sealed(bodies: list[bytes]) -> bytes:
    sealer, data = Sealer(KEY, DESCRIPTION), header(DESCRIPTION, b"wrapped")
    for body in bodies:
        data += written(sealer, sealer.sound(body, len(body) // 4))
    return data + written(sealer, sealer.closing())


def written(sealer: Sealer, chunk: Chunk) -> bytes:
    sealer.accept(chunk)
    return chunk.data


def walk(data: bytes) -> list[Front]:
    return list(fronts(lambda place, length: data[place : place + length], len(data)))


def body(data: bytes, front: Front) -> bytes:
    return data[front.end - front.length : front.end]


WHOLE = sealed(BODIES)


@given(st.lists(st.binary(max_size=200).map(lambda data: data * 4), max_size=6))
def test_what_was_sealed_is_read_again(bodies: list[bytes]) -> None:
    data = sealed(bodies)
    assert samples_of(data, KEY) == (DESCRIPTION, b"".join(bodies))
    closing = walk(data)[-1]
    told = Seal(KEY, DESCRIPTION).close_of(closing, body(data, closing))
    assert told == Closing(chunks=len(bodies), samples=sum(len(one) // 4 for one in bodies))


def test_each_chunk_names_the_one_before_it_and_the_first_the_description() -> None:
    found = walk(WHOLE)
    assert [front.kind for front in found] == [*[Kind.SOUND] * 5, Kind.CLOSING]
    assert found[0].before == Seal(KEY, DESCRIPTION).genesis
    for one, after in pairwise(found):
        assert after.before == hash_of(one, body(WHOLE, one))


def test_any_chunk_opens_without_those_before_it() -> None:
    seal, found = Seal(KEY, DESCRIPTION), walk(WHOLE)
    assert seal.open(found[3], body(WHOLE, found[3])) == BODIES[3]


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_never_heard(place: int, change: int) -> None:
    data = bytearray(WHOLE)
    data[place] ^= change
    if HEADER_BYTES > place >= len(DESCRIPTION.encode()):
        return  # the wrapped key: it opens no other key
    try:
        description, samples = samples_of(bytes(data), KEY)
    except BadSeal:
        return
    assert len(walk(bytes(data))) < 6  # a front that is none ends the walk: less is heard, and nothing else
    assert b"".join(BODIES).startswith(samples)
    assert description == DESCRIPTION


def test_a_chunk_of_another_file_or_place_does_not_open() -> None:
    seal, found = Seal(KEY, DESCRIPTION), walk(WHOLE)
    with pytest.raises(BadSeal):
        seal.open(found[1], body(WHOLE, found[2]))
    other = Seal(KEY, Description(recording=DESCRIPTION.recording, rate=8000, coding=Coding.FLAC))
    with pytest.raises(BadSeal):
        other.open(found[1], body(WHOLE, found[1]))
    with pytest.raises(BadSeal):
        Seal(b"x" * 32, DESCRIPTION).open(found[1], body(WHOLE, found[1]))


@given(st.integers(0, len(WHOLE)))
def test_a_torn_file_is_whole_up_to_its_last_whole_chunk(cut: int) -> None:
    data = WHOLE[:cut]
    if cut < HEADER_BYTES:
        with pytest.raises(BadSeal):
            samples_of(data, KEY)
        return
    assert samples_of(data, KEY)[1] == b"".join(BODIES[: (cut - HEADER_BYTES) // 476])


def test_no_nonce_is_used_twice_written_or_not() -> None:
    sealer = Sealer(KEY, DESCRIPTION)
    rejected, again = sealer.sound(BODIES[0], 100), sealer.sound(BODIES[1], 100)
    other = Sealer(KEY, DESCRIPTION).sound(BODIES[0], 100)
    nonces = {chunk.data[16:28] for chunk in (rejected, again, other)}
    assert len(nonces) == 3


def test_missing_time_is_said_and_silent() -> None:
    sealer, data = Sealer(KEY, DESCRIPTION), header(DESCRIPTION, b"")
    data += written(sealer, sealer.sound(b"\1\2\3\4", 1))
    data += written(sealer, sealer.missing(3))
    data += written(sealer, sealer.sound(b"\5" * 4, 1))
    assert samples_of(data, KEY)[1] == b"\1\2\3\4" + bytes(12) + b"\5" * 4


@given(st.binary(max_size=700))
def test_any_bytes_are_no_recording_or_an_empty_one(data: bytes) -> None:
    with pytest.raises(BadSeal):
        samples_of(data, KEY)
    assert walk(header(DESCRIPTION, b"") + data) == [] or len(data) > 75


def test_a_header_says_what_is_in_the_file() -> None:
    made = Description(recording="r", rate=16_000, coding=Coding.OPUS, origin=b"o" * 32)
    assert read_header(header(made, b"key")) == (made, b"key".ljust(428, b"\0"))
    with pytest.raises(BadSeal, match="0 Hz"):
        read_header(header(Description(recording="r", rate=0), b""))
