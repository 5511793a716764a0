"""Voice quality from caller to agent by PESQ (ITU-T P.862, R10.3.1.4); run with ``python -m bench.quality``.

Recorded speech of all voices of Debian's ``asterisk-core-sounds-*-wav`` goes as G.711 RTP through a network (loss,
delay, jitter, reordering) to the real engine and on to an agent, one call a sample, all at once. The engine is
driven tick by tick in virtual time, its packets are handed over in memory; ``--real-time N`` lets N of the calls
run over sockets and :class:`tests.support.impairment.ImpairedLink` against a real worker process as well.

All scores are raw P.862, which the standard means (the ``pesq`` package gives MOS-LQO, P.862.1). The bound is the
codec alone on the same samples.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np

from bench.quality_calls import Call, real_time_calls, virtual_calls
from bench.speech import HOW_TO_INSTALL, INSTALLED, Sample, samples
from ccplatform.contracts.legs import LegQuality
from ccplatform.proof.networks import BAD, GOOD, POOR, Network
from ccplatform.proof.scoring import raw_of_lqo
from gateway.media.audio import ABSENT, RATE, Pcm
from gateway.media.conceal import Concealer
from gateway.media.g711 import Law, decode, encode

try:
    from pesq import pesq
except ImportError:
    sys.exit("bench.quality needs the package `pesq` and a C compiler to build it: make bench")

_GOALS = {"good": 3.8, "poor": 3.8, "bad": 3.35}
_STANDARD = {"good": 3.8, "poor": 3.4, "bad": 2.8}
_TAIL = RATE // 2

Scores = np.ndarray[tuple[int], np.dtype[np.float64]]


def _score(pair: tuple[Pcm, Pcm]) -> float:
    said, heard = pair
    return raw_of_lqo(pesq(RATE, said, heard[: len(said) + _TAIL], "nb"))


def scores(said: list[Pcm], heard: list[Pcm]) -> Scores:
    """Raw P.862 score of each pair."""
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        return np.array(pool.map(_score, list(zip(said, heard, strict=True)), chunksize=4))


@contextmanager
def _without_concealment() -> Iterator[None]:
    def silence(_: Concealer, frame: Pcm) -> None:
        np.copyto(frame, 0, where=frame == ABSENT)

    with mock.patch.object(Concealer, "repair", silence):
        yield


def _show(name: str, values: Scores, calls: list[Call], note: str = "") -> None:
    lqo = 0.999 + 4 / (1 + np.exp(-1.4945 * values + 4.6607))
    told = [call.quality for call in calls if call.quality is not None]
    print(
        f"{name:<32} {values.mean():6.3f} {values.min():6.3f} {lqo.mean():6.3f}  {_network(told):<44} {note}",
        flush=True,
    )


def _network(told: list[LegQuality]) -> str:
    if not told:
        return ""
    sent = sum(each.packets_received + each.packets_lost for each in told)
    lost = sum(each.packets_lost for each in told) / sent
    jitter = float(np.mean([each.jitter_seconds for each in told])) * 1000
    buffer = float(np.mean([each.delay_seconds or 0.0 for each in told])) * 1000 - 20
    return f"lost {lost:5.2%}, jitter {jitter:4.1f} ms, buffer {buffer:5.1f} ms"


def _measure(speech: list[Sample], seeds: int) -> None:
    said = [sample.pcm for sample in speech]
    bound = scores(said, [decode(Law.PCMA, encode(Law.PCMA, pcm)) for pcm in said])
    _show("bound: G.711 A-law alone", bound, [])
    for network in (GOOD, POOR, BAD):
        calls = _virtual(speech, network, seeds)
        values = scores(said * seeds, [call.heard for call in calls])
        goal = max(_GOALS[network.name], bound.mean() - 0.05) if network is GOOD else _GOALS[network.name]
        verdict = "met" if values.mean() >= goal else "MISSED"
        _show(network.name, values, calls, f"goal {goal:.2f} {verdict}, standard > {_STANDARD[network.name]}")
        if network is not GOOD:
            with _without_concealment():
                calls = _virtual(speech, network, seeds)
            _show(f"{network.name}, concealment off", scores(said * seeds, [call.heard for call in calls]), calls)


def _virtual(speech: list[Sample], network: Network, seeds: int) -> list[Call]:
    return [call for seed in range(seeds) for call in virtual_calls(speech, network, seed)]


def _compare(speech: list[Sample], count: int) -> None:
    """The same calls over sockets in real time, and in virtual time."""
    chosen = speech[:: max(1, len(speech) // count)][:count]
    said = [sample.pcm for sample in chosen]
    for network in (GOOD, POOR, BAD):
        real, virtual = real_time_calls(chosen, network), list(virtual_calls(chosen, network, 0))
        values = scores(said, [call.heard for call in real.calls])
        busy = f"{real.overruns} ticks too late, callers up to {real.late_seconds * 1000:.1f} ms"
        _show(f"{network.name}, {count} calls, real time", values, real.calls, busy)
        _show(f"{network.name}, the same in memory", scores(said, [call.heard for call in virtual]), virtual)


def main() -> None:
    """Run the bench and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", type=Path, default=INSTALLED, help="directory of the unpacked sound packages")
    parser.add_argument("--per-voice", type=int, default=5, help="samples of each voice")
    parser.add_argument("--seeds", type=int, default=2, help="times that every sample meets each network")
    parser.add_argument("--real-time", type=int, default=0, metavar="N", help="calls over sockets, for comparison")
    options = parser.parse_args()
    speech = samples(options.speech, options.per_voice)
    if not speech:
        sys.exit(f"no speech in {options.speech}: {HOW_TO_INSTALL}")
    seconds = sum(len(sample.pcm) for sample in speech) / RATE
    voices = sorted({sample.voice for sample in speech})
    print(f"# {len(speech)} samples, {seconds:.0f} s, of {', '.join(voices)}; {options.seeds} seeds")
    print(f"{'raw P.862':<33}{'mean':>6} {'worst':>6} {'LQO':>6}")
    _measure(speech, options.seeds)
    if options.real_time:
        _compare(speech, options.real_time)


if __name__ == "__main__":
    main()
