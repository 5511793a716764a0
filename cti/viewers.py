"""Who looks at the live view, and what of it concerns him.

A supervisor of teams sees what their agents do, and what no agent does yet (`Audience`); everybody else sees all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from ccplatform.contracts.words import AgentId
from ccplatform.security.model import Principal
from cti.live import LiveView
from cti.model import LiveCall

#: The agents, each with his team, whose doing something is; nobody's when it is empty.
Audience: TypeAlias = frozenset[tuple[AgentId, str]]
NOBODY: Final[Audience] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """How much somebody sees.

    ``clear``: every number; ``own``: the agent whose calls show their numbers; ``everything``: also facts that
    change no row and are not about an own call (measurements, refused calls); ``teams``: only what their agents,
    and he himself, do (None: what anybody does).
    """

    clear: bool
    own: AgentId | None
    everything: bool
    teams: frozenset[str] | None = None

    def sees(self, audience: Audience) -> bool:
        """Whether it is shown to him."""
        if self.teams is None or not audience:
            return True
        return any(agent == self.own or team in self.teams for agent, team in audience)


def overseen(principal: Principal, live: LiveView) -> frozenset[AgentId] | None:
    """The agents whose doings he sees, himself among them; None: everybody's."""
    teams = principal.only_teams
    if teams is None:
        return None
    theirs = {agent.id for agent in live.agents.values() if agent.team in teams}
    return frozenset(theirs if principal.agent is None else theirs | {principal.agent})


def agents_on(call: LiveCall) -> set[AgentId]:
    """The agents on a call."""
    return {agent for agent in (call.agent, *(party.agent for party in call.parties)) if agent is not None}


def audience_of(live: LiveView, agents: Iterable[AgentId]) -> Audience:
    """Those agents with the teams that they are in now."""
    return frozenset((name, live.agents[name].team if name in live.agents else "") for name in agents)
