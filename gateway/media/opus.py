"""Opus (RFC 6716) at 16 kHz mono by the system's libopus, through ctypes; without the library there is no Opus.

The calls are short and made with the interpreter lock held, like those of :mod:`gateway.media.packet_io`.
"""

from __future__ import annotations

import ctypes
import math
import weakref
from functools import cache
from typing import Final

import numpy as np

from gateway.media.audio import Pcm
from gateway.media.errors import CodecMissing

_RATE: Final = 16000
_SONAME: Final = "libopus.so.0"
_APPLICATION_VOIP: Final = 2048
_SIGNAL_VOICE: Final = 3001
_SET_BITRATE: Final = 4002
_SET_VBR: Final = 4006
_SET_COMPLEXITY: Final = 4010
_SET_INBAND_FEC: Final = 4012
_SET_PACKET_LOSS_PERCENT: Final = 4014
_SET_SIGNAL: Final = 4024

#: Twice what RFC 7587 section 3.1.1 has for wideband speech: room for FEC, which costs quality below it, and still
#: less than G.711.
_BITS_PER_SECOND: Final = 40000
_LEAST_BITS_PER_SECOND: Final = 6000
#: Of 0 to 10: above 3 the cost doubles for speech that listeners can hardly tell apart.
_COMPLEXITY: Final = 3
#: The loss that FEC is made for, where there is any: twice what was reported, halved by each report of none.
_LEAST_LOSS_PERCENT, _MOST_LOSS_PERCENT = 5, 20
_NO_LOSS: Final = 0.01
#: Longest payload that is made; told to the encoder, which keeps to it.
MAX_PAYLOAD: Final = 160
_LONGEST_SAMPLES: Final = _RATE * 120 // 1000
_RECOVERABLE: Final = _RATE * 60 // 1000
_GRAIN: Final = _RATE * 25 // 10_000  # 2.5 ms: what a frame's length is a multiple of
_NOTHING: Final = np.zeros(0, dtype=np.int16)


@cache
def _library() -> ctypes.PyDLL | None:
    try:
        library = ctypes.PyDLL(_SONAME)
    except OSError:
        return None
    pointer, integer, int32 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int32
    for name, result, arguments in (
        ("opus_encoder_create", pointer, (int32, integer, integer, pointer)),
        ("opus_decoder_create", pointer, (int32, integer, pointer)),
        ("opus_encoder_ctl", integer, (pointer, integer, int32)),
        ("opus_encode", int32, (pointer, pointer, integer, pointer, int32)),
        ("opus_decode", integer, (pointer, ctypes.c_char_p, int32, pointer, integer, integer)),
        ("opus_encoder_destroy", None, (pointer,)),
        ("opus_decoder_destroy", None, (pointer,)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def opus_is_here() -> bool:
    """Whether the system has libopus."""
    return _library() is not None


class OpusCoder:
    """One leg's coder and decoder; raises CodecMissing where libopus is not. ``fmtp`` is what the peer wants to
    get (RFC 7587 section 6.1): FEC, a bit rate, a constant one."""

    def __init__(self, fmtp: str = "") -> None:
        library = _library()
        if library is None:
            raise CodecMissing(f"there is no {_SONAME} on this machine")
        self._library = library
        self._encoder = library.opus_encoder_create(_RATE, 1, _APPLICATION_VOIP, None)
        self._decoder = library.opus_decoder_create(_RATE, 1, None)
        weakref.finalize(self, library.opus_encoder_destroy, self._encoder)
        weakref.finalize(self, library.opus_decoder_destroy, self._decoder)
        self._expected_loss = 0.0
        self._payload = ctypes.create_string_buffer(MAX_PAYLOAD)
        self._sound = np.empty(_LONGEST_SAMPLES, dtype=np.int16)
        self._configure(parameters_of(fmtp))

    def encode(self, pcm: Pcm) -> bytes:
        """See :class:`gateway.media.codecs.Coder`."""
        sound = np.ascontiguousarray(pcm)
        size = self._library.opus_encode(self._encoder, sound.ctypes.data, len(sound), self._payload, MAX_PAYLOAD)
        return self._payload.raw[: max(0, size)]

    def decode(self, payload: bytes) -> Pcm:
        """See :class:`gateway.media.codecs.Coder`."""
        return self._decode(payload, _LONGEST_SAMPLES, fec=False) if payload else _NOTHING

    def recover(self, following: bytes, samples: int) -> Pcm:
        """The redundant copy that ``following`` carries (FEC) of the 20 ms before it; for more, at most 60 ms,
        what the decoder makes up."""
        if not _GRAIN <= samples <= _RECOVERABLE or samples % _GRAIN:
            return _NOTHING
        return self._decode(following, samples, fec=True)

    def expect_loss(self, share: float) -> None:
        """See :class:`gateway.media.codecs.Coder`: redundancy (FEC) is sent only where packets are lost."""
        self._expected_loss = max(2 * share, self._expected_loss / 2)
        percent = min(max(math.ceil(100 * self._expected_loss), _LEAST_LOSS_PERCENT), _MOST_LOSS_PERCENT)
        percent = percent if self._expected_loss >= _NO_LOSS else 0
        self._library.opus_encoder_ctl(self._encoder, _SET_PACKET_LOSS_PERCENT, percent)

    def _decode(self, payload: bytes, samples: int, *, fec: bool) -> Pcm:
        count = self._library.opus_decode(
            self._decoder, payload, len(payload), self._sound.ctypes.data, samples, int(fec)
        )
        return self._sound[: max(0, count)].copy()

    def _configure(self, wanted: dict[str, int]) -> None:
        limit = max(_LEAST_BITS_PER_SECOND, wanted.get("maxaveragebitrate", _BITS_PER_SECOND))
        for request, value in (
            (_SET_SIGNAL, _SIGNAL_VOICE),
            (_SET_COMPLEXITY, _COMPLEXITY),
            (_SET_BITRATE, min(_BITS_PER_SECOND, limit)),
            (_SET_VBR, int(wanted.get("cbr", 0) != 1)),
            (_SET_INBAND_FEC, int(wanted.get("useinbandfec", 0) == 1)),
        ):
            self._library.opus_encoder_ctl(self._encoder, request, value)


def parameters_of(fmtp: str) -> dict[str, int]:
    """The numeric parameters of an fmtp attribute; what is no ``name=number`` is left out."""
    pairs = (part.partition("=") for part in fmtp.split(";"))
    return {
        name.strip().lower(): int(value)
        for name, _, text in pairs
        if (value := text.strip()).isascii() and value.isdigit() and len(value) <= 9
    }
