"""What people do with the recording of a talk while it goes on, heard afterwards."""

from __future__ import annotations

import io
import time
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import numpy as np
import pytest

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre, Row
from tests.e2e.rig import Talk, talking
from tests.support import audio
from tests.support.g711 import RATE, Samples


async def test_a_pause_is_silence_to_the_sample_and_says_who_wanted_it_and_why(centre: Centre) -> None:
    async with talking(centre) as talk:
        call = (await live(centre, talk))["id"]
        await shown(centre, talk, "yes")
        await talk.hear_each_other(time.monotonic() + 0.6)
        assert (await order(centre, call, "pause", user="1005", reason="card")).status_code == 403
        assert (await order(centre, call, "resume")).json()["code"] == "not_paused"
        assert (await order(centre, call, "pause", user="1004", reason="")).status_code == 422
        paused = await order(centre, call, "pause", user="1004", reason="card", key="once")
        assert paused.status_code == 200, paused.text
        again = await order(centre, call, "pause", user="1004", reason="card", key="once")
        assert again.status_code == 200, again.text
        assert (await shown(centre, talk, "paused"))["paused_by"] == "1004"
        await talk.hear_each_other(time.monotonic() + 0.6)
        assert (await order(centre, call, "resume")).status_code == 200
        await shown(centre, talk, "yes")
        await talk.hear_each_other(time.monotonic() + 0.6)
        await talk.caller.hang_up()
    recording = await centre.recording(talk.contact)
    ended = await centre.happened(talk.contact, "RecordingEnded")
    ((begins, ends),) = ended["pauses"]
    assert recording["paused_seconds"] == pytest.approx(ends - begins)
    assert (recording["complete"], recording["gap_seconds"]) == (True, 0.0)
    sound = await heard(centre, recording["id"])
    silent = sound[round(begins * RATE) : round(ends * RATE)]
    assert len(silent) > 0.5 * RATE
    assert not silent.any()
    before, after = round(begins * RATE), round(ends * RATE)
    for part in (sound[before - RATE // 3 : before], sound[after : after + RATE // 3]):
        for channel, own in ((part[:, 0], CALLER_HZ), (part[:, 1], AGENT_HZ)):
            assert audio.has_tone(channel, own), audio.describe(channel)
            assert audio.activity(channel) > 0.9, audio.describe(channel)
    (told,) = (await centre.get(f"recordings/{recording['id']}"))["pauses"]
    assert (told["by"], told["reason"], told["resumed_by"]) == ("1004", "card", "sup1")
    assert (await centre.happened(talk.contact, "RecordingPaused"))["reason"] == "card"
    rows = [row for row in await centre.items("audit", user="auditor1") if row["object"] == call]
    assert [(row["subject"], row["action"]) for row in reversed(rows)] == [
        ("1004", "recording.pause"),
        ("sup1", "recording.resume"),
    ]


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
