"""A media worker or the web process dies, or a party vanishes without a word: what is told, and what goes on."""

from __future__ import annotations

import io
import time
import wave
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre, Row
from tests.e2e.rig import Journal, centre_of, metric, once, talking
from tests.support import audio, sources
from tests.support.fixtures import MakePhone
from tests.support.g711 import RATE, Samples
from tests.support.platform import PlatformProcess

#: How long a party may send nothing before it counts as gone, in these tests.
RTP_TIMEOUT = 3.0


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """A platform that gives up silent parties soon."""
    with PlatformProcess(
        tmp_path_factory.mktemp("m"),
        environment={
            "CCP_MEDIA__RTP_TIMEOUT_SECONDS": str(RTP_TIMEOUT),
            "CCP_MEDIA__WORKER_WAIT_SECONDS": "30",  # a busy machine starts a process slowly
        },
    ) as started:
        yield started


@pytest.fixture
async def struck(mortal: PlatformProcess, callers: Iterator[int]) -> AsyncIterator[Centre]:
    async with centre_of(mortal, callers) as centre:
        yield centre
        await centre.nothing_left()


async def alarms_of(centre: Centre, kind: str) -> list[Row]:
    """The history of one kind of alarm, newest first."""
    return [row for row in await centre.items("alarms") if row["kind"] == kind]


async def differences(centre: Centre, compliance: list[Row]) -> list[str]:
    """In what the rows of compliance differ from those that were there before."""
    return [
        f"{row['id']} {name}: {was[name]} → {row[name]}"
        for was, row in zip(compliance, await centre.items("compliance"), strict=True)
        for name in ("id", "value", "samples", "successes", "verdict")  # the load in a label moves by itself
        if row[name] != was[name]
    ]


async def audio_of(centre: Centre, recording: str) -> tuple[Samples, Samples]:
    """Both channels of a recording, as REST plays it."""
    data = await centre.ask("GET", f"recordings/{recording}/audio")
    assert data.status_code == 200, data.text
    with wave.open(io.BytesIO(data.content)) as file:
        assert file.getnframes() > 0
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
    return samples[:, 0], samples[:, 1]


