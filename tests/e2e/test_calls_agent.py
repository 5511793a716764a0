"""A call through every part: greeting, menu, queue with music, an agent's phone, the talk, its recording."""

from __future__ import annotations

import io
import wave

import numpy as np
import pytest

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.support import audio, sources
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE, Samples


def is_music(samples: Samples) -> bool:
    """Audible nearly all the time, not silence, and more than one tone that stands."""
    pitches = {round(hertz / 20) for at in range(0, samples.size - RATE // 4, RATE // 4)
               for hertz, _ in audio.loudest_tones(samples[at : at + RATE // 4], 1)}
    return audio.activity(samples) > 0.8 and len(pitches) >= 3


@pytest.mark.parametrize(
    ("transport", "algorithm", "who_hangs_up"), [("tcp", "SHA-256", "caller"), ("udp", "MD5", "agent")]
)
async def test_a_caller_goes_from_the_menu_to_an_agent_and_the_talk_is_recorded(
    centre: Centre, phone: MakePhone, transport: str, algorithm: str, who_hangs_up: str
) -> None:
    number = centre.new_caller()
    caller = await phone(number, codecs=("PCMA",))
    async with centre.desk(
        "1004", transport=transport, algorithm=algorithm, codecs=("PCMU",)
    ) as desk:
        call = await caller.dial(centre.number("95000"))
        await call.answered.wait()
        await call.heard(speech=True)
        call.play(sources.tone(CALLER_HZ))
        pressed = await call.press("2")

        ringing = await desk.next_call()
        assert ringing.caller == number
        assert (await centre.get("agents/1004"))["state"] == "reserved"
        await call.heard(since=pressed)
        begin = call.ear.packets[-1].at
        await call.ear.heard(since=begin + 2.0)
        assert is_music(call.recording().since(begin)), audio.describe(call.recording().since(begin))

        await ringing.answer()
        await centre.agent_is("1004", "talking")
        began = await call.heard(tone=AGENT_HZ)
        await ringing.heard(tone=CALLER_HZ)
        await call.heard(tone=AGENT_HZ, since=began + 1.0)
        assert (call.codec, ringing.codec) == ("PCMA", "PCMU")
        assert {packet.payload_type for packet in call.ear.packets} == {8}
        assert {packet.payload_type for packet in ringing.ear.packets} == {0}

        first, second = (call, ringing) if who_hangs_up == "caller" else (ringing, call)
        await first.hang_up()
        await second.ended.wait()
        await centre.agent_is("1004", "wrap_up")

        contact = await centre.ended(number)
        assert (contact["outcome"], contact["agent"], contact["queue"]) == ("handled", "1004", "support")
        await check_recording(centre, contact)


async def check_recording(centre: Centre, contact: dict[str, object]) -> None:
    recording = await centre.recording(str(contact["id"]))
    path = f"recordings/{recording['id']}/audio"
    whole = await centre.ask("GET", path)
    assert whole.status_code == 200
    assert whole.headers["content-type"] == "audio/wav"
    with wave.open(io.BytesIO(whole.content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 2, 2)
        data = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    left, right = data[:, 0], data[:, 1]
    print(audio.describe(left), audio.describe(right), recording, contact)
    print(audio.tone_level_dbm0(left, AGENT_HZ), audio.tone_level_dbm0(right, CALLER_HZ))
