"""Which calls robots take: those of the proof, and nobody else's."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.proof.errors import NotReached
from ccplatform.proof.line import Line, ProbeCall
from ccplatform.proof.networks import BAD
from ccplatform.proof.plan import SeatPlan
from ccplatform.proof.robots import Expected, Robot, Robots
from gateway.sip.flows import Flow


class _Voice:
    impaired: Any = None

    def impair(self, network: Any, seed: int) -> None:
        self.impaired = network


class _Call:
    def __init__(self) -> None:
        self.voice = _Voice()


def _robots() -> Robots:
    clock = VirtualClock()
    line = Line(
        target=Flow("UDP", "127.0.0.1", 1), host="127.0.0.1", caller="", clock=clock, tasks=TaskSupervisor(clock)
    )
    return Robots([SeatPlan(user="8098", password="x"), SeatPlan(user="8099", password="x")], line, clock)


def _answer(robots: Robots, user: str, caller: str) -> _Call:
    call = _Call()
    robots.answers(user, caller, cast(ProbeCall, call))
    return call


def test_nobody_else_is_answered() -> None:
    robots = _robots()
    assert not robots.wants("8099", "71")
    robots.expect(Expected(caller="71"))
    assert robots.wants("8099", "71")
    assert not robots.wants("8001", "71")  # no seat of ours


def test_a_call_is_known_by_its_number_and_goes_through_its_network() -> None:
    robots = _robots()
    one, two = Expected(caller="71"), Expected(caller="72", network=BAD)
    robots.expect(one)
    robots.expect(two)
    assert not robots.wants("8099", "13800000001")  # a customer's number, and two are expected
    call = _answer(robots, "8098", "72")
    assert (two.seat, one.call) == ("8098", None)
    assert two.call is cast(ProbeCall, call)
    assert call.voice.impaired is BAD


def test_where_the_number_was_rewritten_the_only_one_who_waits_is_meant() -> None:
    robots = _robots()
    one, two = Expected(caller="71"), Expected(caller="72")
    robots.expect(one)
    robots.expect(two)
    _answer(robots, "8098", "71")
    assert robots.wants("8099", "anonymous")
    assert not robots.wants("8099", "71") or two.call is None
    _answer(robots, "8099", "anonymous")
    assert two.seat == "8099"
    robots.forget(one)
    robots.forget(two)
    assert not robots.wants("8099", "71")


async def test_a_seat_whose_robot_is_not_let_in_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def asks(robot: Robot, what: str) -> None:
        asked.append(f"{robot.plan.user} {what}")
        if what == "sign in" and robot.plan.user == "8099":
            raise NotReached("*11 refused it with 404")

    for name in ("begin", "sign in", "end"):
        monkeypatch.setattr(Robot, name.replace(" ", "_"), lambda robot, what=name: asks(robot, what))
    robots = _robots()
    await robots.begin()  # one is enough
    assert set(asked) == {"8098 begin", "8098 sign in", "8099 begin", "8099 sign in", "8099 end"}


async def test_a_seat_that_cannot_register_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccplatform.proof.robots._REGISTERED_WITHIN", 0.01)
    robots = _robots()
    with pytest.raises(NotReached, match="the test seat 8098 cannot register: no answer"):
        await robots.begin()
