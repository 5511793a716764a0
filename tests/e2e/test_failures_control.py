"""Control dies (SIGKILL): what is up goes on, and the control process that comes takes it all back."""

from __future__ import annotations

import asyncio
import io
import time
import wave
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.e2e.rig import Journal, Talk, centre_of, once, share_with_tone, talking
from tests.e2e.test_calls_configuration import changed
from tests.e2e.test_calls_speech import at_the_parrot, line
from tests.e2e.test_calls_voice_mail import at_the_beep, audio_of, is_heard, message
from tests.support import audio, sources
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE
from tests.support.people import recorded
from tests.support.phone import AutoAnswer, RingOnly
from tests.support.platform import PlatformProcess
from tests.support.speech import speech_like


@pytest.fixture(scope="module")
def sturdy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """A platform whose control process is killed again and again."""
    with PlatformProcess(tmp_path_factory.mktemp("c")) as started:
        yield started


@pytest.fixture
async def struck(sturdy: PlatformProcess, callers: Iterator[int]) -> AsyncIterator[Centre]:
    async with centre_of(sturdy, callers) as centre:
        yield centre
        await centre.nothing_left()


async def kill_control(centre: Centre) -> float:
    """SIGKILL, and wait for the next control process; the seconds from the kill to /readyz."""
    killed = await centre.kill_control()
    begun = time.monotonic()
    await centre.platform.wait_ready_again("control", killed)
    seconds = time.monotonic() - begun
    print(f"control was away for {seconds:.2f} s")
    return seconds


