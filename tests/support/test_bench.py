"""The call bench measures what it says, shown on phones that stand in for the platform."""

from __future__ import annotations

import argparse
import asyncio
import time

import numpy as np
import pytest

from bench import calls, cti_walls, figures
from bench.phones import Answer, Phones
from tests.support import audio, sip, sources
from tests.support.phone import AutoAnswer, SipPhone
from tests.support.phone_call import PhoneCall
from tests.support.registrar import MiniRegistrar


async def test_answer_times_contain_the_delays_of_the_called_side() -> None:
    late_tone = sources.signal(np.concatenate([audio.tone(0, 0.1), audio.tone(800, 1.0)]))
    problems: list[str] = []
    async with (
        SipPhone("95000", incoming=AutoAnswer(seconds=0.05), source=late_tone) as menu,
        SipPhone("bench") as phone,
    ):
        times = await calls.measure_answers(phone, menu.uri, rate=20, seconds=0.2, problems=problems)
    assert problems == []
    assert len(times.to_200) == 4
    assert min(times.to_200) >= 0.05
    assert min(times.from_200_to_audible) > 0.09


async def test_key_times_run_from_the_end_of_the_key_to_the_next_sound() -> None:
    prompt = sources.signal(audio.tone(800, 0.3))

    async def answer_keys(call: PhoneCall) -> None:
        await call.ear.heard_keys("9")
        call.play(prompt)

    problems: list[str] = []
    async with (
        SipPhone("95000", incoming=AutoAnswer(), source=prompt) as menu,
        SipPhone("bench") as phone,
        asyncio.TaskGroup() as group,
    ):
        measuring = group.create_task(
            calls.measure_keys(phone, menu.uri, key="9", count=1, rate=10, quiet=0.3, problems=problems)
        )
        await answer_keys(await menu.next_call())
    assert problems == []
    (seconds,) = measuring.result()
    assert seconds > 0


async def test_agent_times_run_to_the_invite_on_the_agents_wire() -> None:
    made_ready: list[bool] = []

    async def ready() -> None:
        made_ready.append(True)

    async with (
        SipPhone("95000", incoming=AutoAnswer(), source=sources.tone(800)) as menu,
        SipPhone("8004", incoming=AutoAnswer()) as seat,
        SipPhone("bench") as caller,
        asyncio.TaskGroup() as group,
    ):
        measuring = group.create_task(calls.measure_agent(caller, seat, menu.uri, key="2", count=1, between=ready))
        waiting = await menu.next_call()
        (key,) = await waiting.ear.heard_keys("2")
        ring = await menu.dial(seat.uri)
        await waiting.ended.wait()
        await ring.hang_up()
    assert made_ready == [True]
    (seconds,) = measuring.result()
    assert seconds > 0
    assert ring.started_at > key.at


async def test_a_failed_call_is_a_problem_and_not_a_sample() -> None:
    problems: list[str] = []
    async with SipPhone("nobody") as silent, SipPhone("bench") as phone:
        silent.node.sockets.muted = True
        call = await phone.dial(silent.uri)

        async def one(_number: int) -> None:
            await call.answered.wait(0.1)

        await calls.at_rate(100, 1, one, problems)
        phone.vanish()
    assert "not answered within 0.1 s" in problems[0]


async def test_many_phones_of_one_process_register_call_and_tell_who_rang_them() -> None:
    users = ["200000", "200001"]
    async with MiniRegistrar({user: f"demo-{user}" for user in users}) as registrar:
        with Phones(registrar.address, users) as phones:
            await asyncio.to_thread(phones.register)
        assert sorted(registrar.contacts) == users
    async with SipPhone("95090", incoming=AutoAnswer()) as menu:
        with Phones(menu.node.address, users) as phones:
            await asyncio.to_thread(phones.call, "95090", 2, 50.0)
            assert len(menu.calls) == 2
            host, port = sip.address_of(sip.uri_of(menu.node.received[0].get("contact")))
            before = time.time()
            ring = await menu.dial(f"sip:200001@{host}:{port}")
            await ring.answered.wait(5)
            (rung,) = await asyncio.to_thread(phones.rung)
            assert rung.user == "200001"
            assert before <= rung.at <= time.time()
            await asyncio.to_thread(phones.behave, Answer.REJECT)
            refused = await menu.dial(f"sip:200000@{host}:{port}")
            assert (await refused.ended.wait(5)).status == 486
            await ring.hang_up()
            await asyncio.to_thread(phones.hang_up)
            for call in menu.calls[:2]:
                await call.ended.wait(5)


def test_percentiles_are_nearest_rank() -> None:
    values = [float(n) for n in range(1, 101)]
    assert figures.percentile(values, 0.5) == 50
    assert figures.percentile(values, 0.95) == 95
    assert figures.percentile([7.0], 0.95) == 7
    figure = figures.distribution("x", [0.01, 0.03], goal_ms=60)
    assert figure is not None
    assert figure.ratio == pytest.approx(0.5)
    assert figures.distribution("x", []) is None


def test_a_bench_runs_the_phases_named_and_knows_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    figures.add_phases(parser, ("ready", "enters"))
    assert parser.parse_args([]).only == ["ready", "enters"]
    assert parser.parse_args(["--only", "enters"]).only == ["enters"]
    with pytest.raises(SystemExit):
        parser.parse_args(["--only", "enters,leaves"])
    assert "no such phase: leaves; there are ready, enters" in capsys.readouterr().err


def test_a_change_of_a_wallboard_counts_when_it_was_drawn_before_the_same_was_so_again() -> None:
    changes = [cti_walls.Change(float(at), at % 2 == 0) for at in range(10, 14)]
    shown = [(9.9, True), (10.1, True), (11.2, False), (13.4, False)]  # the third was over before it was drawn
    seconds, missed = cti_walls.delays(changes, shown)
    assert [round(value, 3) for value in seconds] == [0.1, 0.2, 0.4]
    assert missed == 1
