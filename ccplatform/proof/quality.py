"""How speech comes back from an echo: its delay, and its quality by PESQ (ITU-T P.862), under three networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ccplatform.kernel.clock import Clock, sleep
from ccplatform.proof.ear import seconds_of
from ccplatform.proof.judge import way_of
from ccplatform.proof.networks import Network
from ccplatform.proof.port import CallerLine, answered
from ccplatform.proof.scoring import LONGEST_WAY
from ccplatform.proof.visit import ANSWER_SECONDS
from gateway.media.audio import Pcm

#: Seconds between the answer and the first word: the echo's own announcement, if it has one, is over then or not
#: correlated with ours.
_SETTLING: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Echoed:
    """Speech that came back. ``round_trip`` is seconds from mouth to ear by correlation, None: it did not come.
    ``raw`` is the P.862 score, None where it cannot be computed."""

    network: str
    round_trip: float | None
    raw: float | None
    received: int
    lost: int


async def echo(
    line: CallerLine, number: str, speech: Pcm, network: Network, *, seed: int, clock: Clock
) -> tuple[Pcm, Echoed | None]:
    """Say ``speech`` to an echo through a network; what was heard from the first word on, and how it was. None:
    the call was not answered. Its score is None; computing that takes a processor for long
    (:func:`ccplatform.proof.judge.scored`)."""
    call = line.call(number, network=network, seed=seed)
    try:
        if not await answered(call, ANSWER_SECONDS) or not call.voice.speaks:
            return np.zeros(0, dtype=np.int16), None
        await sleep(clock, _SETTLING)
        call.voice.say(speech)
        lasts = seconds_of(speech) + LONGEST_WAY
        await sleep(clock, lasts + 0.1)
        begun = call.voice.spoke_at or clock.now()
        heard = call.voice.ear.sound(begun, lasts)
        way = await way_of(speech, heard)
        ear = call.voice.ear
        return heard, Echoed(network=network.name, round_trip=way, raw=None, received=ear.received, lost=ear.lost)
    finally:
        call.leave()
