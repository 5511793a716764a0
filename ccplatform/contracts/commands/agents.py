"""Commands of agents' states and notes."""

from __future__ import annotations

from dataclasses import dataclass, field

from ccplatform.contracts.words import AgentId, AgentState, ContactId, QueueId, SeatId


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAgentState:
    """Sign in (``not_ready`` with a ``seat``), out, ready, not ready. Answer: the agent's live row."""

    agent: AgentId
    state: AgentState
    by: str
    reason: str = ""
    seat: SeatId | None = None
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendWrapUp:
    """Give an agent more time for the wrap-up that he is in. Answer: ``left_seconds``."""

    agent: AgentId
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishWrapUp:
    """The agent is done with his wrap-up: what he asked for last begins."""

    agent: AgentId
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteContact:
    """Write down what an agent's contact came to; it is in the journal once it is answered."""

    contact: ContactId
    agent: AgentId
    by: str
    queue: QueueId | None
    disposition: str
    disposition_name: str
    note: str = field(repr=False)
    key: str = ""
