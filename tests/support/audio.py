"""What a recording holds: levels, tones, speech, delay and noise. The tests' own truth about audio.

Samples are arrays at 8000 Hz in 16-bit scale (``int16`` or float). Levels are dBm0 as G.711 defines them: a sine
that reaches the overload point (32768 here) has +3.14 dBm0; dBFS counts the same sine as 0.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from tests.support.g711 import RATE, Samples

Signal = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float64]

#: Level of a sine at G.711's overload point.
OVERLOAD_DBM0: Final = 3.14
#: Below this a packet counts as silence everywhere in the tests.
AUDIBLE_DBM0: Final = -50.0
#: Level of an empty or all-zero signal.
NOTHING_DBM0: Final = -120.0
_FRAME: Final = RATE // 50
#: Of spectra that are compared: samples of one, and from one to the next; the first bins of the bands.
_WINDOW: Final = 256
_HOP: Final = RATE // 100
_EDGES: Final = np.unique(np.round(np.geomspace(4, 112, 19)).astype(int))


def _floats(signal: Signal) -> Floats:
    return np.asarray(signal, dtype=np.float64)


def level_dbfs(signal: Signal) -> float:
    """RMS level relative to a full-scale sine."""
    x = _floats(signal)
    power = float(np.mean(x * x)) if x.size else 0.0
    return 10 * np.log10(power * 2 / 32768**2) if power > 0 else NOTHING_DBM0 - OVERLOAD_DBM0


def level_dbm0(signal: Signal) -> float:
    """RMS level in dBm0; :data:`NOTHING_DBM0` when there is nothing."""
    return level_dbfs(signal) + OVERLOAD_DBM0


def tone(frequency: float, seconds: float = 1.0, dbm0: float = -13.0, rate: int = RATE) -> Samples:
    """A sine of a level in dBm0."""
    peak = 32768 * 10 ** ((dbm0 - OVERLOAD_DBM0) / 20)
    t = np.arange(round(seconds * rate)) / rate
    return np.asarray(np.round(peak * np.sin(2 * np.pi * frequency * t)), dtype=np.int16)


def tone_level_dbm0(signal: Signal, frequency: float, rate: int = RATE) -> float:
    """Level of one frequency by Goertzel's algorithm (one DFT bin, Hann window, not tied to bin centres)."""
    x = _floats(signal)
    if x.size < 2:
        return NOTHING_DBM0
    window = np.hanning(x.size)
    t = np.arange(x.size) / rate
    amplitude = 2 * abs(np.dot(x * window, np.exp(-2j * np.pi * frequency * t))) / window.sum()
    return float(20 * np.log10(amplitude / 32768) + OVERLOAD_DBM0) if amplitude > 0 else NOTHING_DBM0


def steady_level_dbm0(signal: Signal, frequency: float, rate: int = RATE) -> float:
    """Level of one frequency in most of the signal: the median over windows of 50 ms."""
    x, size = _floats(signal), rate // 20
    levels = [tone_level_dbm0(x[at : at + size], frequency, rate) for at in range(0, x.size - size + 1, size)]
    return float(np.median(levels)) if levels else NOTHING_DBM0


def has_tone(
    signal: Signal, frequency: float, *, dbm0: float = -40.0, purity_db: float = 6.0, rate: int = RATE
) -> bool:
    """Whether ``frequency`` is there, louder than ``dbm0``, and at most ``purity_db`` below the whole signal."""
    at = tone_level_dbm0(signal, frequency, rate)
    return at > dbm0 and at > level_dbm0(signal) - purity_db


