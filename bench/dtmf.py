"""The in-band DTMF detector against ITU-T Q.24; run with ``python -m bench.dtmf [--speech DIRECTORY]``.

* Keys: ``--digits`` random keys of 40 ms with pauses of 40 ms at -27 dBm0 a tone, in white noise 15 dB below the
  two tones together, at random places in their frames and with random phases, over A-law; and the limits of Q.24
  one by one: level, frequency, twist, duration, noise.
* Talk-off: no key may be heard in speech. ``DIRECTORY`` holds the WAV files (8 kHz) of Debian's packages
  ``asterisk-core-sounds-{en,es,fr,it,ru}-wav``, unpacked (``apt-get download``, ``dpkg -x``). Each language is
  played as it is, at levels that change every second by -20 to +6 dB, over another voice at -20 dB, limited hard,
  and faster and slower (other pitches). Beeps and other sounds that are no speech are left out by name;
  ``tt-monkeys`` (screams of monkeys) is counted apart.
* Cost: CPU of one tick for ``--legs`` legs that all speak, per leg, in per cent of a core.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.figures import conditions
from gateway.media.audio import FRAME, RATE, TICK_SECONDS, Pcm
from tests.gateway.media.dtmf import detector, dialled, keys_in, over_the_wire, random_digits

_ROWS: Final = 100
_NO_SPEECH: Final = ("beep", "tone", "dtmf", "silence", "ding", "buzz", "zip", "monkeys")
_SHORTEST: Final = RATE // 10
_LIMITS: Final[tuple[tuple[str, dict[str, Any], bool], ...]] = (
    ("the figure: 40 ms, -27 dBm0, 15 dB SNR", {}, True),
    ("noise 12 dB below the tones", {"snr_db": 12.0}, True),
    ("noise 10 dB below the tones", {"snr_db": 10.0}, True),
    ("0 dBm0, no noise", {"level_dbm0": 0.0, "snr_db": None}, True),
    ("-31 dBm0", {"level_dbm0": -31.0}, True),
    ("frequencies +1.5 %", {"deviation": (0.015, 0.015)}, True),
    ("frequencies -1.8 and +1.8 %", {"deviation": (-0.018, 0.018)}, True),
    ("frequencies +1.8 and -1.8 %", {"deviation": (0.018, -0.018)}, True),
    ("low frequency +3 %", {"deviation": (0.03, 0.0)}, False),
    ("high frequency -3 %", {"deviation": (0.0, -0.03)}, False),
    ("frequencies -3.5 %", {"deviation": (-0.035, -0.035)}, False),
    ("high group 4 dB above", {"twist_db": 4.0}, True),
    ("high group 8 dB below", {"twist_db": -8.0}, True),
    ("high group 12 dB above", {"twist_db": 12.0}, False),
    ("high group 14 dB below", {"twist_db": -14.0}, False),
    ("35 ms", {"seconds": 0.035}, True),
    ("24 ms", {"seconds": 0.024}, False),
    ("23 ms", {"seconds": 0.023}, False),
    ("-38 dBm0", {"level_dbm0": -38.0}, False),
)


def _keys(count: int, name: str, condition: dict[str, Any], accept: bool) -> None:
    rng = np.random.default_rng(24)
    digits = [random_digits(rng, count // _ROWS) for _ in range(_ROWS)]
    settings: dict[str, Any] = {"level_dbm0": -27.0, "snr_db": 15.0} | condition
    heard = keys_in([dialled(rng, row, **settings) for row in digits])
    wrong = sum(sent != got for sent, got in zip(digits, heard, strict=True))
    told, sent = sum(map(len, heard)), sum(map(len, digits))
    wanted = f"all, in order{'' if wrong == 0 else f': {wrong} of {_ROWS} rows differ'}" if accept else "none"
    print(f"{name:<42} sent {sent:6d}  told {told:6d}  {'missed' if accept else 'wrongly told'} "
          f"{sent - told if accept else told:5d}  (to be told: {wanted})", flush=True)  # fmt: skip


def _voices(directory: Path) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Speech by voice, and the monkeys."""
    voices: dict[str, list[NDArray[np.float64]]] = {}
    monkeys: list[NDArray[np.float64]] = []
    for path in sorted(directory.rglob("*.wav")):
        samples, rate = soundfile.read(path, dtype="float64", always_2d=True)
        if rate != RATE or len(samples) < _SHORTEST:
            continue
        if "monkeys" in path.name:
            monkeys.append(samples[:, 0])
        elif not any(word in path.name for word in _NO_SPEECH):
            voice = next(part for part in path.relative_to(directory).parts if len(part) > 4 and part[2] == "_")
            voices.setdefault(voice, []).append(samples[:, 0])
    return {name: np.concatenate(parts) for name, parts in voices.items()}, np.concatenate(monkeys)


