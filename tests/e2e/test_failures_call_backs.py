"""A promised call-back is not lost when control or the database dies, wherever it is by then."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.e2e.centre import AGENT_HZ, Centre
from tests.e2e.lab import LAB_HZ, open_lab
from tests.e2e.rig import centre_of
from tests.e2e.test_calls_back import promised
from tests.e2e.test_failures_database import held_down
from tests.support.phone import AutoAnswer, RingOnly
from tests.support.platform import PlatformProcess


@pytest.fixture
async def struck(own_platform: PlatformProcess, callers: Iterator[int]) -> AsyncIterator[Centre]:
    async with centre_of(own_platform, callers) as centre:
        await centre.items("alarms")  # the supervisor's token is known from here on
        yield centre


async def kill_control(centre: Centre) -> None:
    killed = await centre.kill_control()
    await centre.platform.wait_ready_again("control", killed)


async def test_a_promise_outlives_control_in_line_and_while_it_is_being_called(struck: Centre) -> None:
    number = struck.new_caller()
    answer = await struck.ask("POST", "call-backs", json={"queue": "support", "number": number})
    assert answer.status_code == 201, answer.text
    await kill_control(struck)
    assert (await promised(struck, number, "open"))["id"] == answer.json()["id"]
    async with open_lab(RingOnly()) as lab, struck.desk("1004", incoming=AutoAnswer()) as desk:
        ringing = await desk.next_call()
        await ringing.answered.wait()
        customer = await lab.next_call()
        await kill_control(struck)  # the customer's phone rings
        await customer.answer()
        began = time.monotonic()
        await ringing.heard(tone=LAB_HZ, since=began)
        await customer.heard(tone=AGENT_HZ, since=began)
        kept = await promised(struck, number, "kept")
        assert kept["attempts"] == 0
        await kill_control(struck)  # they talk
        await customer.hang_up()
        await ringing.ended.wait()
        await struck.agent_is("1004", "wrap_up")
        await struck.set_state("1004", "ready")
        assert len(desk.calls) == len(lab.calls) == 1, "nobody is called twice"
        assert (await promised(struck, number, "kept"))["id"] == answer.json()["id"]
    await struck.nothing_left()


async def test_a_promise_is_kept_while_the_database_is_away_and_none_is_given(struck: Centre) -> None:
    number = struck.new_caller()
    answer = await struck.ask("POST", "call-backs", json={"queue": "support", "number": number})
    async with open_lab(AutoAnswer()) as lab, struck.desk("1004", ready=False, incoming=RingOnly()) as desk:
        await struck.set_state("1004", "ready", user="1004")
        ringing = await desk.next_call()
        async with held_down(struck):
            refused = await struck.ask("POST", "call-backs", json={"queue": "support", "number": "13900000099"})
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable"), refused.text
            await ringing.answer()
            customer = await lab.next_call()
            await ringing.heard(tone=LAB_HZ)
            await customer.heard(tone=AGENT_HZ)
        assert (await promised(struck, number, "kept"))["id"] == answer.json()["id"]
        await customer.hang_up()
        await ringing.ended.wait()
    assert len(await struck.items("call-backs")) == 1
    await struck.nothing_left()
