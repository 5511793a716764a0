"""Lamps follow agents: the notifier hears who moved, and of nothing else that agents do."""

from __future__ import annotations

from typing import cast

import pytest

from ccplatform.app.agent_lamps import AgentLamps
from ccplatform.contracts.facts import AgentStateChanged, Fact, SeatRegistered
from ccplatform.contracts.words import AgentId, AgentState, SeatId
from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.ids import Ids
from ccplatform.kernel.stream import Stream
from gateway.sip.notifier import Notifier
from gateway.sip.subscriptions import Agents


class Told:
    def __init__(self) -> None:
        self.moved: list[str] = []
        self.agents: Agents | None = None

    def follow_agents(self, agents: Agents) -> None:
        self.agents = agents

    def agent_moved(self, agent: AgentId) -> None:
        self.moved.append(agent)


class Floor:
    """Facts of agents, as the lamps hear them."""

    def __init__(self) -> None:
        clock = VirtualClock()
        self.told = Told()
        self._stream: Stream[Fact] = Stream(clock, Ids(clock), "default")
        self.agents = cast(Agents, object())
        lamps = AgentLamps(agents=self.agents, notifier=cast(Notifier, self.told))
        self._stream.subscribe(lamps.take, AgentLamps.wants)

    def is_at(self, seat: str | None, state: AgentState = AgentState.READY) -> None:
        self._stream.publish(
            AgentStateChanged(
                agent=AgentId("1004"),
                seat=SeatId(seat) if seat is not None else None,
                state=state,
                reason="",
                previous=AgentState.NOT_READY,
                previous_seconds=1.0,
            )
        )


@pytest.fixture
def floor() -> Floor:
    return Floor()


def test_who_signs_in_and_out_is_told_and_who_works_is_not(floor: Floor) -> None:
    assert floor.told.agents is floor.agents
    floor.is_at("seat-04")
    floor.is_at("seat-04", AgentState.TALKING)
    assert floor.told.moved == ["1004"]
    floor.is_at("seat-05")
    floor.is_at(None, AgentState.SIGNED_OUT)
    assert floor.told.moved == ["1004"] * 3
    assert not AgentLamps.wants(SeatRegistered)
