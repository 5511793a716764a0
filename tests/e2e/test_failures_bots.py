"""A media worker dies while a voice bot talks: the talk goes on at the other one, and ends once."""

from __future__ import annotations

import time

import pytest

from tests.e2e.centre import Centre
from tests.e2e.rig import Journal, metric, once
from tests.e2e.test_calls_speech import at_the_parrot, line
from tests.e2e.test_failures_workers import both_are_there, worker_of
from tests.support import audio, sources
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE
from tests.support.people import recorded
from tests.support.phone_call import PhoneCall


async def is_repeated(centre: Centre, call: PhoneCall, contact: str, digit: int, turns: int) -> None:
    """The caller says a digit, the bot takes its turn and says it again."""
    said = line(recorded(f"digits/{digit}"))
    since = time.monotonic()
    call.play(sources.signal(said))
    await centre.eventually(
        lambda: centre.events(contact),
        lambda rows: sum(row["type"] == "BotTurn" and row["data"]["speaker"] == "caller" for row in rows) >= turns,
    )

    async def found() -> float:
        return audio.find_spoken(said[RATE:-RATE], call.recording().since(since)).correlation

    await centre.eventually(found, lambda correlation: correlation > 0.9)


@pytest.mark.parametrize("key", ["9", "0"])
async def test_the_talk_goes_on_at_the_other_worker_and_ends_once(
    struck: Centre, phone: MakePhone, key: str
) -> None:
    number = struck.new_caller()
    call, contact = await at_the_parrot(struck, phone, number)
    await is_repeated(struck, call, contact, 7, 1)
    lost = worker_of(call, struck.platform)
    struck.platform.kill("media", lost)
    moved = await struck.happened(contact, "MediaMoved", role="caller")
    print(f"the gap was {moved['gap_seconds']:.3f} s")
    assert worker_of(call, struck.platform) == 1 - lost
    await is_repeated(struck, call, contact, 4, 2)

    await call.press(key)
    told = await struck.happened(contact, "BotTalkEnded")
    assert (told["how"], told["detail"]) == {"9": ("end", "goodbye"), "0": ("transfer", "people")}[key]
    if key == "0":
        await struck.happened(contact, "Queued", queue="support")
        await call.hang_up()
    assert (await call.ended.wait(15)).by == {"9": "peer", "0": "us"}[key]
    assert (await struck.ended(number))["outcome"] == {"9": "self_service", "0": "abandoned_queue"}[key]
    story = [event["type"] for event in await struck.events(contact)]
    once(story, "ContactArrived", "BotTalkBegan", "MediaMoved", "BotTalkEnded", "ContactEnded")
    await both_are_there(struck)
    await Journal(struck.platform).without_gaps()


async def test_a_caller_who_leaves_with_the_worker_dead_leaves_no_talk_behind(
    struck: Centre, phone: MakePhone
) -> None:
    number = struck.new_caller()
    call, contact = await at_the_parrot(struck, phone, number)
    struck.platform.kill("media", worker_of(call, struck.platform))
    await call.hang_up()
    told = await struck.happened(contact, "BotTalkEnded")
    assert told["how"] == "hang_up"

    await struck.eventually(struck.metrics, lambda text: metric(text, "cc_bot_talks", bot="parrot") == 0)
    assert (await struck.ended(number))["outcome"] == "abandoned_ivr"
    story = [event["type"] for event in await struck.events(contact)]
    once(story, "BotTalkBegan", "BotTalkEnded", "ContactEnded")
    await both_are_there(struck)
