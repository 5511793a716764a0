"""What looks for sound in the clear finds it in every form that it could have."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.g711 import RATE, Samples, decode, encode
from tests.support.traces import Traces

SAID = np.random.default_rng(5).normal(0, 3000, 2 * RATE).astype(np.int16)
HEARD = decode(encode(SAID, "PCMA"), "PCMA")


def file_of(samples: Samples, kind: str, subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=kind, subtype=subtype)
    return file.getvalue()


def beside(samples: Samples, column: int) -> Samples:
    both = np.random.default_rng(6).normal(0, 3000, (len(samples), 2)).astype(np.int16)
    both[:, column] = samples
    return both


@pytest.mark.parametrize(
    "kept",
    [
        encode(SAID, "PCMA"),
        encode(HEARD, "PCMU"),
        HEARD.astype("<i2").tobytes(),
        beside(HEARD, 0).tobytes(),
        beside(HEARD, 1).tobytes(),
        file_of(HEARD, "WAV"),
        file_of(HEARD, "WAV", "ALAW"),
        file_of(HEARD, "FLAC"),
        file_of(beside(HEARD, 1), "FLAC"),
        base64.b64encode(encode(SAID, "PCMA")),
        base64.b64encode(HEARD.astype("<i2").tobytes()),
    ],
    ids=lambda kept: kept[:4].hex() if isinstance(kept, bytes) else None,
)
@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_every_form_is_found_wherever_it_begins(kept: bytes, before: int, tmp_path: Path) -> None:
    traces = Traces(SAID)
    data = b"\x07" * before + kept + b"\x07" * 5
    assert traces.within(data)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(data)
    assert traces.in_files(tmp_path) == [str(tmp_path / "a" / "file")]


def test_other_sound_is_not_taken_for_it(tmp_path: Path) -> None:
    other = np.random.default_rng(7).normal(0, 3000, 2 * RATE).astype(np.int16)
    (tmp_path / "other").write_bytes(file_of(other, "FLAC") + encode(other, "PCMA") + other.tobytes())
    assert Traces(SAID).in_files(tmp_path) == []
    assert not Traces(SAID).within(b"")