def loudest_tones(signal: Signal, count: int = 3, *, dbm0: float = AUDIBLE_DBM0) -> list[tuple[float, float]]:
    """The strongest spectral peaks as (Hz, dBm0), loudest first; peaks nearer than 30 Hz count as one."""
    x = _floats(signal)
    if x.size < _FRAME:
        return []
    window = np.hanning(x.size)
    size = max(8192, 1 << (x.size - 1).bit_length())
    amplitude = 2 * np.abs(np.fft.rfft(x * window, size)) / window.sum()
    peaks: list[tuple[float, float]] = []
    for index in np.argsort(amplitude)[::-1][: 4 * size // RATE * 30 * count]:
        frequency = float(index) * RATE / size
        level = 20 * np.log10(max(amplitude[index], 1e-9) / 32768) + OVERLOAD_DBM0
        if level < dbm0 or len(peaks) == count:
            break
        if all(abs(frequency - other) > 30 for other, _ in peaks):
            peaks.append((round(frequency, 1), round(float(level), 1)))
    return peaks


def frame_levels_dbm0(signal: Signal) -> Floats:
    """Level of every whole 20 ms."""
    x = _floats(signal)
    frames = x[: x.size // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.maximum(np.mean(frames * frames, axis=1) * 2 / 32768**2, 1e-13)
    return np.asarray(np.maximum(10 * np.log10(power) + OVERLOAD_DBM0, NOTHING_DBM0))


def activity(signal: Signal, *, dbm0: float = AUDIBLE_DBM0) -> float:
    """Share of the 20 ms frames that are louder than ``dbm0``; 0 for nothing."""
    levels = frame_levels_dbm0(signal)
    return float(np.mean(levels > dbm0)) if levels.size else 0.0


def is_silent(signal: Signal, *, dbm0: float = AUDIBLE_DBM0) -> bool:
    """No frame is louder than ``dbm0``."""
    return activity(signal, dbm0=dbm0) == 0.0


def audible_spans(signal: Signal, *, dbm0: float = AUDIBLE_DBM0, bridge: float = 0.3) -> list[tuple[float, float]]:
    """Where something is heard, as (from, to) in seconds; pauses shorter than ``bridge`` do not split."""
    spans: list[tuple[float, float]] = []
    for index in np.flatnonzero(frame_levels_dbm0(signal) > dbm0):
        begin = float(index) / 50
        if spans and begin - spans[-1][1] < bridge:
            spans[-1] = (spans[-1][0], begin + 0.02)
        else:
            spans.append((begin, begin + 0.02))
    return spans


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechMeasure:
    """What tells speech from tones, music and noise, over the loud frames of a signal."""

    activity: float  # share of 20 ms frames that are audible
    modulation_db: float  # spread (90th - 10th percentile) of 20 ms levels within 30 dB of the loudest
    movement: float  # median of 1 - cosine between spectra 60 ms apart
    tonality: float  # median share of a frame's power that lies within 60 Hz of its strongest frequency

    def speech(self) -> bool:
        """Whether this is speech, for signals of about a second or more."""
        return self.activity > 0.15 and self.modulation_db > 8 and self.movement > 0.1 and self.tonality < 0.9

    def __str__(self) -> str:
        return (
            f"audible {self.activity:.0%}, modulation {self.modulation_db:.1f} dB, "
            f"movement {self.movement:.2f}, tonality {self.tonality:.2f}"
        )


def measure_speech(signal: Signal) -> SpeechMeasure:
    """Measure a signal for :meth:`SpeechMeasure.speech`: voiced syllables come and go, and their spectra move."""
    x = _floats(signal)
    length, step = _FRAME * 2, _FRAME
    if x.size < 4 * length:
        return SpeechMeasure(activity=activity(signal), modulation_db=0.0, movement=0.0, tonality=1.0)
    frames = np.lib.stride_tricks.sliding_window_view(x, length)[::step] * np.hanning(length)
    power = np.abs(np.fft.rfft(frames, 512)) ** 2
    levels = frame_levels_dbm0(signal)
    heard = levels[levels > max(AUDIBLE_DBM0, levels.max() - 30)]
    loud = power.sum(axis=1) > power.sum(axis=1).max() / 1000
    if heard.size < 5 or loud.sum() < 5:
        return SpeechMeasure(activity=activity(signal), modulation_db=0.0, movement=0.0, tonality=1.0)
    strongest = power.argmax(axis=1)
    bins = np.arange(power.shape[1])
    near = np.abs(bins[None, :] - strongest[:, None]) * RATE / 512 <= 60
    tonality = (power * near).sum(axis=1)[loud] / power.sum(axis=1)[loud]
    spectra = np.sqrt(power)
    now, later = spectra[:-3], spectra[3:]
    both = loud[:-3] & loud[3:]
    norms = np.linalg.norm(now, axis=1) * np.linalg.norm(later, axis=1) + 1e-9
    movement = (1 - (now * later).sum(axis=1) / norms)[both]
    return SpeechMeasure(
        activity=activity(signal),
        modulation_db=float(np.percentile(heard, 90) - np.percentile(heard, 10)),
        movement=float(np.median(movement)) if movement.size else 0.0,
        tonality=float(np.median(tonality)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a reference lies in a recording."""

    lag_samples: int  # index of the recording at which the reference begins; negative: before its start
    correlation: float  # normalised, 1.0 = the same wave form

    @property
    def lag_seconds(self) -> float:
        return self.lag_samples / RATE


def find(reference: Signal, recording: Signal) -> Found:
    """Best match of a known reference in a recording, by normalised cross-correlation (FFT)."""
    ref, rec = _floats(reference), _floats(recording)
    if not ref.any() or not rec.any():
        return Found(lag_samples=0, correlation=0.0)
    size = 1 << (ref.size + rec.size - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(rec, size) * np.conj(np.fft.rfft(ref, size)), size)
    overlap_power = np.fft.irfft(
        np.fft.rfft(rec * rec, size) * np.conj(np.fft.rfft(np.ones(ref.size), size)), size
    )
    floor = float(np.mean(rec * rec)) * ref.size * 0.05
    score = product / np.sqrt(np.maximum(overlap_power, floor) * float(ref @ ref))
    best = int(np.argmax(score))
    lag = best if best < rec.size else best - size
    return Found(lag_samples=lag, correlation=float(min(score[best], 1.0)))


def _shape(signal: Signal) -> Floats:
    """How strong 18 bands (125 to 3500 Hz) are every 10 ms, as loudness."""
    frames = np.lib.stride_tricks.sliding_window_view(_floats(signal), _WINDOW)[::_HOP] * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames)) ** 2
    return np.asarray((np.add.reduceat(power[:, : _EDGES[-1]], _EDGES[:-1], axis=1) + 1e4) ** 0.25)


def find_spoken(reference: Signal, recording: Signal) -> Found:
    """Best match of words in a recording, by normalised cross-correlation of their spectra over time.

    A synthesiser never says a text twice in the same wave form. The same words by the same voice are alike by 0.97
    and more, those with one digit changed by up to 0.95, other sentences by 0.8 at most.
    """
    if len(reference) < 2 * _WINDOW or len(recording) < len(reference):
        return Found(lag_samples=0, correlation=0.0)
    ref, rec = _shape(reference), _shape(recording)
    ref -= ref.mean(axis=0)
    size = len(ref)
    product = sum(np.correlate(rec[:, band], ref[:, band], "valid") for band in range(ref.shape[1]))
    sums = np.pad(np.cumsum(rec, axis=0), ((1, 0), (0, 0)))
    squares = np.pad(np.cumsum(rec * rec, axis=0), ((1, 0), (0, 0)))
    within = squares[size:] - squares[:-size] - (sums[size:] - sums[:-size]) ** 2 / size
    score = product / np.sqrt(float((ref * ref).sum()) * np.maximum(within.sum(axis=1), 1.0))
    best = int(np.argmax(score))
    return Found(lag_samples=best * _HOP, correlation=float(score[best]))


def snr_db(reference: Signal, recording: Signal) -> float:
    """Signal-to-noise ratio of a recording that holds the reference, after alignment and gain fit."""
    ref, rec = _floats(reference), _floats(recording)
    lag = find(ref, rec).lag_samples
    ref, rec = ref[max(0, -lag) :], rec[max(0, lag) :]
    length = min(ref.size, rec.size)
    ref, rec = ref[:length], rec[:length]
    energy = float(ref @ ref)
    if energy == 0:
        return NOTHING_DBM0
    fitted = ref * (float(ref @ rec) / energy)
    noise = float(np.sum((rec - fitted) ** 2))
    return float(10 * np.log10(float(fitted @ fitted) / max(noise, 1e-9)))


def describe(signal: Signal) -> str:
    """One line that says what is heard; used in failures."""
    x = _floats(signal)
    if not x.size:
        return "nothing"
    tones = ", ".join(f"{hertz:.0f} Hz at {level:.0f} dBm0" for hertz, level in loudest_tones(x[-4 * RATE :]))
    return (
        f"{x.size / RATE:.2f} s, level {level_dbm0(x):.1f} dBm0, {measure_speech(x)}, "
        f"loudest at its end: {tones or 'none'}"
    )


def read_wav(path: Path | str) -> tuple[int, list[Samples]]:
    """Rate and one array per channel of a 16-bit PCM WAV file (RIFF)."""
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise ValueError(f"{path}: {8 * file.getsampwidth()} bits a sample, expected 16")
        data = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        channels = data.reshape(-1, file.getnchannels())
        return file.getframerate(), [np.asarray(channels[:, n], dtype=np.int16) for n in range(channels.shape[1])]


def write_wav(path: Path | str, *channels: Samples, rate: int = RATE) -> None:
    """Write a 16-bit PCM WAV file, one array per channel."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.stack(channels, axis=1).astype("<i2").tobytes())
