"""Sound files and tones as samples at 8 kHz; files are read by threads, never by the tick.

For wide legs what a file holds above 4 kHz is kept as a second band (:mod:`gateway.media.bands`).
"""

from __future__ import annotations

import io
import os
import queue
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import soundfile
import soxr

from ccplatform.contracts.media import CallTone, ToneCountry
from ccplatform.security.errors import BadSeal
from ccplatform.security.sealed_sound import samples_of
from gateway.media.audio import AUDIBLE, RATE, Floats, Pcm, peak_of
from gateway.media.bands import Splitter
from gateway.media.call_tones import CALL_TONES
from gateway.media.errors import BadSound
from gateway.media.own_files import leave_shared_files
from gateway.media.settings import MediaSettings
from gateway.media.streams import StreamFollower

_THREADS: Final = 2
_CHUNK_SECONDS: Final = 0.5  # read and resampled at once: short, so that the tick never waits for the interpreter
_PRE_ROLL: Final = 40  # samples kept before the first audible one
_RECHECK_SECONDS: Final = 2.0
_MAX_TONES: Final = 256
_MAX_FAILURES: Final = 256
_CHANNELS: Final = range(1, 9)
EDGE: Final = 40  # samples in which a tone rises and falls, so that it does not click
_RATES: Final = range(4000, 192_001)


@dataclass(frozen=True, slots=True)
class Clip:
    """``length`` samples: ``pcm`` from ``start`` on, around and around. ``high``: the same above 4 kHz, if any."""

    pcm: Pcm
    start: int
    length: int
    high: Pcm | None = None


@dataclass(frozen=True, slots=True)
class Sound:
    """A decoded file; ``lead`` samples at its beginning are silence."""

    pcm: Pcm
    lead: int
    identity: tuple[int, int, int]
    high: Pcm | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return self.pcm.nbytes + (0 if self.high is None else self.high.nbytes)

    def clip(self, trim: bool) -> Clip:
        """The sound as an item to play."""
        start = self.lead if trim else 0
        return Clip(self.pcm, start, len(self.pcm) - start, self.high)