async def check_whole_story(centre: Centre, talk: Talk) -> None:
    """The contact has its whole story and a recording in which both are heard, before and after."""
    row = await centre.ended(talk.number)
    assert (row["outcome"], row["agent"], row["queue"]) == ("handled", "1004", "support")
    recording = await centre.recording(talk.contact)
    assert recording["complete"], recording
    assert recording["seconds"] == pytest.approx(row["talk_seconds"], abs=0.3)
    data = await centre.ask("GET", f"recordings/{recording['id']}/audio")
    with wave.open(io.BytesIO(data.content)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    for channel, hertz in ((0, CALLER_HZ), (1, AGENT_HZ)):
        assert share_with_tone(samples[:, channel], hertz) > 0.9
    story = [event["type"] for event in await centre.events(talk.contact)]
    once(
        story,
        "ContactArrived",
        "CallAnswered",
        "Queued",
        "Offered",
        "RecordingStarted",
        "Established",
        "TalkEnded",
        "ContactEnded",
    )
    once(story, "RecordingStarted", "RecordingEnded")
    assert story.count("ConnectionCleared") == story.count("LegMeasured") == 2


@pytest.mark.parametrize(("who_hangs_up", "transport"), [("caller", "tcp"), ("agent", "udp")])
async def test_a_talk_outlives_control_and_is_ended_by_either_side(
    struck: Centre, who_hangs_up: str, transport: str
) -> None:
    async with talking(struck, transport=transport) as talk:
        begun = time.monotonic()
        await kill_control(struck)
        await talk.hear_each_other(time.monotonic())
        talk.heard_without_a_gap(begun, time.monotonic() - 0.2)
        assert (await struck.get("agents/1004"))["state"] == "talking"
        (call,) = await struck.items("calls")
        assert (call["contact"], call["agent"], call["stage"]) == (talk.contact, "1004", "talking")
        ends, other = (talk.caller, talk.agent) if who_hangs_up == "caller" else (talk.agent, talk.caller)
        await ends.hang_up()
        assert (await other.ended.wait()).by == "peer"
        await struck.agent_is("1004", "wrap_up")
        await check_whole_story(struck, talk)
        await talk.desk.register(struck.sip)  # over TCP its connection ended with control
        await struck.set_state("1004", "ready")
        again = await talk.phone.dial(struck.number("95001"))
        answered = await talk.desk.next_call()
        await again.heard(tone=AGENT_HZ)
        await answered.heard(tone=CALLER_HZ)
        await again.hang_up()
        await answered.ended.wait()
        (alarm,) = [row for row in await struck.items("alarms", active=True) if row["kind"] == "control_restarted"]
        assert alarm["severity"] == "non_urgent"
        assert "1 calls were taken back, 0 were lost" in alarm["text"]
    await Journal(struck.platform).without_gaps()


async def test_a_waiting_caller_hears_music_on_and_keeps_his_age(struck: Centre, phone: MakePhone) -> None:
    number = struck.new_caller()
    caller = await phone(number, source=sources.tone(CALLER_HZ))
    call = await caller.dial(struck.number("95001"))
    contact = (await struck.contact(number))["id"]
    await struck.happened(contact, "Queued")
    queued = time.monotonic()
    await call.heard()
    begun = time.monotonic()
    await kill_control(struck)
    await call.heard(since=time.monotonic())
    waited = call.recording().since(begun)
    assert audio.activity(waited) > 0.8, audio.describe(waited)
    (queue,) = [row for row in await struck.items("queues") if row["id"] == "support"]
    assert queue["waiting"] == 1
    assert queue["longest_wait"] >= time.monotonic() - queued - 1.0
    async with struck.desk("1004", incoming=AutoAnswer()) as desk:
        answered = await desk.next_call()
        await call.heard(tone=AGENT_HZ)
        since_entry = time.monotonic() - queued
        await call.hang_up()
        await answered.ended.wait()
    established = await struck.happened(contact, "Established", role="agent")
    assert established["queue_seconds"] == pytest.approx(since_entry, abs=1.5)
    row = await struck.ended(number)
    assert (row["outcome"], row["agent"]) == ("handled", "1004")
    story = [event["type"] for event in await struck.events(contact)]
    once(story, "ContactArrived", "Queued", "Offered", "Established", "ContactEnded")


async def test_a_waiting_caller_may_leave_after_control_came_back(struck: Centre, phone: MakePhone) -> None:
    number = struck.new_caller()
    caller = await phone(number)
    call = await caller.dial(struck.number("95001"))
    contact = (await struck.contact(number))["id"]
    await struck.happened(contact, "Queued")
    await kill_control(struck)
    await call.hang_up()
    row = await struck.ended(number)
    assert (row["outcome"], row["queue"]) == ("abandoned_queue", "support")
    left = await struck.happened(contact, "QueueLeft")
    assert left["reason"] == "abandoned"


async def test_keys_work_in_the_menu_after_control_came_back(struck: Centre, phone: MakePhone) -> None:
    number = struck.new_caller()
    caller = await phone(number)
    call = await caller.dial(struck.number("95000"))
    await call.heard(speech=True)
    contact = (await struck.contact(number))["id"]
    await kill_control(struck)
    await call.heard(speech=True, since=time.monotonic())
    await call.press("3")
    await struck.happened(contact, "KeysEntered")
    await call.press("600001#", gap=0.15)
    await struck.happened(contact, "QueryAnswered", ok=True)
    await call.hang_up()
    assert (await struck.ended(number))["outcome"] in ("self_service", "abandoned_ivr")


async def test_a_bot_talks_on_after_control_came_back(struck: Centre, phone: MakePhone) -> None:
    number = struck.new_caller()
    call, contact = await at_the_parrot(struck, phone, number)
    await kill_control(struck)
    await struck.happened(contact, "BotTalkBegan", resumed=True)
    since = time.monotonic()
    call.play(sources.signal(line(recorded("digits/7"))))
    await struck.happened(contact, "BotTurn", speaker="caller")
    await call.heard(speech=True, since=since)
    await call.press("9")
    assert (await struck.happened(contact, "BotTalkEnded"))["how"] == "end"
    await call.ended.wait(30)
    assert (await struck.ended(number))["outcome"] == "self_service"


async def test_keys_pressed_while_control_is_away_count(struck: Centre, phone: MakePhone) -> None:
    number = struck.new_caller()
    caller = await phone(number)
    call = await caller.dial(struck.number("95000"))
    await call.heard(speech=True)
    contact = (await struck.contact(number))["id"]
    killed = await struck.kill_control()
    await call.press("2")
    await struck.platform.wait_ready_again("control", killed)
    await struck.happened(contact, "Queued", queue="support")
    await call.hang_up()
    assert (await struck.ended(number))["outcome"] == "abandoned_queue"


async def test_an_agents_phone_rings_on_and_can_be_answered(struck: Centre, phone: MakePhone) -> None:
    caller = await phone(struck.new_caller(), source=sources.tone(CALLER_HZ))
    async with struck.desk("1004", incoming=RingOnly()) as desk:
        call = await caller.dial(struck.number("95001"))
        ringing = await desk.next_call()
        contact = (await struck.contact(caller.user))["id"]
        await struck.happened(contact, "Delivered")
        await kill_control(struck)
        assert (await struck.get("agents/1004"))["state"] == "reserved"
        await ringing.answer()
        await call.heard(tone=AGENT_HZ)
        await ringing.heard(tone=CALLER_HZ)
        assert len(desk.calls) == 1
        await call.hang_up()
        await ringing.ended.wait()
    assert (await struck.ended(caller.user))["outcome"] == "handled"
    story = [event["type"] for event in await struck.events(contact)]
    once(story, "ContactArrived", "Queued", "Offered", "Delivered", "Established", "ContactEnded")


async def test_all_phones_that_ring_for_one_caller_ring_on_and_the_first_answer_has_him(
    struck: Centre, phone: MakePhone
) -> None:
    caller = await phone(struck.new_caller(), source=sources.tone(CALLER_HZ))
    async with (
        changed(struck, "support", strategy="ring_all"),
        struck.desk("1006") as first,
        struck.desk("1007") as second,
    ):
        call = await caller.dial(struck.number("95001"))
        one, other = await asyncio.gather(first.next_call(), second.next_call())
        contact = (await struck.contact(caller.user))["id"]
        for seat in ("seat-06", "seat-07"):
            await struck.happened(contact, "Delivered", device=seat)
        await kill_control(struck)
        assert [(await struck.get(f"agents/{agent}"))["state"] for agent in ("1006", "1007")] == ["reserved"] * 2
        await other.answer()
        await call.heard(tone=AGENT_HZ)
        await other.heard(tone=CALLER_HZ)
        assert (await one.ended.wait()).reason == "cancelled"
        assert (len(first.calls), len(second.calls)) == (1, 1)
        await struck.agent_is("1006", "ready")
        await call.hang_up()
        await other.ended.wait()
    assert (await struck.ended(caller.user))["agent"] == "1007"
    story = [event["type"] for event in await struck.events(contact)]
    once(story, "ContactArrived", "Queued", "Diverted", "Established", "ContactEnded")
    assert (story.count("Offered"), story.count("Delivered")) == (2, 2)


async def test_an_agents_phone_that_is_answered_while_control_is_away_is_heard(
    struck: Centre, phone: MakePhone
) -> None:
    caller = await phone(struck.new_caller(), source=sources.tone(CALLER_HZ))
    async with struck.desk("1004", incoming=RingOnly()) as desk:
        call = await caller.dial(struck.number("95001"))
        ringing = await desk.next_call()
        contact = (await struck.contact(caller.user))["id"]
        await struck.happened(contact, "Delivered")
        killed = await struck.kill_control()
        answering = asyncio.ensure_future(ringing.answer())
        await struck.platform.wait_ready_again("control", killed)
        await answering
        await call.heard(tone=AGENT_HZ)
        await ringing.hang_up()
        assert (await call.ended.wait()).by == "peer"
    assert (await struck.ended(caller.user))["outcome"] == "handled"


async def test_a_caller_who_leaves_after_control_came_back_stops_the_ringing(
    struck: Centre, phone: MakePhone
) -> None:
    caller = await phone(struck.new_caller())
    async with struck.desk("1004", incoming=RingOnly()) as desk:
        call = await caller.dial(struck.number("95001"))
        ringing = await desk.next_call()
        await struck.happened((await struck.contact(caller.user))["id"], "Delivered")
        await kill_control(struck)
        await call.hang_up()
        assert (await ringing.ended.wait()).reason == "cancelled"
        await struck.agent_is("1004", "ready")
    assert (await struck.ended(caller.user))["outcome"] == "abandoned_queue"


async def test_a_message_that_is_being_left_is_whole(struck: Centre, phone: MakePhone) -> None:
    said = speech_like(60.0, seed=3)
    caller = await phone(struck.new_caller(), source=sources.silence())
    call, contact = await at_the_beep(struck, caller)
    begun = time.monotonic()
    call.play(sources.signal(said))
    await kill_control(struck)
    await asyncio.sleep(max(0.0, begun + 6.0 - time.monotonic()))  # he says enough to be compared
    pressed = await call.press("#")
    spoken = time.monotonic() - begun
    await call.heard(speech=True, since=pressed + 0.1)
    await call.hang_up()
    row = await struck.ended(caller.user)
    assert (row["outcome"], row["cause"]) == ("voice_mail", "normal"), row
    left = await message(struck, contact["id"], state="new", mailbox="queue:support")
    assert left["caller"] == caller.user
    assert spoken - 1.0 < left["seconds"] < spoken + 1.0  # at most a second is lost
    heard = await audio_of(struck, left)
    is_heard(said[: round((spoken - 1.0) * RATE)], heard)
    once(
        [event["type"] for event in await struck.events(contact["id"])],
        "ContactArrived",
        "RecordingStarted",
        "RecordingEnded",
        "MessageLeft",
        "ContactEnded",
    )
