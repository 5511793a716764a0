"""Who may see and do what at a desk; roles of people against the live view."""

from __future__ import annotations

from typing import Final

from ccplatform.contracts.words import AgentId, CallId, Role, SeatId
from ccplatform.kernel.errors import NotFound, Refusal
from ccplatform.security.model import Principal
from cti.errors import NotYours
from cti.live import LiveView
from cti.model import LiveCall
from cti.viewers import agents_on

#: Everybody who may look at agents, queues and calls.
VIEWERS: Final = (Role.AGENT, Role.SUPERVISOR, Role.AUDITOR, Role.MAINTAINER, Role.ADMIN)
#: Who changes agents' states; an agent only his own.
STATE_CHANGERS: Final = (Role.AGENT, Role.SUPERVISOR, Role.ADMIN)
#: Who acts on calls; an agent only on his own.
CALL_HANDLERS: Final = (Role.AGENT, Role.SUPERVISOR)
#: Who listens to, whispers into and enters other people's calls.
LISTENERS: Final = (Role.SUPERVISOR,)
#: Who has a desk of his own.
DESK: Final = (Role.AGENT,)
#: Whose browser may be a phone: an agent's at his seat, a supervisor's at one where no agent is.
PHONES: Final = (Role.AGENT, Role.SUPERVISOR)
#: Who looks customers up, and enters and corrects them.
CUSTOMER_READERS: Final = (Role.AGENT, Role.SUPERVISOR)

_SEE_NUMBERS = frozenset({Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN})


def sees_numbers(principal: Principal) -> bool:
    """Whether this person sees every customer's number; agents see those of their own calls."""
    return bool(principal.roles & _SEE_NUMBERS)


def oversees(principal: Principal, live: LiveView, agent: AgentId | None) -> bool:
    """Whether this supervisor has the agent in one of his teams, or, without teams, anyhow; nobody is in all."""
    if Role.SUPERVISOR not in principal.roles:
        return False
    if not principal.teams or agent is None:
        return True
    known = live.agents.get(agent)
    return known is not None and known.team in principal.teams


def sees(principal: Principal, live: LiveView, agent: AgentId | None) -> bool:
    """Whether lists show him what this agent does: whoever is a supervisor only sees his teams, and himself."""
    return principal.only_teams is None or agent == principal.agent or oversees(principal, live, agent)


def check_sees(principal: Principal, live: LiveView, agent: AgentId) -> None:
    """Raise :class:`NotYours` for an agent whom lists do not show him."""
    if not sees(principal, live, agent):
        raise NotYours("the agent is in none of your teams")


def sees_call(principal: Principal, live: LiveView, call: LiveCall) -> bool:
    """Whether lists show him the call: one of its agents, or nobody's."""
    return any(sees(principal, live, agent) for agent in agents_of(call))


def check_oversees(principal: Principal, live: LiveView, agent: AgentId) -> None:
    """Raise :class:`NotYours` for an agent who is neither himself nor in his teams."""
    if agent != principal.agent and not oversees(principal, live, agent):
        raise NotYours("the agent is in none of your teams")


def check_state_change(principal: Principal, live: LiveView, agent: AgentId) -> None:
    """Raise :class:`NotYours` when an agent asks for somebody else's state, or a supervisor for another team's."""
    if principal.agent == agent or Role.ADMIN in principal.roles:
        return
    if Role.SUPERVISOR not in principal.roles:
        raise NotYours("an agent sets his own state only")
    check_oversees(principal, live, agent)


def own_agent(principal: Principal) -> AgentId:
    """His agent number; raises Refusal when he has none."""
    if principal.agent is None:
        raise Refusal("you have no agent number", code="no_agent_number")
    return principal.agent


def caller_of(principal: Principal, live: LiveView, agent: str | None) -> AgentId:
    """Whose phone this person has call somebody; raises :class:`NotYours`, and Refusal when nobody is named."""
    if agent is not None and agent != principal.agent:
        if Role.SUPERVISOR not in principal.roles:
            raise NotYours("an agent calls by his own phone only")
        check_oversees(principal, live, AgentId(agent))
    named = agent if agent is not None else principal.agent
    if named is None:
        raise Refusal("you have no agent number: say which agent", code="no_agent_number")
    return AgentId(named)


def controlled_call(principal: Principal, live: LiveView, call_id: CallId, key: str = "") -> LiveCall:
    """The call this person wants to act on; raises NotFound, :class:`NotYours`.

    With a ``key`` it may have ended: the order may be one that comes again, and control knows.
    """
    call = live.calls.get(call_id)
    if call is None or (call.ended and not key):
        raise NotFound(f"no live call {call_id}")
    if principal.agent is not None and call.agent == principal.agent:
        return call
    if Role.SUPERVISOR not in principal.roles:
        raise NotYours("an agent acts on his own calls only")
    if not any(oversees(principal, live, agent) for agent in agents_of(call)):
        raise NotYours("the call is with an agent of none of your teams")
    return call


def parting_agent(principal: Principal, live: LiveView, call_id: CallId, key: str = "") -> AgentId | None:
    """Who hangs up: an agent on the call himself, for a supervisor nobody (then it ends for all); raises as
    :func:`controlled_call` does.

    With a ``key`` he may have left: the order may be one that comes again in his wrap-up, and control knows.
    """
    call, agent = live.calls.get(call_id), principal.agent
    if call is not None and agent is not None and not call.ended:
        own = live.agents.get(agent)
        if agent in agents_on(call) or (key and own is not None and own.contact == call.contact):
            return agent
    return agent if controlled_call(principal, live, call_id, key).agent == agent else None


def check_seat(principal: Principal, live: LiveView, seat: SeatId) -> None:
    """Raise Refusal (``not_your_seat``) unless he is signed in there, or is a supervisor and nobody is."""
    holder = next((agent.id for agent in live.agents.values() if agent.seat == seat), None)
    if holder is None and Role.SUPERVISOR not in principal.roles:
        raise Refusal(f"you are not signed in at {seat}", code="not_your_seat")
    if holder is not None and holder != principal.agent:
        raise Refusal(f"agent {holder} is signed in at {seat}", code="not_your_seat")


def agents_of(call: LiveCall) -> set[AgentId] | set[None]:
    """The agents on a call; nobody's, while no agent is."""
    return agents_on(call) or {None}
