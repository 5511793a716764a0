"""What somebody says into the microphone of a page, heard by the recognisers that hear callers.

Their processes take sound as the media engine hands it over: packets on a socket, each with the instant of its
last sample. A whole utterance is sent as fast as they read, as one that began at its first packet.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Final

import numpy as np
import soundfile
import soxr

from ivr.errors import BadRecording, SpeechUnheard
from ivr.numbers import Language
from ivr.speech.recognition.port import Hypothesis, Recogniser, TapPlace
from ivr.tapped import HEADER

#: Longest utterance, seconds, and what a packet holds: all of it fits what a hearing keeps.
LONGEST: Final = 30.0
SAMPLES_A_PACKET: Final = 2000
#: How many alternatives are asked for.
ALTERNATIVES: Final = 3
#: How long a recogniser may take to read, seconds.
SEND_SECONDS: Final = 5.0

_RATES: Final = range(8_000, 48_001)


class Ears:
    """``at_once`` utterances are heard at the same time; others wait."""

    def __init__(self, recogniser: Recogniser, *, at_once: int = 2) -> None:
        self._recogniser = recogniser
        self._turns = asyncio.Semaphore(at_once)
        self._serial = itertools.count(1)

    async def hear(self, language: Language, phrases: Sequence[str] | None, wav: bytes) -> tuple[Hypothesis, ...]:
        """What was said, the likeliest first; raises BadRecording and SpeechUnheard."""
        samples, rate = await asyncio.to_thread(_samples, wav)
        hearing = f"simulated-{next(self._serial)}"
        async with self._turns:
            try:
                place = await self._recogniser.open(hearing, language, phrases, ALTERNATIVES)
                self._recogniser.begin(hearing, 0.0)
                with closing(await asyncio.to_thread(_send, samples, rate, place)):
                    return await self._recogniser.end(hearing)
            except OSError as error:
                raise SpeechUnheard("the recogniser takes no sound") from error
            finally:
                self._recogniser.close_hearing(hearing)


def _samples(wav: bytes) -> tuple[np.ndarray[tuple[int], np.dtype[np.int16]], int]:
    try:
        with soundfile.SoundFile(io.BytesIO(wav)) as file:
            form = (file.format, file.subtype, file.channels)
            if form != ("WAV", "PCM_16", 1) or file.samplerate not in _RATES:
                raise BadRecording("what was said is taken as WAV of one channel, 16 bits, 8 to 48 kHz")
            if len(file) > LONGEST * file.samplerate:
                raise BadRecording(f"at most {LONGEST:g} s are taken at once")
            return file.read(dtype="int16"), file.samplerate
    except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
        raise BadRecording("what was said cannot be read: it is no WAV") from error


def _send(samples: np.ndarray[tuple[int], np.dtype[np.int16]], rate: int, place: TapPlace) -> socket.socket:
    """Hand the samples over; the connection is left open until they were heard."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.settimeout(SEND_SECONDS)
        connection.connect(place.path)
        resampled = samples if rate == place.rate else soxr.resample(samples, rate, place.rate)
        for packet in _packets(np.asarray(resampled, dtype="<i2"), place.rate):
            connection.sendall(packet)
    except OSError:
        connection.close()
        raise
    return connection


def _packets(samples: np.ndarray[tuple[int], np.dtype[np.int16]], rate: int) -> Iterator[bytes]:
    for number, start in enumerate(range(0, len(samples), SAMPLES_A_PACKET)):
        piece = samples[start : start + SAMPLES_A_PACKET]
        yield HEADER.pack(number, 0, (start + len(piece)) / rate) + piece.tobytes()