def load(path: str, max_bytes: int, max_seconds: float, *, wide: bool = False, key: bytes = b"") -> Sound:
    """Read, mix down and resample a file, for ``wide`` legs in two bands; raises BadSound with the reason.

    With a ``key`` it is a recording that is sealed with it, and opened in memory only.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise BadSound(f"{path}: not a file")
        if status.st_size > max_bytes:
            raise BadSound(f"{path}: {status.st_size} bytes, the limit is {max_bytes}")
        with _sealed(path, key) if key else soundfile.SoundFile(path) as file:
            if file.samplerate not in _RATES:
                raise BadSound(f"{path}: a rate of {file.samplerate} Hz cannot be played")
            if file.channels not in _CHANNELS:
                raise BadSound(f"{path}: {file.channels} channels cannot be played")
            if file.frames > max_seconds * file.samplerate:
                raise BadSound(f"{path}: longer than {max_seconds:g} s")
            split = wide and file.samplerate > RATE
            pcm, high = _read_wide(file) if split else (np.concatenate(list(_read(file, RATE))), None)
    except (OSError, soundfile.SoundFileError, ValueError, BadSeal) as error:
        raise BadSound(f"{path}: {error}") from error
    return Sound(pcm, _lead(pcm), _identity(status), high)


def _sealed(path: str, key: bytes) -> soundfile.SoundFile:
    with open(path, "rb") as file:
        description, samples = samples_of(file.read(), key)
    return soundfile.SoundFile(
        io.BytesIO(samples),
        samplerate=description.rate,
        channels=2,
        format="RAW",
        subtype="PCM_16",
        endian="LITTLE",
    )


def _read(file: soundfile.SoundFile, rate: int) -> Iterator[Pcm]:
    resampler = soxr.ResampleStream(file.samplerate, rate, 1, dtype="float32") if file.samplerate != rate else None
    chunk = int(file.samplerate * _CHUNK_SECONDS)
    left = file.frames
    yield np.zeros(0, dtype=np.int16)
    while left > 0:
        block = file.read(min(chunk, left), dtype="float32", always_2d=True)
        if not len(block):
            break
        left -= len(block)
        mono: Floats = block.mean(axis=1)
        if resampler is not None:
            mono = resampler.resample_chunk(mono, last=left <= 0)
        yield np.clip(np.rint(mono * 32768), -32767, 32767).astype(np.int16)


def _read_wide(file: soundfile.SoundFile) -> tuple[Pcm, Pcm]:
    splitter = Splitter()
    bands = [splitter.split(part, last=False) for part in _read(file, 2 * RATE)]
    bands.append(splitter.split(np.zeros(0, dtype=np.int16), last=True))
    low, high = zip(*bands, strict=True)
    return np.concatenate(low), np.concatenate(high)


def _lead(pcm: Pcm) -> int:
    audible = np.abs(pcm) > AUDIBLE
    return max(0, int(np.argmax(audible)) - _PRE_ROLL) if audible.any() else 0


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


#: A file, the key that it is sealed with, and whether for wide legs.
_Key: TypeAlias = tuple[str, bytes, bool]


class SoundLibrary:
    """Decoded files by path, least recently used dropped first. All methods are called by the tick's thread."""

    def __init__(self, settings: MediaSettings) -> None:
        self._settings = settings
        self.streams = StreamFollower(settings.max_sound_seconds, settings.stream_stall_seconds)
        self._sounds: OrderedDict[_Key, Sound] = OrderedDict()
        self._failed: OrderedDict[_Key, BadSound] = OrderedDict()
        self._checked: dict[_Key, float] = {}
        self._loading: set[_Key] = set()
        self._bytes = 0
        self._wanted: queue.SimpleQueue[tuple[_Key, Sound | None] | None] = queue.SimpleQueue()
        self._loaded: queue.SimpleQueue[tuple[_Key, Sound | BadSound]] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"sounds-{number}", daemon=True) for number in range(_THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def request(self, path: str, now: float, *, wide: bool = False, key: bytes = b"") -> None:
        """Somebody wants to play the file: begin to load it, or look whether it has changed."""
        wanted = path, key, wide
        self._failed.pop(wanted, None)
        known = self._sounds.get(wanted)
        if wanted in self._loading or (known and now - self._checked[wanted] < _RECHECK_SECONDS):
            return
        self._loading.add(wanted)
        self._wanted.put((wanted, known))

    def find(self, path: str, *, wide: bool = False, key: bytes = b"") -> Sound | BadSound | None:
        """The sound, why it cannot be played, or None while it is being loaded."""
        wanted = path, key, wide
        sound = self._sounds.get(wanted)
        if sound is not None:
            self._sounds.move_to_end(wanted)
            return sound
        return self._failed.get(wanted)

    def collect(self, now: float) -> None:
        """Take what the threads have loaded; called once a tick, before :meth:`find`."""
        self._evict()
        while not self._loaded.empty():
            key, result = self._loaded.get()
            self._loading.discard(key)
            self._drop(key)
            if isinstance(result, BadSound):
                self._failed[key] = result
                while len(self._failed) > _MAX_FAILURES:
                    self._failed.popitem(last=False)
            else:
                self._sounds[key] = result
                self._checked[key] = now
                self._bytes += result.size

    def close(self) -> None:
        """Let the threads end."""
        self.streams.close()
        for _ in self._threads:
            self._wanted.put(None)

    def _drop(self, key: _Key) -> None:
        old = self._sounds.pop(key, None)
        if old is not None:
            self._bytes -= old.size
            del self._checked[key]

    def _evict(self) -> None:
        while self._bytes > self._settings.sound_cache_bytes and len(self._sounds) > 1:
            self._drop(next(iter(self._sounds)))

    def _run(self) -> None:
        leave_shared_files()
        while (job := self._wanted.get()) is not None:
            key, known = job
            self._loaded.put((key, self._load(*key, known)))

    def _load(self, path: str, key: bytes, wide: bool, known: Sound | None) -> Sound | BadSound:
        try:
            if known is not None and _identity(os.stat(path)) == known.identity:
                return known
            settings = self._settings
            return load(path, settings.max_sound_bytes, settings.max_sound_seconds, wide=wide, key=key)
        except BadSound as error:
            return error
        except OSError as error:
            return BadSound(f"{path}: {error.strerror}")


class Tones:
    """Tables of tones, made once. Frequencies are rounded to 0.1 Hz, so that a table of 10 s closes on itself."""

    def __init__(self) -> None:
        self._tables: OrderedDict[tuple[object, float], Pcm] = OrderedDict()

    def clip(self, hertz: tuple[float, ...], seconds: float, level_dbm0: float) -> Clip:
        """Sines of ``level_dbm0`` each, together; raises BadSound for what no line can carry."""
        if not hertz or not all(0 < value < RATE / 2 for value in hertz) or len(hertz) > 8:
            raise BadSound(f"tone of {hertz} Hz: between one and eight frequencies below {RATE // 2} are needed")
        table = self._table(hertz, level_dbm0, lambda: _tone(hertz, level_dbm0))
        return Clip(table, 0, seconds_to_samples(seconds))

    def call_tone(self, tone: CallTone, country: ToneCountry, seconds: float, level_dbm0: float) -> Clip:
        """A tone of the network in its cadence, one round if ``seconds`` is 0; raises BadSound."""
        table = self._table((tone, country), level_dbm0, lambda: _cadence(tone, country, level_dbm0))
        return Clip(table, 0, seconds_to_samples(seconds) or len(table))

    def _table(self, name: object, level_dbm0: float, make: Callable[[], Pcm]) -> Pcm:
        if not -100 <= level_dbm0 <= 3.14:
            raise BadSound(f"tone level of {level_dbm0} dBm0 is not between -100 and 3.14")
        table = self._tables.get((name, level_dbm0))
        if table is None:
            table = self._tables[name, level_dbm0] = make()
            if len(self._tables) > _MAX_TONES:
                self._tables.popitem(last=False)
        return table


def silence(seconds: float) -> Clip:
    """Nothing for a while."""
    return Clip(np.zeros(RATE, dtype=np.int16), 0, seconds_to_samples(seconds))


def seconds_to_samples(seconds: float) -> int:
    """Samples of a duration between 0 and a day; raises BadSound otherwise."""
    if not 0 <= seconds <= 86400:
        raise BadSound(f"a duration of {seconds} s is not between 0 and 86400")
    return round(seconds * RATE)


def _tone(hertz: tuple[float, ...], level_dbm0: float) -> Pcm:
    rounded = [round(value, 1) for value in hertz]
    seconds = 1 if all(value.is_integer() for value in rounded) else 10
    time = np.arange(seconds * RATE) / RATE
    wave = peak_of(level_dbm0) * sum(np.sin(2 * np.pi * value * time) for value in rounded)
    return np.clip(np.rint(wave), -32767, 32767).astype(np.int16)


def _cadence(tone: CallTone, country: ToneCountry, level_dbm0: float) -> Pcm:
    """One round of a tone."""
    beats = CALL_TONES[country][tone]
    parts = []
    for beat in beats:
        count = round(beat.seconds * RATE)
        part = np.resize(_tone(beat.hertz, level_dbm0), count) if beat.hertz else np.zeros(count, dtype=np.int16)
        if len(beats) > 1:
            rise = np.linspace(0, 1, EDGE)
            part[:EDGE] = part[:EDGE] * rise
            part[-EDGE:] = part[-EDGE:] * rise[::-1]
        parts.append(part)
    return np.concatenate(parts)
