"""Robots are at work while the phones of their test seats are registered; nobody else moves by it."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from pydantic import ValidationError

from acd.wishes import AgentWishes
from ccplatform.app.robot_seats import RobotSeats
from ccplatform.contracts.commands import Answer, Done, Refused, SetAgentState
from ccplatform.contracts.facts import Fact, SeatRegistered, SeatUnregistered
from ccplatform.contracts.words import AgentId, AgentState, SeatId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from ccplatform.kernel.tasks import TaskSupervisor
from ccplatform.proof.settings import ProbeSettings


class Desk:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str | None]] = []
        self.answer: Answer = Done()

    async def set_agent_state(self, command: SetAgentState) -> Answer:
        self.asked.append((command.agent, command.state, command.seat))
        return self.answer


async def _told(desk: Desk, *facts: Fact) -> None:
    clock = VirtualClock()
    tasks = TaskSupervisor(clock)
    stream: Stream[Fact] = Stream(clock, Ids(clock), "default")
    seats = ProbeSettings(robots={"1099": "seat-99"}).test_seats
    robots = RobotSeats(seats=seats, desk=cast(AgentWishes, desk), tasks=tasks)
    stream.subscribe(robots.take, RobotSeats.wants)
    for fact in facts:
        stream.publish(fact)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await tasks.close()


def _comes(seat: str) -> Fact:
    return SeatRegistered(seat=SeatId(seat), transport="UDP", user_agent="")


async def test_a_robot_is_signed_in_with_its_phone_and_out_with_it() -> None:
    desk = Desk()
    await _told(
        desk, _comes("seat-99"), _comes("seat-01"), SeatUnregistered(seat=SeatId("seat-99"), reason="removed")
    )
    assert desk.asked == [("1099", AgentState.READY, "seat-99"), ("1099", AgentState.SIGNED_OUT, None)]


async def test_a_refusal_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk()
    desk.answer = Refused(code="seat_taken", message="seat-99 is taken")
    await _told(desk, _comes("seat-99"))
    assert "seat-99 is taken" in capsys.readouterr().out


def test_a_test_seat_has_one_robot() -> None:
    with pytest.raises(ValidationError, match="seat-99 is the test seat of two robots"):
        ProbeSettings(robots={"1098": "seat-99", "1099": "seat-99"})
    assert ProbeSettings(robots={"1099": "seat-99"}).test_seats == {SeatId("seat-99"): AgentId("1099")}
