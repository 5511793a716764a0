"""Wideband with a phone that we did not write: baresip's G.722 (spandsp's) and Opus (libopus's)."""

from __future__ import annotations

import pytest

from gateway.media.opus import opus_is_here
from tests.e2e.centre import CALLER_HZ, Centre
from tests.support import audio, sources
from tests.support.baresip import Baresip
from tests.support.fixtures import MakePhone

G722, OPUS = ("G722/16000/1", 16000), ("opus/48000/2", 48000)
needs_opus = pytest.mark.skipif(not opus_is_here(), reason="this machine has no libopus")
#: Codec, sampling rate, and how far a lone tone may be off: Opus at 24 kbit/s describes it by its parameters.
codecs = pytest.mark.parametrize(
    ("codec", "rate", "tolerance_db"), [(*G722, 0.5), pytest.param(*OPUS, 9, marks=needs_opus)]
)


@codecs
async def test_a_caller_hears_5_khz_back_from_the_echo(
    centre: Centre, codec: str, rate: int, tolerance_db: float
) -> None:
    number = centre.new_caller()
    said = audio.tone(5000, rate=rate)
    async with Baresip(number, codecs=(codec,), rate=rate, says=said) as caller:
        await caller.dial(centre.number("95002"))
        await caller.established()
        await caller.heard_steadily(5000, -13, tolerance_db)
        await caller.hang_up()
        await caller.closed()
    await centre.ended(number)


@codecs
async def test_an_agent_with_a_wide_phone_talks_with_a_narrow_caller(
    centre: Centre, phone: MakePhone, codec: str, rate: int, tolerance_db: float
) -> None:
    number = centre.new_caller()
    caller = await phone(number, source=sources.tone(CALLER_HZ))
    seat_phone = Baresip("8009", password="demo-8009", registrar=centre.sip, codecs=(codec,), rate=rate,
                         says=audio.tone(700, rate=rate))  # fmt: skip
    try:
        async with seat_phone as seat:
            await seat.registered()
            await centre.set_state("1009", "not_ready", seat="seat-09")
            await centre.set_state("1009", "ready")
            call = await caller.dial(centre.number("95001"))
            await seat.established()
            await call.heard(tone=700)
            await seat.heard_steadily(CALLER_HZ, -13, tolerance_db)
            await seat.press("5")
            await call.ear.heard_keys("5")
            await seat.hang_up()
            assert (await call.ended.wait()).by == "peer"
    finally:
        await centre.sign_out("1009")
    assert (await centre.ended(number))["outcome"] == "handled"


@needs_opus
async def test_a_caller_with_opus_and_an_agent_with_g722_hear_both_bands_of_each_other(centre: Centre) -> None:
    number = centre.new_caller()
    agent = Baresip("8009", password="demo-8009", registrar=centre.sip, codecs=(G722[0], "PCMA"), rate=G722[1],
                    says=audio.tone(5200, rate=G722[1]))  # fmt: skip
    caller = Baresip(number, codecs=(OPUS[0],), rate=OPUS[1], says=audio.tone(6100, rate=OPUS[1]))
    try:
        async with agent, caller:
            await agent.registered()
            await centre.set_state("1009", "not_ready", seat="seat-09")
            await centre.set_state("1009", "ready")
            await caller.dial(centre.number("95001"))
            await agent.established()
            await caller.heard_tone(5200)
            await agent.heard_tone(6100)
            await caller.hang_up()
            await agent.closed()
    finally:
        await centre.sign_out("1009")
    await centre.ended(number)
