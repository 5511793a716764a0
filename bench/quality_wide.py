"""Wideband voice quality from caller to agent (PESQ-WB, P.862.2); run with ``python -m bench.quality_wide``.

Recorded speech at 16 kHz of all voices of Debian's ``asterisk-core-sounds-*-g722`` goes as G.722 or Opus through a
network to the engine and on to an agent who speaks G.722, in virtual time as in :mod:`bench.quality`.

All scores are the MOS-LQO of P.862.2. They cannot be compared with the raw P.862 scores that R10.3.1.4 asks for,
and no requirement names them. *Loss told*: the caller's coder knows of the loss, as it does when our first report
by RTCP is there, some five seconds after it began, and sends redundancy (FEC). The bounds are the codecs alone on
the same samples. These were kept as G.722, which favours that codec a little.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from itertools import product
from pathlib import Path

import numpy as np

from bench.quality_calls import coded, decoded, virtual_calls
from bench.speech import INSTALLED, samples
from ccplatform.proof.networks import BAD, GOOD, POOR
from gateway.media.audio import Pcm
from gateway.media.bands import WIDE_FRAME
from gateway.media.codecs import CODECS

try:
    from pesq import pesq
except ImportError:
    sys.exit("bench.quality_wide needs the package `pesq` and a C compiler to build it: make bench")

_RATE = 50 * WIDE_FRAME
_TAIL = _RATE // 2

Scores = np.ndarray[tuple[int], np.dtype[np.float64]]


def _score(pair: tuple[Pcm, Pcm]) -> float:
    said, heard = pair
    return float(pesq(_RATE, said, heard[: len(said) + _TAIL], "wb"))


def _show(name: str, said: list[Pcm], heard: list[Pcm]) -> None:
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        values: Scores = np.array(pool.map(_score, list(zip(said, heard, strict=True)), chunksize=4))
    print(f"{name:<32} {values.mean():6.3f} {values.min():6.3f}", flush=True)


def main() -> None:
    """Run the bench and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", type=Path, default=INSTALLED, help="directory of the unpacked sound packages")
    parser.add_argument("--per-voice", type=int, default=7, help="samples of each voice")
    options = parser.parse_args()
    speech = samples(options.speech, options.per_voice, rate=_RATE)
    if not speech:
        sys.exit(f"no speech at 16 kHz in {options.speech}: unpack asterisk-core-sounds-{{en,it,ru}}-g722")
    said = [sample.pcm for sample in speech]
    voices = sorted({sample.voice for sample in speech})
    print(f"# {len(said)} samples, {sum(map(len, said)) / _RATE:.0f} s, of {', '.join(voices)}")
    print(f"{'P.862.2 MOS-LQO':<33}{'mean':>6} {'worst':>6}")
    codecs = [CODECS[name] for name in ("G722", "opus") if CODECS[name].usable()]
    once = {codec.name: [decoded(codec, coded(codec, pcm)) for pcm in said] for codec in codecs}
    for name, heard in once.items():
        _show(f"bound: {name} alone", said, heard)
        _show(f"bound: {name}, then G722", said, [decoded(codecs[0], coded(codecs[0], pcm)) for pcm in heard])
    for codec, network in product(codecs, (GOOD, POOR, BAD)):
        for told in sorted({0.0, network.loss if codec.name == "opus" else 0.0}):
            calls = virtual_calls(speech, network, 0, codec, codecs[0], told)
            name = f"{codec.name} to G722, {network.name}{', loss told' if told else ''}"
            _show(name, said, [call.heard for call in calls])


if __name__ == "__main__":
    main()
