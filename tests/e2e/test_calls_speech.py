"""A caller speaks to 95007: what he says leads on, keys do too, and are left when nobody hears him."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil

from tests.e2e.centre import Centre
from tests.e2e.test_failures_parts import alarms_of
from tests.support import sources
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE, Samples
from tests.support.people import recorded
from tests.support.phone_call import PhoneCall


async def asked(centre: Centre, phone: MakePhone, number: str) -> PhoneCall:
    """A caller who begins to hear what he is asked."""
    caller = await phone(number, source=sources.silence())
    call = await caller.dial(centre.number("95007"))
    await call.answered.wait()
    await call.heard(speech=True)
    await centre.eventually(lambda: ears(centre), bool, limit=30)  # he is heard, too
    return call


async def ears(centre: Centre) -> list[Path]:
    """Where recognisers hear callers now."""
    return list((Path(centre.platform.data_dir) / "run").glob("ear-*.sock"))


def line(said: Samples) -> Samples:
    """What is said at -26 dB below overload (ITU-T P.830), with a second of a quiet line's noise around it."""
    active = said[np.abs(said) > 300].astype(float)
    said = said * (32768 * 10 ** (-26 / 20) / np.sqrt(np.mean(active**2)))
    noise = np.random.default_rng(1).normal(0, 6, len(said) + 2 * RATE)
    return np.clip(np.pad(said, RATE) + noise, -32768, 32767).astype(np.int16)


async def test_a_caller_says_two_and_goes_on(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    call = await asked(centre, phone, number)
    contact = await centre.contact(number)
    call.play(sources.signal(line(recorded("digits/2"))))  # into the prompt, which it stops
    heard = await centre.happened(contact["id"], "SpeechHeard", limit=15)
    assert (heard["node"], heard["understood"], heard["text"]) == ("ask", True, "two")
    print(f"silence to answer: {1000 * heard['response_seconds']:.0f} ms, confidence {heard['confidence']} %")
    if heard["confidence"] < 60:  # the flow asks whether that is what he said
        await centre.happened(contact["id"], "FlowNodeEntered", node="doubt")
        await call.press("1")
    await centre.happened(contact["id"], "FlowNodeEntered", node="tell")
    await call.ended.wait(15)
    assert (await centre.ended(number))["outcome"] == "self_service"


async def test_a_key_is_as_good(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    call = await asked(centre, phone, number)
    await call.press("7")
    contact = await centre.contact(number)
    assert (await centre.happened(contact["id"], "KeysEntered"))["keys"] == "7"
    await centre.happened(contact["id"], "FlowNodeEntered", node="tell")
    await call.hang_up()


async def test_a_recogniser_that_dies_leaves_the_keys_and_an_alarm(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    call = await asked(centre, phone, number)
    contact = await centre.contact(number)
    (recogniser,) = [
        child
        for child in (one for pid in centre.platform.pids("control") for one in psutil.Process(pid).children())
        if "ivr.speech.recognition.process" in child.cmdline()
    ]
    recogniser.kill()
    (alarm, *_) = await centre.eventually(lambda: alarms_of(centre, "asr_unavailable"), bool)
    assert alarm["severity"] == "urgent"
    await call.press("4")
    await centre.happened(contact["id"], "FlowNodeEntered", node="tell")
    await call.hang_up()

    await centre.eventually(
        lambda: alarms_of(centre, "asr_unavailable"),
        lambda rows: all(row["cleared_at"] is not None for row in rows),
        limit=30,
    )
    number = centre.new_caller()  # who is heard again
    call = await asked(centre, phone, number)
    call.play(sources.signal(line(recorded("digits/8"))))
    contact = await centre.contact(number)
    assert (await centre.happened(contact["id"], "SpeechHeard", limit=15))["text"] == "eight"
    await call.hang_up()
