"""Flow documents: what a designer may write, as one pydantic schema.

A flow is a set of named nodes; each names the nodes that may follow it. ``kind`` tells nodes apart. Values that
flows compute with are variables, always text. What a schema cannot say (nodes that do not exist, loops, missing
languages) is in :mod:`ivr.checks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, TypeAlias

from pydantic import Field

from ivr.nodes.deciding import Branch as Branch
from ivr.nodes.deciding import Case as Case
from ivr.nodes.deciding import ChooseLanguage as ChooseLanguage
from ivr.nodes.deciding import Condition as Condition
from ivr.nodes.deciding import Loop as Loop
from ivr.nodes.deciding import Return as Return
from ivr.nodes.deciding import SetVariable as SetVariable
from ivr.nodes.deciding import SubFlow as SubFlow
from ivr.nodes.deciding import Wait as Wait
from ivr.nodes.handing import Conference as Conference
from ivr.nodes.handing import EchoNode as EchoNode
from ivr.nodes.handing import EnterQueueNode as EnterQueueNode
from ivr.nodes.handing import Hangup as Hangup
from ivr.nodes.handing import Transfer as Transfer
from ivr.nodes.heard import Collect as Collect
from ivr.nodes.heard import Length as Length
from ivr.nodes.heard import Menu as Menu
from ivr.nodes.heard import PlaySounds as PlaySounds
from ivr.nodes.heard import Question as Question
from ivr.nodes.heard import Record as Record
from ivr.nodes.heard import Say as Say
from ivr.nodes.heard import Speech as Speech
from ivr.nodes.heard import Survey as Survey
from ivr.nodes.node import GIVEN_VARIABLES as GIVEN_VARIABLES
from ivr.nodes.node import MESSAGE_VARIABLES as MESSAGE_VARIABLES
from ivr.nodes.node import QUEUE_VARIABLES as QUEUE_VARIABLES
from ivr.nodes.node import ConfiguredName as ConfiguredName
from ivr.nodes.node import Key as Key
from ivr.nodes.node import NodeName as NodeName
from ivr.nodes.node import Value as Value
from ivr.nodes.talking import Bot as Bot
from ivr.nodes.working import Agent as Agent
from ivr.nodes.working import CallBack as CallBack
from ivr.nodes.working import Hours as Hours
from ivr.nodes.working import Messages as Messages
from ivr.nodes.working import Query as Query
from ivr.numbers import Language
from ivr.prompt_model import ContentHash, DocumentModel, Prompt, RecordingName, VariableName

Node: TypeAlias = Annotated[
    Say
    | PlaySounds
    | Menu
    | Collect
    | Survey
    | Speech
    | Bot
    | Query
    | Hours
    | Branch
    | SetVariable
    | ChooseLanguage
    | Loop
    | Wait
    | SubFlow
    | Return
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
AskingNode: TypeAlias = Menu | Collect | Survey | Speech
SpeakingNode: TypeAlias = Say | PlaySounds | Menu | Collect | Survey | Speech | Record
WorkingNode: TypeAlias = Query | Hours | CallBack | Messages | Agent
HandingNode: TypeAlias = EnterQueueNode | Transfer | EchoNode | Conference


class Place(DocumentModel):
    """Where a node stands on the canvas of the flow designer."""

    x: int = Field(ge=-1_000_000, le=1_000_000)
    y: int = Field(ge=-1_000_000, le=1_000_000)


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
    parameters: Annotated[tuple[VariableName, ...], Field(max_length=50)] = Field(
        (), description="of a sub-flow: the variables that who runs it fills"
    )
    results: Annotated[tuple[VariableName, ...], Field(max_length=50)] = Field(
        (), description="of a sub-flow: the variables that who runs it may take"
    )
    shortcuts: dict[Key, NodeName] = Field(
        default_factory=dict,
        description="keys, such as * and #, that lead there from every menu without a choice of its own for them",
    )
    start: NodeName
    on_error: NodeName | None = Field(None, description="where prompts that cannot be played go, once a session")
    max_seconds: float = Field(3600.0, gt=0, le=86_400, description="a caller who is still in the flow is let go")
    recordings: dict[RecordingName, dict[Language, ContentHash]] = Field(
        default_factory=dict, max_length=1000, description="what is in them; filled in when the flow is published"
    )
    layout: dict[NodeName, Place] = Field(
        default_factory=dict, max_length=5000, description="where nodes stand on the canvas; no caller notices it"
    )
    nodes: Annotated[dict[NodeName, Node], Field(min_length=1, max_length=5000)]

    def spoken_languages(self, node: Node, chosen: str = "") -> tuple[Language, ...]:
        """The languages in which a node speaks to a caller who chose one, or none."""
        own: tuple[Language, ...] | None = getattr(node, "speak", None)
        if own is not None:
            return own
        of_choice = tuple(language for language in self.languages if language == chosen)
        return of_choice or self.speak or self.languages[:1]

    def choice_of(self, menu: Menu, key: Key) -> NodeName | None:
        """Where a key leads in a menu: its own choices come before the flow's shortcuts."""
        return menu.choices.get(key) or self.shortcuts.get(key)

    def ways_of(self, node: Node) -> Iterator[tuple[str, NodeName]]:
        """Where a node may lead in this flow; see :func:`exits_of`."""
        yield from exits_of(node)
        if isinstance(node, Menu):
            for key, target in self.shortcuts.items():
                if key not in node.choices:
                    yield f"choices.{key}", target


def prompts_of(node: Node) -> Iterator[tuple[str, Prompt]]:
    """The prompts of a node with the names of their fields."""
    if isinstance(node, Say | Menu | Collect | Speech | Record):
        yield "prompt", node.prompt
    if isinstance(node, Survey):
        for index, question in enumerate(node.questions):
            yield f"questions.{index}.prompt", question.prompt
    if isinstance(node, EnterQueueNode):
        for index, prompt in enumerate(node.announcements):
            yield f"announcements.{index}", prompt
    if isinstance(node, Menu | Collect | Survey | Speech):
        if node.hint is not None:
            yield "hint", node.hint
        if node.hint_silent is not None:
            yield "hint_silent", node.hint_silent


_EXITS = (
    "next",
    "body",
    "on_found",
    "on_missing",
    "on_refused",
    "on_none",
    "on_empty",
    "on_unsure",
    "on_open",
    "on_closed",
    "on_end",
    "on_timeout",
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
    if isinstance(node, Bot):
        for name, target in node.on_transfer.items():
            yield f"on_transfer.{name}", target
    if isinstance(node, Branch):
        for index, case in enumerate(node.cases):
            yield f"cases.{index}.next", case.next


def asks_securely(flow: Flow) -> bool:
    """Whether callers key in secrets in this flow."""
    return any(isinstance(node, Collect) and node.secure for node in flow.nodes.values())
