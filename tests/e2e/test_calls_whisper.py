"""The queue's name, told to the agent alone between his answer and the talk."""

from __future__ import annotations

import time

import pytest

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.e2e.test_calls_agent import is_music
from tests.e2e.test_calls_configuration import changed
from tests.support import audio, sources
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE

SAID = "Support queue. This caller comes from the support queue of the bank."


@pytest.mark.parametrize("skipped", [False, True])
async def test_the_agent_alone_hears_the_whisper_and_then_both_talk(
    centre: Centre, phone: MakePhone, skipped: bool
) -> None:
    number = centre.new_caller()
    caller = await phone(number, source=sources.tone(CALLER_HZ))
    async with changed(centre, "support", whisper=SAID), centre.desk("1004") as desk:
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call()
        queued = await call.heard()
        await call.heard(since=queued + 2.0)  # by then the text is spoken
        await ringing.answer()
        answered = time.monotonic()
        if skipped:
            await ringing.heard()
            await ringing.press("1")
        else:
            await ringing.heard(speech=True)
        await centre.agent_is("1004", "talking")
        met = await ringing.heard(tone=CALLER_HZ)
        await call.heard(tone=AGENT_HZ)

        told = ringing.recording().since(answered)[: round((met - answered) * RATE)]
        assert audio.activity(told) > 0.1, "he hears something before his caller"
        music = call.recording().since(queued)[: round((met - queued - 0.3) * RATE)]
        assert is_music(music), audio.describe(music)
        await call.hang_up()
        await ringing.ended.wait()
        contact = await centre.ended(number)
        assert (contact["outcome"], contact["agent"]) == ("handled", "1004")
        recording = await centre.recording(contact["id"])
        assert recording["seconds"] == pytest.approx(contact["talk_seconds"], abs=0.1)
