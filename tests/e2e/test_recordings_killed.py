"""Workers and control are killed (SIGKILL) at any moment of talks: a second at most is missing, and told."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from tests.e2e.centre import Centre
from tests.e2e.rig import talking
from tests.e2e.test_calls_agent import verify
from tests.e2e.test_failures_workers import both_are_there, worker_of

#: What a killed worker had not written yet: a block of a second, and the tick that it was in.
LOST_SECONDS = 1.1
#: From the kill to the first sound on the other worker there is nothing to record; more is the machine's load.
MOVED_SECONDS = 5.0


@pytest.mark.parametrize("role", ["media", "control"])
@pytest.mark.parametrize("kills", [1, *[pytest.param(10, marks=pytest.mark.soak)] * 5])
async def test_what_a_kill_takes_from_a_recording_is_told(struck: Centre, role: str, kills: int) -> None:
    chance = random.Random()
    for _ in range(kills):
        async with talking(struck) as talk:
            await asyncio.sleep(chance.uniform(0.5, 3.0))
            killed_at = time.monotonic()
            if role == "media":
                # The talk's own worker, or both: then the sound waits for the successors.
                both = chance.random() < 0.5
                struck.platform.kill("media", None if both else worker_of(talk.caller, struck.platform))
            else:
                killed = await struck.kill_control()
                await struck.platform.wait_ready_again("control", killed)
            await talk.hear_each_other(killed_at + 0.1)
            await talk.caller.hang_up()
            await talk.agent.ended.wait()
            row = await struck.ended(talk.number)
        recording = await struck.recording(talk.contact)
        moved = [event["data"] for event in await struck.events(talk.contact) if event["type"] == "MediaMoved"]
        silent = max((told["gap_seconds"] for told in moved), default=0.0)
        print(f"{role}: {recording['missing_seconds']:.2f} s missing, silent for {silent:.2f} s")
        if role == "control":
            assert (recording["complete"], recording["missing_seconds"]) == (True, 0.0)
        else:
            assert recording["missing_seconds"] <= silent + LOST_SECONDS
            assert "are silent: the media worker was gone" in recording["reason"]
        assert recording["seconds"] == pytest.approx(row["talk_seconds"], abs=MOVED_SECONDS)
        await both_are_there(struck)
    code, text = await verify(struck)
    assert code == 0, text