async def test_calls_of_a_killed_media_worker_go_on_with_its_successor(struck: Centre, phone: MakePhone) -> None:
    in_menu = await (await phone(struck.new_caller())).dial(struck.number("95000"))
    await in_menu.heard(speech=True)
    async with talking(struck) as talk:
        await struck.happened(talk.contact, "RecordingStarted")
        queued = await (await phone(struck.new_caller())).dial(struck.number("95001"))
        await queued.heard()
        established = time.monotonic()
        await talk.caller.heard(tone=AGENT_HZ, since=established + 1.0)
        killed_at = time.monotonic()
        killed = struck.platform.kill("media")
        (alarm, *_) = await struck.eventually(lambda: alarms_of(struck, "media_worker_lost"), bool)
        assert alarm["severity"] == "urgent"
        await struck.platform.wait_ready_again("media", killed)
        await talk.hear_each_other(killed_at + 0.1)
        print(f"caller and agent heard each other again after {time.monotonic() - killed_at:.2f} s")
        for call in (in_menu, queued):
            await call.heard(since=killed_at + 0.1)
        await struck.eventually(
            lambda: alarms_of(struck, "media_worker_lost"),
            lambda rows: all(row["cleared_at"] is not None for row in rows),
        )
        moved = await struck.eventually(
            lambda: struck.events(talk.contact),
            lambda rows: [row["type"] for row in rows].count("MediaMoved") == 2,
        )
        gaps = [row["data"]["gap_seconds"] for row in moved if row["type"] == "MediaMoved"]
        print(f"media moved after {gaps} s")
        back_at = time.monotonic()
        await talk.caller.heard(tone=AGENT_HZ, since=back_at + 1.0)
        await talk.caller.hang_up()
        await talk.agent.ended.wait()
        row = await struck.ended(talk.number)
        assert (row["outcome"], row["cause"]) == ("handled", "normal")
        recording = await struck.recording(talk.contact)
        assert not recording["complete"]
        assert "are silent: the media worker was gone" in recording["reason"]
        assert recording["seconds"] == pytest.approx(row["talk_seconds"], abs=0.5)
        caller, agent = await audio_of(struck, recording["id"])
        for channel, hertz in ((caller, CALLER_HZ), (agent, AGENT_HZ)):
            assert audio.has_tone(channel[RATE // 4 : RATE], hertz)
            assert audio.has_tone(channel[-RATE // 2 :], hertz)
        story = [event["type"] for event in await struck.events(talk.contact)]
        once(story, "ContactArrived", "RecordingStarted", "Established", "TalkEnded", "ContactEnded")
        once(story, "RecordingStarted", "RecordingEnded")
        await queued.hang_up()
    await in_menu.press("3")
    await in_menu.heard(speech=True, since=time.monotonic())
    await in_menu.hang_up()
    await Journal(struck.platform).without_gaps()


async def test_a_party_that_refuses_to_be_moved_ends_the_call(struck: Centre) -> None:
    async with talking(struck) as talk:
        await struck.happened(talk.contact, "RecordingStarted")
        await talk.caller.heard(tone=AGENT_HZ, since=time.monotonic() + 1.0)
        talk.agent.refuse_offers = 488
        killed = struck.platform.kill("media")
        for call in (talk.caller, talk.agent):
            assert (await call.ended.wait(15)).by == "peer"
        row = await struck.ended(talk.number)
        assert (row["outcome"], row["cause"]) == ("handled", "failed")
        recording = await struck.recording(talk.contact)
        assert not recording["complete"]
        assert recording["reason"]
        caller, _ = await audio_of(struck, recording["id"])
        assert audio.has_tone(caller[RATE // 4 : RATE], CALLER_HZ)
        await struck.platform.wait_ready_again("media", killed)


async def test_a_call_is_moved_by_a_control_process_that_took_it_back(struck: Centre) -> None:
    async with talking(struck) as talk:
        await struck.happened(talk.contact, "RecordingStarted")
        await talk.caller.heard(tone=AGENT_HZ, since=time.monotonic() + 1.0)
        killed = await struck.kill_control()
        await struck.platform.wait_ready_again("control", killed)
        killed_at = time.monotonic()
        killed = struck.platform.kill("media")
        await struck.platform.wait_ready_again("media", killed)
        await talk.hear_each_other(killed_at + 0.1)
        await talk.hear_each_other(time.monotonic() + 0.7)
        await talk.agent.hang_up()
        await talk.caller.ended.wait()
        recording = await struck.recording(talk.contact)
        assert "are silent: the media worker was gone" in recording["reason"]
        caller, agent = await audio_of(struck, recording["id"])
        assert audio.has_tone(caller[RATE // 4 : RATE // 2], CALLER_HZ)
        assert audio.has_tone(agent[-RATE // 4 :], AGENT_HZ)


async def test_an_alarm_of_a_part_that_is_well_again_does_not_outlive_control(struck: Centre) -> None:
    before = len(await alarms_of(struck, "media_worker_lost"))
    killed_media = struck.platform.kill("media")
    await struck.eventually(lambda: alarms_of(struck, "media_worker_lost"), lambda rows: len(rows) > before)
    killed = await struck.kill_control()
    await struck.platform.wait_ready_again("control", killed)
    await struck.platform.wait_ready_again("media", killed_media)
    up = [row["kind"] for row in await struck.items("alarms", active=True)]
    assert "media_worker_lost" not in up
    await struck.eventually(
        lambda: alarms_of(struck, "media_worker_lost"), lambda rows: all(row["cleared_at"] for row in rows)
    )


async def test_a_killed_web_process_comes_back_with_what_it_knew(struck: Centre, phone: MakePhone) -> None:
    echo = await (await phone(struck.new_caller())).dial(struck.number("95002"), source=sources.tone(CALLER_HZ))
    await echo.heard(tone=CALLER_HZ)
    await echo.hang_up()
    async with talking(struck) as talk:
        contacts = [row for row in await struck.items("contacts") if row["outcome"]]
        compliance, alarms = await struck.items("compliance"), await struck.items("alarms")
        begun = time.monotonic()
        killed = struck.platform.kill("web")
        await struck.platform.wait_ready_again("web", killed)
        print(f"web was away for {time.monotonic() - begun:.2f} s")
        await talk.hear_each_other(time.monotonic())
        talk.heard_without_a_gap(begun, time.monotonic() - 0.2)
        assert [row for row in await struck.items("contacts") if row["outcome"]] == contacts
        await struck.eventually(lambda: differences(struck, compliance), lambda rows: rows == [])
        assert [row for row in await struck.items("alarms") if row["kind"] != "web_unavailable"] == alarms
        text = await struck.metrics()
        assert metric(text, "cc_calls_active") == 1.0
        assert metric(text, "cc_agents", state="talking") == 1.0
        (call,) = await struck.items("calls")
        assert (call["contact"], call["stage"]) == (talk.contact, "talking")
        await talk.caller.hang_up()
        await talk.agent.ended.wait()
        assert (await struck.ended(talk.number))["outcome"] == "handled"


@pytest.mark.parametrize("who", ["caller", "agent"])
async def test_a_party_that_vanishes_is_given_up(struck: Centre, who: str) -> None:
    async with talking(struck) as talk:
        gone, other = (talk.phone, talk.agent) if who == "caller" else (talk.desk, talk.caller)
        gone.vanish()
        vanished = time.monotonic()
        assert (await other.ended.wait(RTP_TIMEOUT + 5)).by == "peer"
        assert time.monotonic() - vanished > RTP_TIMEOUT - 0.5
        row = await struck.ended(talk.number)
        assert (row["outcome"], row["cause"]) == ("handled", "media_lost")
        cleared = await struck.happened(talk.contact, "ConnectionCleared", cause="media_lost")
        assert (cleared["role"], cleared["released_by"]) == (who, "local")
        await struck.agent_is("1004", "wrap_up")
        recording = await struck.recording(talk.contact)
        assert recording["complete"], recording
        caller, agent = await audio_of(struck, recording["id"])
        stays, hertz = (agent, AGENT_HZ) if who == "caller" else (caller, CALLER_HZ)
        assert audio.has_tone(stays[-RATE:], hertz)


async def test_a_vanished_caller_leaves_the_queue(struck: Centre, phone: MakePhone) -> None:
    caller = await phone(struck.new_caller(), source=sources.tone(CALLER_HZ))
    call = await caller.dial(struck.number("95001"))
    await call.heard()
    contact = (await struck.contact(caller.user))["id"]
    caller.vanish()
    row = await struck.ended(caller.user, limit=RTP_TIMEOUT + 5)
    assert (row["outcome"], row["cause"]) == ("abandoned_queue", "media_lost")
    assert (await struck.happened(contact, "QueueLeft"))["reason"] == "abandoned"
