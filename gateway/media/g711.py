"""G.711 by table (ITU-T G.711): A-law and µ-law to 16-bit linear and back.

Linear samples are the 13-bit (A) and 14-bit (µ) values of the recommendation, left-justified in 16 bits.
Negative samples are taken in one's complement, as the software tool library of ITU-T G.191 does, so that both
signs have the same decision values.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gateway.media.audio import Bytes, Pcm


class Law(IntEnum):
    """The companding law, as stored in arrays."""

    PCMU = 0
    PCMA = 1


def _decode_alaw() -> Pcm:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = np.where(
        exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0)
    )
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _decode_ulaw() -> Pcm:
    code = np.arange(256, dtype=np.int32) ^ 0xFF
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _segment(magnitude: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number of the segment: how often ``magnitude`` doubled since 256, where segment 1 begins."""
    return np.searchsorted(256 << np.arange(7), magnitude, side="right").astype(np.int32)


def _encode_alaw() -> Bytes:
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    negative = sample < 0
    magnitude = np.where(negative, ~sample, sample)  # the decision value belongs to the outer interval
    exponent = _segment(magnitude)
    mantissa = (magnitude >> np.where(exponent == 0, 4, exponent + 3)) & 15
    code = exponent << 4 | mantissa | np.where(negative, 0, 0x80)
    return (code ^ 0x55).astype(np.uint8)


def _encode_ulaw() -> Bytes:
    sample = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    negative = sample < 0
    magnitude = np.minimum(np.where(negative, ~sample, sample), 32635) + 0x84
    exponent = _segment(magnitude)
    mantissa = (magnitude >> (exponent + 3)) & 15
    code = exponent << 4 | mantissa | np.where(negative, 0x80, 0)
    return (code ^ 0xFF).astype(np.uint8)


#: ``DECODE[law, code]`` → 16-bit sample.
DECODE: Final = np.stack([_decode_ulaw(), _decode_alaw()])
#: ``ENCODE[law, sample as uint16]`` → code.
ENCODE: Final = np.stack([_encode_ulaw(), _encode_alaw()])


def decode(law: Law, codes: Bytes) -> Pcm:
    """Samples of companded ``codes``, any shape."""
    return np.take(DECODE[law], codes)


def encode(law: Law, samples: Pcm) -> Bytes:
    """Companded codes of 16-bit ``samples``, any shape."""
    return np.take(ENCODE[law], samples.view(np.uint16))
