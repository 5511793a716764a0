"""Nodes that hand the caller on, and the one that lets him go."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from ccplatform.contracts.words import ReleaseCause
from ivr.nodes.node import AgentName, ConfiguredName, FlowName, Key, NodeModel, NodeName, QueueName, TrunkName
from ivr.prompt_model import Prompt, VariableName


class EnterQueueNode(NodeModel):
    """Hand the caller to a queue of agents."""

    kind: Literal["queue"]
    queue: QueueName
    priority: int = Field(5, ge=1, le=10)
    announcements: Annotated[list[Prompt], Field(max_length=10)] = Field(
        default_factory=list,
        description="said to a waiting caller in turn, over and over, with music in between; they may say the "
        "variables position and wait_minutes, and are passed over while those are not known",
    )
    announce_after: float = Field(15.0, ge=1, le=3600, description="seconds until the first announcement")
    announce_every: float = Field(30.0, ge=5, le=3600, description="seconds from one announcement to the next")
    choices: dict[Key, NodeName] = Field(
        default_factory=dict, description="the keys by which a waiting caller leaves the queue, and where to"
    )
    after_talk: FlowName | None = Field(
        None, description="the flow that has the caller when the agent hangs up first, such as a survey"
    )
    on_error: NodeName


class Transfer(NodeModel):
    """Connect the caller to a number, by the outbound routes or through a trunk, or to an agent."""

    kind: Literal["transfer"]
    number: Annotated[str, StringConstraints(pattern=r"^[+0-9*#A-Za-z._-]{1,64}$")] | None = None
    number_of: VariableName | None = Field(None, description="the variable that holds the number")
    trunk: TrunkName | None = Field(None, description="the trunk; None: as the number's route says")
    agent: AgentName | None = Field(None, description="the agent, where he is signed in and free")
    agent_of: VariableName | None = Field(None, description="the variable that holds the agent")
    record: bool = False
    on_error: NodeName

    @model_validator(mode="after")
    def _one_of_them(self) -> Transfer:
        targets = (self.number, self.number_of, self.agent, self.agent_of)
        if sum(target is not None for target in targets) != 1:
            raise ValueError("give exactly one of number, number_of, agent, agent_of")
        if self.trunk is not None and (self.agent is not None or self.agent_of is not None):
            raise ValueError("a trunk leads to a number, not to an agent")
        return self


class EchoNode(NodeModel):
    """Let the caller hear himself; the call ends after ``seconds``."""

    kind: Literal["echo"]
    seconds: float = Field(600.0, gt=0, le=3600)


class Conference(NodeModel):
    """Put the caller into a conference room."""

    kind: Literal["conference"]
    room: ConfiguredName
    on_error: NodeName


class Hangup(NodeModel):
    """End the call."""

    kind: Literal["hangup"]
    cause: ReleaseCause = ReleaseCause.NORMAL
