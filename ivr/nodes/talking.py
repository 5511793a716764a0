"""The node at which an outside program talks with the caller."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ivr.nodes.node import BotName, ConfiguredName, NodeModel, NodeName
from ivr.prompt_model import VariableName


class Bot(NodeModel):
    """Let a voice bot talk with the caller until it hands him over, ends, fails, or the time is up.

    What was said, as far as the bot tells it, is the transcript of the contact: the agent sees it at the offer.
    """

    kind: Literal["bot"]
    bot: BotName = Field(description="the configured bot")
    variables: Annotated[tuple[VariableName, ...], Field(max_length=20)] = Field(
        (), description="the variables that the bot is told; secure inputs never are"
    )
    results: dict[VariableName, VariableName] = Field(
        default_factory=dict, max_length=20, description="the variable that is set → the bot's name for it"
    )
    outcome: VariableName | None = Field(
        None, description="the variable that takes how it ended, in the bot's word"
    )
    barge_in: bool = Field(True, description="whether a voice of 0.25 s silences what the bot still had to say")
    max_seconds: float = Field(300.0, ge=5, le=1500, description="the longest talk")
    on_transfer: Annotated[dict[ConfiguredName, NodeName], Field(max_length=20)] = Field(
        default_factory=dict, description="where the bot may hand the caller over to, by name, such as people"
    )
    on_end: NodeName = Field(description="the bot is done with him")
    on_timeout: NodeName = Field(description="the time is up")
    on_error: NodeName = Field(description="the bot is away, slow, breaks off, or does what it may not")
