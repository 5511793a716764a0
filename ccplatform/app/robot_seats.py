"""Test seats of this centre: while the phone of one is registered, its robot is an agent at work."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from acd.wishes import AgentWishes
from ccplatform.contracts.commands import Refused, SetAgentState
from ccplatform.contracts.facts import Fact, FactEvent, SeatRegistered, SeatUnregistered
from ccplatform.contracts.words import AgentId, AgentState, SeatId
from ccplatform.kernel.tasks import TaskSupervisor

_log = structlog.get_logger("probe")
_BY = "probe"


class RobotSeats:
    """Signs the robot of each test seat (``seats``) in when the seat's phone registers, out when it is gone.

    The account of the seat is his proof of who he is: no calls by keys, which would be calls of the centre's own.
    """

    def __init__(self, *, seats: Mapping[SeatId, AgentId], desk: AgentWishes, tasks: TaskSupervisor) -> None:
        self._seats = dict(seats)
        self._desk = desk
        self._tasks = tasks

    @staticmethod
    def wants(kind: type[Fact]) -> bool:
        """Which facts move a robot."""
        return kind in (SeatRegistered, SeatUnregistered)

    def take(self, event: FactEvent) -> None:
        """A phone came or went."""
        match event.fact:
            case SeatRegistered(seat=seat) if seat in self._seats:
                self._ask(seat, AgentState.READY)
            case SeatUnregistered(seat=seat) if seat in self._seats:
                self._ask(seat, AgentState.SIGNED_OUT)
            case _:
                pass

    def _ask(self, seat: SeatId, state: AgentState) -> None:
        self._tasks.run_once(f"robot at {seat}", self._carry_out(seat, state))

    async def _carry_out(self, seat: SeatId, state: AgentState) -> None:
        agent = self._seats[seat]
        told = await self._desk.set_agent_state(
            SetAgentState(agent=agent, state=state, by=_BY, seat=seat if state is AgentState.READY else None)
        )
        if isinstance(told, Refused):
            _log.warning("robot not moved", agent=agent, seat=seat, state=state, reason=told.message)
