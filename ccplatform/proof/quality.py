"""How speech comes back from an echo: its delay, and its quality by PESQ (ITU-T P.862), under three networks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from ccplatform.kernel.clock import Clock, sleep
from ccplatform.proof.ear import seconds_of
from ccplatform.proof.line import Line, answered
from ccplatform.proof.networks import Network
from ccplatform.proof.visit import ANSWER_SECONDS
from gateway.media.audio import RATE, Pcm

#: Seconds between the answer and the first word: the echo's own announcement, if it has one, is over then or not
#: correlated with ours.
_SETTLING: Final = 1.0
#: Longest way there and back that is looked for, seconds.
_LONGEST_WAY: Final = 2.5
_TAIL: Final = RATE // 2
#: Normalised correlation from which on what came back is what was said.
_ALIKE: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Echoed:
    """Speech that came back. ``round_trip`` is seconds from mouth to ear by correlation, None: it did not come.
    ``raw`` is the P.862 score, None where it cannot be computed."""

    network: str
    round_trip: float | None
    raw: float | None
    received: int
    lost: int


def raw_of_lqo(lqo: float) -> float:
    """The raw P.862 score of a MOS-LQO (ITU-T P.862.1, inverted)."""
    return float((4.6607 - math.log(4 / (lqo - 0.999) - 1)) / 1.4945)


def pesq_available() -> bool:
    """Whether scores can be computed: the package ``pesq``, an extra with terms of its own, is installed."""
    try:
        import pesq  # noqa: F401
    except ImportError:
        return False
    return True


def raw_score(said: Pcm, heard: Pcm) -> float | None:
    """Raw P.862 of what was heard against what was said, both at 8 kHz; None where nothing is in it."""
    from pesq import NoUtterancesError, pesq

    try:
        return raw_of_lqo(pesq(RATE, said, heard, "nb"))
    except NoUtterancesError:
        return None


def way_of(said: Pcm, heard: Pcm) -> float | None:
    """Seconds by which ``heard`` is later than ``said``, None: it is other sound. By the peak of the
    cross-correlation, which is normalised by the energy of both."""
    size = 1 << (len(said) + len(heard)).bit_length()
    spectrum = np.fft.rfft(heard.astype(np.float64), size) * np.conj(np.fft.rfft(said.astype(np.float64), size))
    match = np.fft.irfft(spectrum, size)[: len(heard)]
    lag = int(np.argmax(match))
    part = heard[lag : lag + len(said)].astype(np.float64)
    energy = float(np.sqrt((part**2).sum() * (said[: len(part)].astype(np.float64) ** 2).sum()))
    if energy == 0.0 or match[lag] / energy < _ALIKE:
        return None
    return lag / RATE


async def echo(
    line: Line, number: str, speech: Pcm, network: Network, *, seed: int, clock: Clock
) -> tuple[Pcm, Echoed | None]:
    """Say ``speech`` to an echo through a network; what was heard from the first word on, and how it was. None:
    the call was not answered. Its score is None; computing that takes a processor for long (:func:`scored`)."""
    call = line.call(number, network=network, seed=seed)
    try:
        if not await answered(call, ANSWER_SECONDS) or call.voice.mouth is None:
            return np.zeros(0, dtype=np.int16), None
        await sleep(clock, _SETTLING)
        call.voice.mouth.say(speech)
        lasts = seconds_of(speech) + _LONGEST_WAY
        await sleep(clock, lasts + 0.1)
        begun = call.voice.spoke_at or clock.now()
        heard = call.voice.ear.sound(begun, lasts)
        way = way_of(speech, heard)
        ear = call.voice.ear
        return heard, Echoed(network=network.name, round_trip=way, raw=None, received=ear.received, lost=ear.lost)
    finally:
        line.leave(call)


def scored(said: Pcm, heard: Pcm, round_trip: float) -> float | None:
    """Raw P.862 of what came back after ``round_trip`` seconds."""
    begin = round(round_trip * RATE)
    return raw_score(said, heard[begin : begin + len(said) + _TAIL])