def _rows(samples: NDArray[np.float64]) -> list[Pcm]:
    """Telephone speech in rows of equal length."""
    size = len(samples) // _ROWS // FRAME * FRAME
    return [over_the_wire(row * 32768.0) for row in samples[: size * _ROWS].reshape(_ROWS, size)]


def _varied(voices: dict[str, NDArray[np.float64]]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    rng = np.random.default_rng(5)
    speech = np.concatenate(list(voices.values()))
    yield "as it is", speech
    gains = 10 ** (rng.uniform(-20, 6, len(speech) // RATE + 1) / 20)
    yield "levels -20 to +6 dB", speech * np.repeat(gains, RATE)[: len(speech)]
    yield "over another voice at -20 dB", speech + 0.1 * np.roll(speech, 977 * RATE)
    yield "limited hard", np.tanh(4 * speech)
    for speed in (0.8, 0.9, 1.1, 1.25):
        places = np.arange(0, len(speech) - 1, speed)
        yield f"at {speed} of the speed", np.interp(places, np.arange(len(speech)), speech)


def _talk_off(directory: Path) -> None:
    voices, monkeys = _voices(directory)
    for name, samples in voices.items():
        print(f"# {name}: {len(samples) / RATE / 60:.0f} min")
    hours, total = 0.0, 0
    for name, samples in _varied(voices):
        rows = _rows(samples)
        false = sum(map(len, keys_in(rows)))
        length = sum(map(len, rows)) / RATE / 3600
        hours, total = hours + length, total + false
        print(f"speech, {name:<30} {length:5.2f} h  false keys {false}", flush=True)
    print(f"speech, all                            {hours:5.2f} h  false keys {total}")
    print(f"monkeys                                {len(monkeys) / RATE / 3600:5.2f} h  false keys "
          f"{len(keys_in([over_the_wire(monkeys * 32768.0)])[0])}")  # fmt: skip


def _cost(legs: int) -> None:
    rng = np.random.default_rng(1)
    speech = np.clip(rng.standard_normal((legs, 50 * FRAME)) * 2000, -32767, 32767).astype(np.int16)
    for name, listened in (("all listened to", legs), ("none listened to", 0)):
        dtmf = detector(legs)
        for row in range(listened, legs):
            dtmf.listen(row, False)
        ticks = 500
        begin = time.process_time()
        for tick in range(ticks):
            start = tick % 50 * FRAME
            dtmf.hear(speech[:, start : start + FRAME])
        tick_seconds = (time.process_time() - begin) / ticks
        print(f"cost, {name:<18} {legs} legs: {tick_seconds * 1000:.3f} ms of CPU a tick, "
              f"{tick_seconds / TICK_SECONDS / legs * 100:.5f} % of a core a leg", flush=True)  # fmt: skip


def main() -> None:
    """Run the bench and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", type=int, default=10_000)
    parser.add_argument("--legs", type=int, default=2000)
    parser.add_argument("--speech", type=Path, help="directory of the prompts; without it, no talk-off test")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print("#", ", ".join(f"{name} {value}" for name, value in conditions().items()))
    for name, condition, accept in _LIMITS:
        _keys(options.digits if not condition else options.digits // 5, name, condition, accept)
    if options.speech is not None:
        _talk_off(options.speech)
    _cost(options.legs)


if __name__ == "__main__":
    main()
