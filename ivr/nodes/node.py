"""What all nodes have in common: names, and the fields of those that speak and ask."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field, StringConstraints

from ivr.numbers import Language
from ivr.prompt_model import DocumentModel, Means, Prompt, Seconds

#: Variables every session has: who calls, what he dialled, the seat that calls ('' if none), the number that the
#: call was forwarded from and why ('' if it was not), the mailbox that a queue sent him to, the language that was
#: chosen, and after a talk the agent and the queue.
GIVEN_VARIABLES = frozenset(
    {
        "caller",
        "caller_name",
        "dialled",
        "seat",
        "forwarded_from",
        "forwarded_because",
        "mailbox",
        "language",
        "agent",
        "queue",
    }
)
#: What a waiting caller may be told of his queue; it identifies nobody, so that its sounds are kept.
QUEUE_VARIABLES = frozenset({"position", "wait_minutes"})
#: What a fetched message sets.
MESSAGE_VARIABLES = frozenset({"message_count", "message_caller", "message_time"})

NodeName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"), Means("node")]
ConfiguredName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
QueueName: TypeAlias = Annotated[ConfiguredName, Means("queue")]
FlowName: TypeAlias = Annotated[ConfiguredName, Means("flow")]
TrunkName: TypeAlias = Annotated[ConfiguredName, Means("trunk")]
AgentName: TypeAlias = Annotated[ConfiguredName, Means("agent")]
CalendarName: TypeAlias = Annotated[ConfiguredName, Means("calendar")]
QueryName: TypeAlias = Annotated[ConfiguredName, Means("query")]
BotName: TypeAlias = Annotated[ConfiguredName, Means("bot")]
MailboxName: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^(queue|agent):[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")
]
Key: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9*#A-D]$"), Means("key")]
Value: TypeAlias = Annotated[str, StringConstraints(max_length=1000)]


class NodeModel(DocumentModel):
    """A node of a flow."""

    note: str = Field("", max_length=1000, description="for the designer; nobody hears it")


class Speaking(NodeModel):
    """A node at which the caller hears a prompt."""

    speak: Annotated[tuple[Language, ...], Field(min_length=1)] | None = Field(
        None, description="the languages spoken one after the other; None: the chosen one, or as the flow says"
    )
    barge_in: bool = Field(True, description="whether a key stops the prompt")
    on_error: NodeName | None = Field(None, description="where to go when the prompt cannot be played")


class Asking(Speaking):
    """A node at which the caller is asked for keys."""

    timeout: Seconds = Field(5.0, description="seconds after the prompt without any key")
    retries: int = Field(
        2, ge=0, le=9, description="how often the prompt is repeated, with a hint, before the fallback"
    )
    hint: Prompt | None = Field(None, description="said before the prompt when the key was wrong")
    hint_silent: Prompt | None = Field(None, description="said instead of the hint when no key came")
    fallback: NodeName = Field(description="where to go when every try was in vain")
