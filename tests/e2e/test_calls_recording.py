"""What people do with the recording of a talk while it goes on, heard afterwards."""

from __future__ import annotations

import io
import time
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import httpx
import numpy as np
import pytest
import soxr

from ccplatform.kernel.clock import SystemClock
from ivr.settings import SpeechSettings
from ivr.speech.cache import kept_name
from ivr.speech.espeak import EspeakSpeech
from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre, Row
from tests.e2e.rig import Talk, talking
from tests.support import audio, sources
from tests.support.alarms import Alarms
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE, Samples
from tests.support.phone_call import PhoneCall

#: What parties are told by default.
TOLD: Final = "本次通话可能会被录音。"
#: Pauses in the talk whose edges are looked at.
PAUSES: Final = 4
#: A phone that stood still so long before or after an order says nothing about the edge that the order made.
NEAR: Final = 0.4
#: Samples at an edge of which one at least is not zero when somebody talks there: 2 ms.
EDGE: Final = 16
#: By how much the platform's jitter buffer may put a sound elsewhere than before: its greatest depth.
SHIFT_SECONDS: Final = 0.4


async def test_a_pause_says_who_wanted_it_and_why(centre: Centre) -> None:
    async with talking(centre) as talk:
        call = (await live(centre, talk))["id"]
        await shown(centre, talk, "yes")
        await talk.hear_each_other(time.monotonic() + 0.3)
        assert (await order(centre, call, "pause", user="1005", reason="card")).status_code == 403
        assert (await order(centre, call, "resume")).json()["code"] == "not_paused"
        assert (await order(centre, call, "pause", user="1004", reason="")).status_code == 422
        paused = await order(centre, call, "pause", user="1004", reason="card", key="once")
        assert paused.status_code == 200, paused.text
        again = await order(centre, call, "pause", user="1004", reason="card", key="once")
        assert again.status_code == 200, again.text
        assert (await shown(centre, talk, "paused"))["paused_by"] == "1004"
        await talk.hear_each_other(time.monotonic() + 0.3)
        assert (await order(centre, call, "resume")).status_code == 200
        await shown(centre, talk, "yes")
        await talk.caller.hang_up()
    recording = await centre.recording(talk.contact)
    ((begins, ends),) = (await centre.happened(talk.contact, "RecordingEnded"))["pauses"]
    assert recording["paused_seconds"] == pytest.approx(ends - begins)
    assert (recording["complete"], recording["gap_seconds"]) == (True, 0.0)
    (told,) = (await centre.get(f"recordings/{recording['id']}"))["pauses"]
    assert (told["by"], told["reason"], told["resumed_by"]) == ("1004", "card", "sup1")
    assert (await centre.happened(talk.contact, "RecordingPaused"))["reason"] == "card"
    rows = [row for row in await centre.items("audit", user="auditor1") if row["object"] == call]
    assert [(row["subject"], row["action"]) for row in reversed(rows)] == [
        ("1004", "recording.pause"),
        ("sup1", "recording.resume"),
    ]


