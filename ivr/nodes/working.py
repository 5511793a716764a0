"""Nodes that have others do something: data queries, promises, mailboxes, the agents' desk."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from ivr.nodes.node import CalendarName, NodeModel, NodeName, QueryName, QueueName
from ivr.prompt_model import VariableName


class Query(NodeModel):
    """Ask a named query; its answer becomes variables."""

    kind: Literal["query"]
    query: QueryName
    parameters: dict[VariableName, VariableName] = Field(
        default_factory=dict, description="the query's parameter → the variable that fills it"
    )
    results: dict[VariableName, VariableName] = Field(
        default_factory=dict, description="the variable that is set → the column of the answer"
    )
    timeout: float = Field(5.0, gt=0, le=8, description="seconds; the session goes to on_error after them")
    on_found: NodeName
    on_missing: NodeName
    on_error: NodeName


class CallBack(NodeModel):
    """Promise the caller that an agent of a queue calls him back; stored before it is confirmed."""

    kind: Literal["call_back"]
    queue: QueueName
    number_of: VariableName = "caller"
    next: NodeName
    on_error: NodeName


class Messages(NodeModel):
    """Fetch the next new message for the agent at the seat, or mark the one that was fetched last.

    ``next`` sets the variables ``message_count`` (new ones, this one included), ``message_caller`` and
    ``message_time`` (RFC 3339); the message counts as heard.
    """

    kind: Literal["messages"]
    action: Literal["next", "handled", "delete"]
    next: NodeName
    on_none: NodeName = Field(description="there is none, nobody is signed in, or the rules do not allow it")
    on_error: NodeName


class Agent(NodeModel):
    """A feature code of an agent at a seat."""

    kind: Literal["agent"]
    action: Literal["sign_in", "sign_out", "ready", "not_ready"]
    agent_of: VariableName | None = Field(None, description="sign_in: the variable with the agent number")
    pin_of: VariableName | None = Field(None, description="sign_in: the variable with the PIN")
    reason: Annotated[str, StringConstraints(max_length=64)] = ""
    next: NodeName
    on_refused: NodeName = Field(description="wrong PIN, nobody signed in, refused by the rules")
    on_error: NodeName

    @model_validator(mode="after")
    def _who(self) -> Agent:
        if (self.action == "sign_in") != (self.agent_of is not None and self.pin_of is not None):
            raise ValueError("sign_in, and it alone, needs agent_of and pin_of")
        return self


class Hours(NodeModel):
    """Go by a calendar of opening hours."""

    kind: Literal["hours"]
    calendar: CalendarName
    on_open: NodeName
    on_closed: NodeName
    on_error: NodeName = Field(description="there is no such calendar")
