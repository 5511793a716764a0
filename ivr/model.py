"""Flow documents: what a designer may write, as one pydantic schema.

A flow is a set of named nodes; each names the nodes that may follow it. ``kind`` tells nodes apart. Values that
flows compute with are variables, always text. What a schema cannot say (nodes that do not exist, loops, missing
languages) is in :mod:`ivr.checks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from ccplatform.contracts.words import ReleaseCause
from ivr.numbers import Language
from ivr.prompt_model import (
    DocumentModel,
    Prompt,
    Seconds,
    SoundItem,
    VariableName,
)

#: Variables every session has: who calls, what he dialled, the seat that calls ('' if none), the number that the
#: call was forwarded from and why ('' if it was not), the mailbox that a queue sent him to.
GIVEN_VARIABLES = frozenset(
    {"caller", "caller_name", "dialled", "seat", "forwarded_from", "forwarded_because", "mailbox"}
)
#: What a waiting caller may be told of his queue; it identifies nobody, so that its sounds are kept.
QUEUE_VARIABLES = frozenset({"position", "wait_minutes"})
#: What a fetched message sets.
MESSAGE_VARIABLES = frozenset({"message_count", "message_caller", "message_time"})

NodeName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$")]
ConfiguredName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
MailboxName: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^(queue|agent):[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")
]
Key: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9*#A-D]$")]
Value: TypeAlias = Annotated[str, StringConstraints(max_length=1000)]


# --- nodes ------------------------------------------------------------------------------------------------


class _Node(DocumentModel):
    note: str = Field("", max_length=1000, description="for the designer; nobody hears it")


class _Speaking(_Node):
    speak: Annotated[tuple[Language, ...], Field(min_length=1)] | None = Field(
        None, description="the languages spoken one after the other; None: as the flow says"
    )
    barge_in: bool = Field(True, description="whether a key stops the prompt")
    on_error: NodeName | None = Field(None, description="where to go when the prompt cannot be played")


class Say(_Speaking):
    """Speak a prompt, then go on."""

    kind: Literal["say"]
    prompt: Prompt
    next: NodeName
    delivers: bool = Field(False, description="a caller who heard it to its end got what he called for")


class PlaySounds(_Node):
    """Play sounds, then go on."""

    kind: Literal["play"]
    sounds: Annotated[list[SoundItem], Field(min_length=1, max_length=20)]
    next: NodeName
    barge_in: bool = True
    on_error: NodeName | None = None
    delivers: bool = False


class _Asking(_Speaking):
    prompt: Prompt
    timeout: Seconds = Field(5.0, description="seconds after the prompt without any key")
    retries: int = Field(
        2, ge=0, le=9, description="how often the prompt is repeated, with a hint, before the fallback"
    )
    hint: Prompt | None = Field(None, description="said before the prompt when the key was wrong")
    hint_silent: Prompt | None = Field(None, description="said instead of the hint when no key came")
    fallback: NodeName = Field(description="where to go when every try was in vain")


class Menu(_Asking):
    """Ask for one key."""

    kind: Literal["menu"]
    choices: Annotated[dict[Key, NodeName], Field(min_length=1)]


class Length(DocumentModel):
    """How many digits an input may have."""

    min: int = Field(1, ge=1, le=40)
    max: int = Field(ge=1, le=40)

    @model_validator(mode="after")
    def _in_order(self) -> Length:
        if self.min > self.max:
            raise ValueError("min is greater than max")
        return self


class Collect(_Asking):
    """Ask for digits; complete by the greatest length, the terminator, or a pause after enough of them."""

    kind: Literal["collect"]
    variable: VariableName
    length: Length
    terminator: Key | None = "#"
    restart: Key | None = Field("*", description="the key that drops what was entered so far")
    digit_timeout: Seconds = Field(
        4.0, description="seconds between two keys after which the input counts as it is"
    )
    secure: bool = Field(False, description="the digits appear in no fact, log or snapshot (R11.4.3.i)")
    next: NodeName


class Query(_Node):
    """Ask a named query; its answer becomes variables."""

    kind: Literal["query"]
    query: ConfiguredName
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


class Condition(DocumentModel):
    """Compares a variable: as numbers for less … at_least, as text otherwise."""

    variable: VariableName
    op: Literal["equals", "differs", "empty", "filled", "less", "at_most", "greater", "at_least"] = "equals"
    value: Value = ""


class Case(DocumentModel):
    """Where to go when a condition holds."""

    when: Condition
    next: NodeName


class Branch(_Node):
    """Go to the first case that holds."""

    kind: Literal["branch"]
    cases: Annotated[list[Case], Field(min_length=1, max_length=50)]
    otherwise: NodeName


class SetVariable(_Node):
    """Give a variable a value, or another variable's value."""

    kind: Literal["set"]
    variable: VariableName
    value: Value | None = None
    copy_of: VariableName | None = None
    next: NodeName

    @model_validator(mode="after")
    def _one_of_them(self) -> SetVariable:
        if (self.value is None) == (self.copy_of is None):
            raise ValueError("give exactly one of value, copy_of")
        return self


class EnterQueueNode(_Node):
    """Hand the caller to a queue of agents."""

    kind: Literal["queue"]
    queue: ConfiguredName
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
    on_error: NodeName


class Transfer(_Node):
    """Connect the caller through a trunk."""

    kind: Literal["transfer"]
    trunk: ConfiguredName
    number: Annotated[str, StringConstraints(pattern=r"^[+0-9*#A-Za-z._-]{1,64}$")] | None = None
    number_of: VariableName | None = Field(None, description="the variable that holds the number")
    record: bool = False
    on_error: NodeName

    @model_validator(mode="after")
    def _one_of_them(self) -> Transfer:
        if (self.number is None) == (self.number_of is None):
            raise ValueError("give exactly one of number, number_of")
        return self