async def test_exactly_the_samples_of_a_pause_are_silent_and_time_goes_on_in_it(centre: Centre) -> None:
    """Every declared sample is a digital zero, whatever the phones did; the talk reaches up to both edges.

    The phones of a test live in its process: where that stood still near an edge, nothing was said that could be
    recorded, so such an edge is not judged (the tests of what is said and missing are elsewhere).
    """
    said = np.random.default_rng(8).normal(0, 3000, 40 * RATE).astype(np.int16)
    orders: list[tuple[float, float]] = []  # from when until when each was under way

    async def ordered(what: str, **body: str) -> None:
        begun = time.monotonic()
        answer = await order(centre, call, what, **body)
        assert answer.status_code == 200, answer.text
        orders.append((begun, time.monotonic()))

    async with talking(centre) as talk:
        call = (await live(centre, talk))["id"]
        await shown(centre, talk, "yes")
        talk.caller.play(sources.signal(said))
        for _ in range(PAUSES):
            await talk.caller.heard(since=time.monotonic() + 0.6)
            await ordered("pause", reason="card")
            await talk.caller.heard(since=time.monotonic() + 0.4)
            await ordered("resume")
        await talk.caller.heard(since=time.monotonic() + 0.6)
        await talk.caller.hang_up()
    stalls = talk.caller.rtp.stalls + talk.agent.rtp.stalls
    recording = await centre.recording(talk.contact)
    pauses = (await centre.happened(talk.contact, "RecordingEnded"))["pauses"]
    assert len(pauses) == PAUSES
    sound, marks = await heard(centre, recording["id"]), [round(at * RATE) for pause in pauses for at in pause]
    for begins, ends in zip(marks[::2], marks[1::2], strict=True):
        assert ends - begins > 0.3 * RATE
        assert not sound[begins:ends].any()
    judged = [not any(a < last + NEAR and b > first - NEAR for a, b in stalls) for first, last in orders]
    assert any(judged[::2]), f"orders {orders}, stalls {stalls}"
    assert any(judged[1::2]), f"orders {orders}, stalls {stalls}"
    for number in np.flatnonzero(judged):
        at = marks[number]
        edge = sound[at - EDGE : at] if number % 2 == 0 else sound[at : at + EDGE]
        outside = sound[at - RATE // 5 : at] if number % 2 == 0 else sound[at : at + RATE // 5]
        for channel in (0, 1):
            assert edge[:, channel].any(), f"edge {number} at {at}: {edge[:, channel]}"
            assert audio.activity(outside[:, channel]) > 0.9, audio.describe(outside[:, channel])
    for before, after in zip(marks[::2], marks[1::2], strict=True):
        first, second = (
            place(said, sound[before - RATE // 4 : before]),
            place(said, sound[after : after + RATE // 4]),
        )
        if first is not None and second is not None:
            passed = (second - first) / RATE - (after - before + RATE // 4) / RATE
            assert abs(passed) < SHIFT_SECONDS, f"the time line moved by {passed:.3f} s in a pause"


def place(said: Samples, piece: Samples) -> int | None:
    """At which sample of what the caller said a piece of his channel begins; None: it is too broken to tell."""
    found = audio.find(piece[:, 0], said)
    return found.lag_samples if found.correlation > 0.5 else None


async def test_where_the_policy_leaves_it_to_people_they_start_and_stop(centre: Centre) -> None:
    async with rule(centre, mode="on_demand", teams=["blue"], directions=["inbound"]):
        async with talking(centre) as talk:
            row = await centre.eventually(lambda: live(centre, talk), lambda row: row["on_demand"])
            assert row["recorded"] == "no"
            call = row["id"]
            assert (await order(centre, call, "stop")).json()["code"] == "not_recorded"
            assert (await order(centre, call, "start", user="1004", reason="complaint")).status_code == 200
            await shown(centre, talk, "yes")
            assert (await order(centre, call, "start")).json()["code"] == "recorded_already"
            await talk.hear_each_other(time.monotonic() + 0.6)
            assert (await order(centre, call, "stop")).status_code == 200
            await shown(centre, talk, "no")
            await talk.hear_each_other(time.monotonic() + 0.4)
            await talk.caller.hang_up()
        recording = await centre.recording(talk.contact)
        contact = await centre.ended(talk.number)
        assert (recording["mode"], recording["gap_seconds"]) == ("on_demand", 0.0)
        assert 0.5 < recording["seconds"] < contact["talk_seconds"] - 0.4
        sound = await heard(centre, recording["id"])
        for channel, own in ((sound[:, 0], CALLER_HZ), (sound[:, 1], AGENT_HZ)):
            assert audio.has_tone(channel, own), audio.describe(channel)
        assert (await centre.happened(talk.contact, "RecordingStarted"))["by"] == "1004"
        assert (await centre.happened(talk.contact, "RecordingStopped"))["by"] == "sup1"


async def test_a_rule_made_while_the_centre_runs_counts_from_the_next_talk(centre: Centre) -> None:
    async with rule(centre, mode="never", agents=["1004"]):
        async with talking(centre) as talk:
            assert (await live(centre, talk))["recorded"] == "no"
            call = (await live(centre, talk))["id"]
            assert (await order(centre, call, "start")).json()["code"] == "not_on_demand"
            await talk.caller.hang_up()
        await centre.ended(talk.number)
        assert await centre.items("recordings", contact=talk.contact) == []


async def test_both_parties_hear_that_they_are_recorded(centre: Centre, phone: MakePhone) -> None:
    """What each phone got is held against the prompt itself; nobody else says anything meanwhile."""
    number = centre.new_caller()
    caller = await phone(number, source=sources.silence())
    silent = centre.desk("1004", source=sources.silence())
    async with rule(centre, mode="full", queues=["support"], announce=True), silent as desk:
        prompt = await centre.eventually(lambda: spoken(centre, TOLD), lambda samples: samples is not None)
        call = await caller.dial(centre.number("95001"))
        ringing = await desk.next_call()
        await ringing.answer()
        begun = time.monotonic()
        contact = await centre.contact(number)
        told = await centre.happened(contact["id"], "RecordingAnnounced")
        assert (told["text"], told["played"]) == (TOLD, True)
        started = await centre.happened(contact["id"], "RecordingStarted")
        assert told["recording"] == started["recording"]
        for end in (call, ringing):
            heard_it = partial(likeness, prompt, end, since=begun - 0.5)
            await centre.eventually(heard_it, lambda correlation: correlation > 0.8)
        ringing.play(sources.tone(AGENT_HZ))
        await call.heard(tone=AGENT_HZ)
        await call.hang_up()
        await ringing.ended.wait()
    recording = await centre.recording((await centre.ended(number))["id"])
    assert recording["complete"]


async def likeness(prompt: Samples, end: PhoneCall, since: float) -> float:
    """How much of a prompt a phone got, once it got so much: 1 for every sample of it."""
    got = end.recording().since(since)
    return audio.find(prompt, got).correlation if got.size > prompt.size else 0.0


async def spoken(centre: Centre, text: str) -> Samples | None:
    """A text as the platform's engine spoke it; None: not yet."""
    engine = EspeakSpeech(settings=SpeechSettings(), clock=SystemClock(), alarms=Alarms())
    path = centre.platform.data_dir / "speech" / kept_name(engine, text, "zh")
    if not path.exists():
        return None
    rate, (samples,) = audio.read_wav(path)
    return np.asarray(soxr.resample(samples, rate, RATE))


@asynccontextmanager
async def rule(centre: Centre, **document: Any) -> AsyncIterator[None]:
    """A rule before all others."""
    path = "configuration/recording-rules/first"
    saved = await centre.ask("PUT", path, user="admin", json={"position": 1, **document})
    assert saved.status_code == 200, saved.text
    try:
        yield
    finally:
        assert (await centre.ask("DELETE", path, user="admin")).status_code == 200


async def live(centre: Centre, talk: Talk) -> Row:
    """The row of the talk's call."""
    (row,) = [row for row in await centre.items("calls") if row["contact"] == talk.contact]
    return row


async def shown(centre: Centre, talk: Talk, recorded: str) -> Row:
    """Wait until the desks show that it is recorded, or paused; the row."""
    row: Row = await centre.eventually(lambda: live(centre, talk), lambda row: row["recorded"] == recorded)
    return row


async def order(centre: Centre, call: str, what: str, *, user: str = "sup1", **body: str) -> httpx.Response:
    """Something is to be done with the recording; the answer."""
    return await centre.ask("POST", f"calls/{call}/recording/{what}", user=user, json=body)


async def heard(centre: Centre, recording: str) -> Samples:
    """What a supervisor hears: both channels."""
    sound = await centre.ask("GET", f"recordings/{recording}/audio")
    with wave.open(io.BytesIO(sound.content)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
