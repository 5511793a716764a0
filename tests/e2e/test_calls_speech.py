"""A caller speaks to 95007, or keys what he would say, also when nobody hears him; at 95008 he speaks to a bot."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import psutil

from tests.e2e.centre import Centre
from tests.e2e.test_failures_parts import alarms_of
from tests.support import audio, sources
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE, Samples
from tests.support.people import recorded
from tests.support.phone import AutoAnswer
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
    heard = await centre.happened(contact["id"], "SpeechHeard")
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
    assert (await centre.happened(contact["id"], "SpeechHeard"))["text"] == "eight"
    await call.hang_up()


async def at_the_parrot(centre: Centre, phone: MakePhone, number: str) -> tuple[PhoneCall, str]:
    """A caller who passed the words before the bot, and heard its beep."""
    caller = await phone(number, source=sources.silence())
    call = await caller.dial(centre.number("95008"))
    await call.answered.wait()
    contact: str = (await centre.contact(number))["id"]
    await centre.happened(contact, "FlowNodeEntered", node="talk", limit=30)
    await call.heard(tone=660.0, since=time.monotonic() - 0.1)
    return call, contact


async def test_a_bot_repeats_what_it_hears_and_hands_over_with_its_transcript(
    centre: Centre, phone: MakePhone
) -> None:
    number = centre.new_caller()
    async with centre.desk("1006", incoming=AutoAnswer()) as desk:
        call, contact = await at_the_parrot(centre, phone, number)
        said = line(recorded("digits/7"))
        since = time.monotonic()
        call.play(sources.signal(said))
        await centre.happened(contact, "BotTurn", speaker="caller")

        async def found() -> float:
            return audio.find(said[RATE:-RATE], call.recording().since(since)).correlation

        heard = await centre.eventually(found, lambda correlation: correlation > 0.7)
        print(f"heard again: {heard:.2f}")

        await call.press("0")
        answered = await desk.next_call()
        await answered.answered.wait()
        ended = await centre.happened(contact, "BotTalkEnded")
        assert (ended["how"], ended["detail"]) == ("transfer", "people")
        pop = await centre.eventually(lambda: centre.get("me/pop", user="1006"), bool)
        assert [turn["speaker"] for turn in pop["conversation"]] == ["bot", "caller", "bot"]
        assert pop["conversation"][-1]["text"] == "I connect you with people."
        await call.hang_up()
        await answered.ended.wait(5)


async def test_a_caller_who_speaks_silences_the_bot(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    call, contact = await at_the_parrot(centre, phone, number)
    long = np.concatenate([line(recorded(f"digits/{digit}")) for digit in (1, 2, 3, 4, 5)])
    call.play(sources.signal(long))
    turns = await centre.eventually(
        lambda: centre.events(contact),
        lambda rows: sum(row["type"] == "BotTurn" for row in rows) > 3,
    )
    assert turns
    await call.press("9")
    await centre.happened(contact, "FlowNodeEntered", node="goodbye")
    await call.ended.wait(15)
    assert (await centre.ended(number))["outcome"] == "self_service"


async def test_a_bot_that_is_away_is_told_and_the_alarm_clears(centre: Centre, phone: MakePhone) -> None:
    number = centre.new_caller()
    call, contact = await at_the_parrot(centre, phone, number)
    centre.platform.kill("demo-bot")
    ended = await centre.happened(contact, "BotTalkEnded")
    assert (ended["how"], ended["detail"]) == ("error", "bot_left")
    await centre.happened(contact, "FlowNodeEntered", node="away")
    (alarm, *_) = await centre.eventually(lambda: alarms_of(centre, "bot_unavailable"), bool)
    assert (alarm["severity"], alarm["subject"]) == ("urgent", "parrot")
    await call.hang_up()
    await centre.eventually(
        lambda: alarms_of(centre, "bot_unavailable"),
        lambda rows: all(row["cleared_at"] is not None for row in rows),
        limit=30,
    )
