"""Sealed recordings for tests: a key that everybody knows, and the samples of what was recorded with it."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np

from ccplatform.contracts.media import Seal
from ccplatform.contracts.words import RecordingId
from ccplatform.security.key_ring import KEYS_VARIABLE, KeyRing, KeysFromEnvironment
from ccplatform.security.sealed_sound import Description, Sealer, header, samples_of

KEY = b"k" * 32
#: For orders whose file nobody opens by its wrapped key.
SEAL = Seal(key=KEY, wrapped=b"")
#: A master key of tests.
KEYS = KeysFromEnvironment({KEYS_VARIABLE: f"test:{base64.b64encode(b'm' * 32).decode()}"})
RING = KeyRing(KEYS)


def seal_of(recording: str) -> Seal:
    """The seal of a recording: always the same key."""
    return Seal(key=KEY, wrapped=RING.wrap(KEY, recording))


def unsealed(path: Path) -> tuple[Any, int]:
    """The samples (samples × 2) of a sealed file, as far as it is whole, and their rate."""
    description, samples = samples_of(path.read_bytes(), KEY)
    return np.frombuffer(samples, "<i2").reshape(-1, 2), description.rate


def write_sealed(
    path: Path, recording: RecordingId, samples: bytes, *, rate: int = 8000, close: bool = True
) -> None:
    """A file as a media worker writes it, a second a chunk."""
    description = Description(recording=recording, rate=rate)
    sealer = Sealer(KEY, description)
    data = io.BytesIO()
    data.write(header(description, RING.wrap(KEY, recording)))
    for start in range(0, len(samples), rate * 4):
        part = samples[start : start + rate * 4]
        chunk = sealer.sound(part, len(part) // 4)
        data.write(chunk.data)
        sealer.accept(chunk)
    if close:
        chunk = sealer.closing()
        data.write(chunk.data)
        sealer.accept(chunk)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.getvalue())
