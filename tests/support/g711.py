"""G.711 for the tests, written apart from the product's codec so that a mistake there is not repeated here.

Samples are ``int16`` arrays at 8000 Hz; octets are ``uint8`` arrays. Source: ITU-T G.711, tables 1a-2b.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
Octets = npt.NDArray[np.uint8]

RATE: Final = 8000
#: RTP payload types (RFC 3551) by encoding name.
PAYLOAD_TYPES: Final = {"PCMU": 0, "PCMA": 8}


def _a_law_decoder() -> Samples:
    code = np.arange(256) ^ 0x55
    segment, step = (code >> 4) & 7, code & 15
    magnitude = np.where(segment == 0, 2 * step + 1, (2 * step + 33) << np.maximum(segment - 1, 0))
    return np.asarray(np.where(code & 0x80, magnitude, -magnitude) * 8, dtype=np.int16)


def _a_law_encoder() -> Octets:
    sample = np.arange(-32768, 32768)
    magnitude = np.where(sample >= 0, sample, -sample - 1) >> 3
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(int) - 4, 0)
    code = segment << 4 | (magnitude >> np.maximum(segment, 1)) & 15 | np.where(sample >= 0, 0x80, 0)
    return np.asarray(code ^ 0x55, dtype=np.uint8)


def _mu_law_decoder() -> Samples:
    code = ~np.arange(256)
    magnitude = ((2 * (code & 15) + 33) << ((code >> 4) & 7)) - 33
    return np.asarray(np.where(code & 0x80, -magnitude, magnitude) * 4, dtype=np.int16)


def _mu_law_encoder() -> Octets:
    sample = np.arange(-32768, 32768)
    magnitude = np.minimum(np.abs(sample) >> 2, 8158) + 33
    segment = np.floor(np.log2(magnitude)).astype(int) - 5
    code = np.where(sample < 0, 0x80, 0) | segment << 4 | (magnitude >> (segment + 1)) & 15
    return np.asarray(~code & 0xFF, dtype=np.uint8)


_DECODERS: Final = {"PCMA": _a_law_decoder(), "PCMU": _mu_law_decoder()}
_ENCODERS: Final = {"PCMA": _a_law_encoder(), "PCMU": _mu_law_encoder()}


def encode(samples: npt.ArrayLike, codec: str) -> bytes:
    """G.711 octets of 16-bit samples; ``codec`` is ``PCMA`` or ``PCMU``."""
    table = _ENCODERS[codec]
    return bytes(table[np.asarray(samples, dtype=np.int16).astype(np.int32) + 32768])


def decode(octets: bytes, codec: str) -> Samples:
    """16-bit samples of G.711 octets."""
    return _DECODERS[codec][np.frombuffer(octets, dtype=np.uint8)]