class CallBack(_Node):
    """Promise the caller that an agent of a queue calls him back; stored before it is confirmed."""

    kind: Literal["call_back"]
    queue: ConfiguredName
    number_of: VariableName = "caller"
    next: NodeName
    on_error: NodeName


class Record(_Speaking):
    """Let the caller leave a message: a prompt, a beep, and what he says until a key, a silence, or the longest.

    The message is left when the session ends, however it ends; until then another ``record`` node, or this one
    again, takes its place, and ``play`` with ``message: last`` lets him hear it.
    """

    kind: Literal["record"]
    prompt: Prompt
    mailbox: MailboxName | None = Field(None, description="whose message it is: queue:<id> or agent:<id>")
    mailbox_of: VariableName | None = Field(None, description="the variable that holds the mailbox")
    max_seconds: float = Field(120.0, ge=1, le=900)
    min_seconds: float = Field(1.0, ge=0.5, le=30, description="what is shorter is no message")
    silence_seconds: float = Field(5.0, ge=1, le=60, description="a silence of this length ends it")
    terminator: Key | None = Field("#", description="the key that ends it; others are not heard")
    next: NodeName
    on_empty: NodeName = Field(description="too short, or nothing was said")
    on_error: NodeName

    @model_validator(mode="after")
    def _one_of_them(self) -> Record:
        if (self.mailbox is None) == (self.mailbox_of is None):
            raise ValueError("give exactly one of mailbox, mailbox_of")
        if self.min_seconds > self.max_seconds:
            raise ValueError("min_seconds is greater than max_seconds")
        return self


class Messages(_Node):
    """Fetch the next new message for the agent at the seat, or mark the one that was fetched last.

    ``next`` sets the variables ``message_count`` (new ones, this one included), ``message_caller`` and
    ``message_time`` (RFC 3339); the message counts as heard.
    """

    kind: Literal["messages"]
    action: Literal["next", "handled", "delete"]
    next: NodeName
    on_none: NodeName = Field(description="there is none, nobody is signed in, or the rules do not allow it")
    on_error: NodeName


class EchoNode(_Node):
    """Let the caller hear himself; the call ends after ``seconds``."""

    kind: Literal["echo"]
    seconds: float = Field(600.0, gt=0, le=3600)


class Conference(_Node):
    """Put the caller into a conference room."""

    kind: Literal["conference"]
    room: ConfiguredName
    on_error: NodeName


class Agent(_Node):
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


class Hangup(_Node):
    """End the call."""

    kind: Literal["hangup"]
    cause: ReleaseCause = ReleaseCause.NORMAL


Node: TypeAlias = Annotated[
    Say
    | PlaySounds
    | Menu
    | Collect
    | Query
    | Branch
    | SetVariable
    | EnterQueueNode
    | Transfer
    | CallBack
    | Record
    | Messages
    | EchoNode
    | Conference
    | Agent
    | Hangup,
    Field(discriminator="kind"),
]

#: Nodes at which the caller is asked for keys; at which he hears something; which wait for work of others;
#: and which hand the caller to `calls`.
AskingNode: TypeAlias = Menu | Collect
SpeakingNode: TypeAlias = Say | PlaySounds | Menu | Collect | Record
WorkingNode: TypeAlias = Query | CallBack | Messages | Agent
HandingNode: TypeAlias = EnterQueueNode | Transfer | EchoNode | Conference


class Flow(DocumentModel):
    """A whole flow document."""

    flow: ConfiguredName = Field(description="the flow's name")
    title: str = Field("", max_length=200)
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = Field(
        description="the languages that every prompt is given in"
    )
    speak: Annotated[tuple[Language, ...], Field(min_length=1)] | None = Field(
        None, description="the languages spoken one after the other; None: the first of languages"
    )
    variables: dict[VariableName, Value] = Field(default_factory=dict, max_length=100)
    start: NodeName
    on_error: NodeName | None = Field(None, description="where prompts that cannot be played go, once a session")
    max_seconds: float = Field(3600.0, gt=0, le=86_400, description="a caller who is still in the flow is let go")
    nodes: Annotated[dict[NodeName, Node], Field(min_length=1, max_length=5000)]

    def spoken_languages(self, node: Node) -> tuple[Language, ...]:
        """The languages in which a node speaks."""
        own = node.speak if isinstance(node, Say | Menu | Collect | Record) else None
        return own or self.speak or self.languages[:1]


def prompts_of(node: Node) -> Iterator[tuple[str, Prompt]]:
    """The prompts of a node with the names of their fields."""
    if isinstance(node, Say | Menu | Collect | Record):
        yield "prompt", node.prompt
    if isinstance(node, EnterQueueNode):
        for index, prompt in enumerate(node.announcements):
            yield f"announcements.{index}", prompt
    if isinstance(node, Menu | Collect):
        if node.hint is not None:
            yield "hint", node.hint
        if node.hint_silent is not None:
            yield "hint_silent", node.hint_silent


_EXITS = (
    "next",
    "on_found",
    "on_missing",
    "on_refused",
    "on_none",
    "on_empty",
    "on_error",
    "fallback",
    "otherwise",
)


def exits_of(node: Node) -> Iterator[tuple[str, NodeName]]:
    """Where a node may lead, with the path of the field that says so; every kind names them alike."""
    for field in _EXITS:
        target = getattr(node, field, None)
        if target is not None:
            yield field, target
    if isinstance(node, Menu | EnterQueueNode):
        for key, target in node.choices.items():
            yield f"choices.{key}", target
    if isinstance(node, Branch):
        for index, case in enumerate(node.cases):
            yield f"cases.{index}.next", case.next
