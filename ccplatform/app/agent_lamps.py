"""Phones that watch agents by their numbers: a lamp follows its agent to the seat where he signs in."""

from __future__ import annotations

from ccplatform.contracts.facts import AgentStateChanged, Fact, FactEvent
from ccplatform.contracts.words import AgentId, SeatId
from gateway.sip.notifier import Notifier
from gateway.sip.subscriptions import Agents


class AgentLamps:
    """Tells the notifier who moved; ``agents`` know of it before the fact comes here."""

    def __init__(self, *, agents: Agents, notifier: Notifier) -> None:
        self._notifier = notifier
        self._seat_of: dict[AgentId, SeatId | None] = {}
        notifier.follow_agents(agents)

    @staticmethod
    def wants(kind: type[Fact]) -> bool:
        """Which facts may move an agent."""
        return kind is AgentStateChanged

    def take(self, event: FactEvent) -> None:
        """An agent's state is another; perhaps his seat, too."""
        match event.fact:
            case AgentStateChanged(agent=agent, seat=seat) if self._seat_of.get(agent) != seat:
                self._seat_of[agent] = seat
                self._notifier.agent_moved(agent)
