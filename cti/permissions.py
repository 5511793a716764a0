"""Who may see and do what at a desk; roles of people against the live view."""

from __future__ import annotations

from typing import Final

from ccplatform.contracts.words import AgentId, CallId, Role
from ccplatform.kernel.errors import NotFound, Refusal
from ccplatform.security.model import Principal
from cti.errors import NotYours
from cti.live import LiveView
from cti.model import LiveCall

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
#: Who looks customers up.
CUSTOMER_READERS: Final = (Role.AGENT, Role.SUPERVISOR)

_SEE_NUMBERS = frozenset({Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN})


def sees_numbers(principal: Principal) -> bool:
    """Whether this person sees every customer's number; agents see those of their own calls."""
    return bool(principal.roles & _SEE_NUMBERS)


def check_state_change(principal: Principal, agent: AgentId) -> None:
    """Raise :class:`NotYours` when an agent asks for somebody else's state."""
    if not principal.roles & {Role.SUPERVISOR, Role.ADMIN} and principal.agent != agent:
        raise NotYours("an agent sets his own state only")


def caller_of(principal: Principal, agent: str | None) -> AgentId:
    """Whose phone this person has call somebody; raises :class:`NotYours`, and Refusal when nobody is named."""
    if agent is not None and Role.SUPERVISOR not in principal.roles and agent != principal.agent:
        raise NotYours("an agent calls by his own phone only")
    named = agent if agent is not None else principal.agent
    if named is None:
        raise Refusal("you have no agent number: say which agent", code="no_agent_number")
    return AgentId(named)


def controlled_call(principal: Principal, live: LiveView, call_id: CallId) -> LiveCall:
    """The call this person wants to act on; raises NotFound, :class:`NotYours`."""
    call = live.calls.get(call_id)
    if call is None or call.ended:
        raise NotFound(f"no live call {call_id}")
    if Role.SUPERVISOR not in principal.roles and (principal.agent is None or call.agent != principal.agent):
        raise NotYours("an agent acts on his own calls only")
    return call
