"""The numbers of the demo centre beside the menu: queue, echo, lab trunk, conference."""

from __future__ import annotations

import io
import statistics
import time
import wave

import numpy as np
import pytest

from tests.e2e.centre import CALLER_HZ, Centre
from tests.e2e.lab import LAB_HZ, LAB_PORT, lab_is_free, open_lab
from tests.support import audio, sources
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE, Samples
from tests.support.phone import AutoAnswer, Reject
from tests.support.phone_call import PhoneCall
from tests.support.sipp import Sipp
from tests.support.speech import speech_like


async def test_95001_is_the_support_queue_at_once(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    call = await caller.dial(centre.number("95001"))
    await call.answered.wait()
    await call.heard()
    queue = await centre.eventually(lambda: centre.get("queues/support"), lambda row: row["waiting"] == 1)
    assert queue["longest_wait"] >= 0
    await call.hang_up()
    contact = await centre.ended(number)
    assert (contact["outcome"], contact["queue"]) == ("abandoned_queue", "support")


@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
async def test_95002_gives_the_callers_own_audio_back(centre: Centre, phone: MakePhone, codec: str) -> None:
    caller = await phone(centre.new_caller(), codecs=(codec,))
    call = await caller.dial(centre.number("95002"))
    await call.answered.wait()
    await call.ear.silent_for(0.2)
    delay = await speech_comes_through(call, call)
    print(f"echo {codec}: {1000 * delay:.0f} ms")
    assert 0 < delay < 0.4  # R10.3.1.3
    assert call.ear.lost == 0


async def speech_comes_through(speaker: PhoneCall, listener: PhoneCall, seconds: float = 2.5) -> float:
    """Say something and find it at the listener's, most of it unhurt; its delay, seconds.

    On a busy machine the test's own packets come in bursts and some are concealed: best of three.
    """
    said = speech_like(seconds)
    for last in (False, False, True):
        began = time.monotonic()
        speaker.play(sources.signal(said))
        await listener.heard(speech=True, since=began)
        await listener.ear.silent_for(0.5)
        found = pieces_of(said, listener.recording().since(began))
        unhurt = [piece for piece in found if piece.correlation > 0.95]
        if len(unhurt) > len(found) / 2:
            return statistics.median(piece.lag_seconds for piece in unhurt)
        assert not last, found
    raise AssertionError


def pieces_of(said: Samples, heard: Samples) -> list[audio.Found]:
    """Where each quarter second is found."""
    size = RATE // 4
    return [audio.find(said[at : at + size], heard[at : at + 3 * size]) for at in range(0, said.size, size)]


@pytest.mark.parametrize("who_hangs_up", ["caller", "lab"])
async def test_95004_bridges_to_the_lab_trunk(centre: Centre, phone: MakePhone, who_hangs_up: str) -> None:
    number = centre.new_caller()
    caller = await phone(number, codecs=("PCMA",), source=sources.tone(CALLER_HZ))
    async with open_lab(AutoAnswer(seconds=0.2)) as far:
        call = await caller.dial(centre.number("95004"))
        arrived = await far.next_call()
        assert arrived.caller == number
        await call.ringing.wait()
        await call.answered.wait()
        await call.heard(tone=LAB_HZ)
        await arrived.heard(tone=CALLER_HZ)
        await call.press("5")
        await arrived.ear.heard_keys("5")
        first, second = (call, arrived) if who_hangs_up == "caller" else (arrived, call)
        await first.hang_up()
        assert (await second.ended.wait()).by == "peer"
    contact = await centre.ended(number)
    assert contact["outcome"] == "transferred"
    assert await centre.items("recordings", contact=contact["id"]) == []


async def test_95004_carries_speech_unhurt(centre: Centre, phone: MakePhone) -> None:
    caller = await phone(centre.new_caller(), codecs=("PCMA",), source=sources.silence())
    async with open_lab(AutoAnswer()) as far:
        call = await caller.dial(centre.number("95004"))
        arrived = await far.next_call()
        await call.heard(tone=LAB_HZ)
        delay = await speech_comes_through(call, arrived)
    print(f"caller to lab: {1000 * delay:.0f} ms mouth to ear")
    assert 0 < delay < 0.4  # R10.3.1.3


async def test_95005_is_recorded(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number, source=sources.tone(CALLER_HZ))
    async with open_lab(AutoAnswer()) as far:
        call = await caller.dial(centre.number("95005"))
        arrived = await far.next_call()
        began = await call.heard(tone=LAB_HZ)
        await arrived.heard(tone=CALLER_HZ)
        await call.heard(tone=LAB_HZ, since=began + 0.5)
        await call.hang_up()
        await arrived.ended.wait()
    contact = await centre.ended(number)
    recording = await centre.recording(contact["id"])
    assert (recording["agent"], recording["complete"]) == (None, True)
    sound = await centre.ask("GET", f"recordings/{recording['id']}/audio")
    with wave.open(io.BytesIO(sound.content)) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    for channel, hertz in ((data[:, 0], CALLER_HZ), (data[:, 1], LAB_HZ)):
        level = audio.steady_level_dbm0(channel, hertz)  # packets of a busy machine's test come late, and some not
        assert level == pytest.approx(-13, abs=1.5), audio.describe(channel)


async def test_the_lab_may_be_sipp(centre: Centre, phone: MakePhone) -> None:
    caller = await phone(centre.new_caller(), source=sources.tone(CALLER_HZ))
    await lab_is_free()
    async with Sipp("uas", port=LAB_PORT, hold=0.1, rtp_echo=True) as far:
        call = await caller.dial(centre.number("95004"))
        await call.heard(tone=CALLER_HZ)  # what SIPp sends back
        await call.hang_up()
        (await far.finish()).require_success(1)


async def test_a_lab_that_refuses_is_told_politely(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    async with open_lab(Reject(status=503)):
        call = await caller.dial(centre.number("95004"))
        await call.answered.wait()
        await call.heard(speech=True)
        assert (await call.ended.wait(10)).by == "peer"
    contact = await centre.ended(number)
    await centre.happened(contact["id"], "Failed")


async def test_95009_lets_everybody_with_the_pin_hear_the_others(centre: Centre, phone: MakePhone) -> None:
    tones = (440.0, 700.0, 1300.0)
    calls = []
    for hertz in tones:
        member = await phone(centre.new_caller(), source=sources.tone(hertz))
        calls.append(await member.dial(centre.number("95009")))
    for call in calls:
        await call.answered.wait()
        await call.heard(speech=True)
        await call.press("1234", gap=0.06)
    for call, own in zip(calls, tones, strict=True):
        for other in tones:
            if other != own:
                await call.heard(tone=other)
    last, own = calls[0], tones[0]
    heard = last.recording().samples[-4000:]
    assert audio.tone_level_dbm0(heard, own) < -50, audio.describe(heard)
    await calls[2].hang_up()
    since = time.monotonic() + 0.2
    await calls[0].heard(tone=tones[1], since=since)
    await calls[1].heard(tone=tones[0], since=since)


async def test_95009_refuses_a_wrong_pin(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    caller = await phone(number)
    call = await caller.dial(centre.number("95009"))
    await call.answered.wait()
    pressed = await call.press("4321", gap=0.06)
    await call.heard(speech=True, since=pressed + 0.1)
    assert (await call.ended.wait(10)).by == "peer"
    contact = await centre.ended(number)
    assert not any(event["type"] == "Conferenced" for event in await centre.events(contact["id"]))
    keys = await centre.happened(contact["id"], "KeysEntered")
    assert (keys["length"], keys["keys"]) == (4, "")


async def test_a_number_out_of_hours_is_answered_by_its_closed_branch(centre: Centre, phone: MakePhone) -> None:
    """The same number, while its calendar is closed and once it opens: a change counts from the next call on."""

    async def put(path: str, **document: object) -> None:
        answer = await centre.ask("PUT", f"configuration/{path}", json=document)
        assert answer.status_code == 200, answer.text

    async def flow_of(caller: str) -> str:
        contact = await centre.contact(caller, limit=30)
        return str((await centre.happened(contact["id"], "FlowEntered", limit=30))["flow"])

    try:
        await put("calendars/office", week={})
        await put("numbers/96001", flow="support", calendar="office", closed_flow="echo")
        number = centre.new_caller()
        closed = await (await phone(number, source=sources.tone(CALLER_HZ))).dial(centre.number("96001"))
        await closed.heard(tone=CALLER_HZ, limit=30)  # his own: that is what the branch does
        assert await flow_of(number) == "echo"
        always = [{"start": "00:00", "end": "00:00"}]
        await put("calendars/office", week={str(day): always for day in range(7)})
        later = centre.new_caller()
        opened = await (await phone(later)).dial(centre.number("96001"))
        assert await flow_of(later) == "support"
        await centre.eventually(lambda: centre.get("queues/support"), lambda row: row["waiting"] == 1, limit=30)
        await closed.hang_up()
        await opened.hang_up()
        assert (await centre.ended(number, limit=30))["queue"] is None
        assert (await centre.ended(later, limit=30))["outcome"] == "abandoned_queue"
    finally:
        for path in ("numbers/96001", "calendars/office"):
            await centre.ask("DELETE", f"configuration/{path}")
