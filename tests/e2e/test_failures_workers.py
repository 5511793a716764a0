"""Two media workers as one engine: calls that meet across them, and the death of one of them."""

from __future__ import annotations

import time

from tests.e2e.centre import AGENT_HZ, Centre
from tests.e2e.rig import Journal, once, talking
from tests.support import sources
from tests.support.fixtures import MakePhone
from tests.support.phone_call import PhoneCall
from tests.support.platform import PlatformProcess


async def both_are_there(centre: Centre) -> None:
    """Wait for the successor of a worker that was killed."""
    await centre.eventually(
        lambda: centre.items("alarms", active=True),
        lambda rows: all(row["kind"] != "media_worker_lost" for row in rows),
        limit=30.0,
    )


def worker_of(call: PhoneCall, platform: PlatformProcess) -> int:
    """The worker that a call's sound is on: each has half of the ports."""
    first, last = platform.rtp_ports
    return int(call.media_port > (first + last) / 2)


async def test_a_conference_over_two_workers_is_one_room(struck: Centre, phone: MakePhone) -> None:
    tones = (440.0, 700.0, 1300.0)
    calls = []
    for hertz in tones:
        member = await phone(struck.new_caller(), source=sources.tone(hertz))
        calls.append(await member.dial(struck.number("95009")))
        await calls[-1].answered.wait()
    assert {worker_of(call, struck.platform) for call in calls} == {0, 1}
    for call in calls:
        await call.heard(speech=True)
        await call.press("1234", gap=0.06)
    for call, own in zip(calls, tones, strict=True):
        for other in tones:
            if other != own:
                await call.heard(tone=other)
    lost = worker_of(calls[0], struck.platform)
    killed_at = time.monotonic()
    struck.platform.kill("media", lost)
    for call, own in zip(calls, tones, strict=True):
        for other in tones:
            if other != own:
                await call.heard(tone=other, since=killed_at + 0.1)
    assert {worker_of(call, struck.platform) for call in calls} == {1 - lost}
    print(f"the room was whole again after {time.monotonic() - killed_at:.2f} s")
    for call in calls:
        await call.hang_up()
    await both_are_there(struck)


async def test_a_talk_goes_on_at_once_on_the_other_worker(struck: Centre) -> None:
    async with talking(struck) as talk:
        await talk.caller.heard(tone=AGENT_HZ, since=time.monotonic() + 1.0)
        lost = worker_of(talk.caller, struck.platform)
        assert worker_of(talk.agent, struck.platform) == lost
        killed_at = time.monotonic()
        struck.platform.kill("media", lost)
        await talk.hear_each_other(killed_at + 0.1)
        print(f"caller and agent heard each other again after {time.monotonic() - killed_at:.2f} s")
        assert worker_of(talk.caller, struck.platform) == worker_of(talk.agent, struck.platform) == 1 - lost
        moved = [await struck.happened(talk.contact, "MediaMoved", role=role) for role in ("caller", "agent")]
        print(f"the gaps were {[round(row['gap_seconds'], 3) for row in moved]} s")
        await talk.caller.hang_up()
        await talk.agent.ended.wait()
        row = await struck.ended(talk.number)
        assert (row["outcome"], row["cause"]) == ("handled", "normal")
        recording = await struck.recording(talk.contact)
        assert "are silent: the media worker was gone" in recording["reason"]
        await both_are_there(struck)
        story = [event["type"] for event in await struck.events(talk.contact)]
        once(story, "ContactArrived", "RecordingStarted", "Established", "TalkEnded", "ContactEnded")
    await Journal(struck.platform).without_gaps()


async def test_both_workers_may_die_and_a_restarted_control_knows_the_calls_of_both(
    struck: Centre, phone: MakePhone
) -> None:
    calls = []
    for _ in range(2):
        call = await (await phone(struck.new_caller())).dial(struck.number("95001"))
        await call.heard()
        calls.append(call)
    assert {worker_of(call, struck.platform) for call in calls} == {0, 1}
    killed = await struck.kill_control()
    await struck.platform.wait_ready_again("control", killed)
    assert len(await struck.items("calls")) == 2
    killed_at = time.monotonic()
    struck.platform.kill("media")
    for call in calls:
        await call.heard(since=killed_at + 0.1, limit=30.0)
    for call in calls:
        await call.hang_up()
    await both_are_there(struck)
