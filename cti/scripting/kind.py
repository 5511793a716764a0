"""Scripts of calls as a kind of setting: ``configuration/scripts``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from ccplatform.configuration.kind import Kind
from ccplatform.contracts.words import Role
from cti.documents import DeskDocuments
from cti.queue_documents import QueueDocuments

#: Most scripts that are kept at a time.
MAX_SCRIPTS: Final = 200

_Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=100)]


class StepDocument(BaseModel):
    """One step."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=100, examples=["Greeting"])]
    text: Annotated[str, Field(max_length=2_000, examples=["Support, good day. May I have your account number?"])]


class ScriptDocument(BaseModel):
    """A script for calls of these queues (none: of all that have no other); of several the first has it."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=64)]
    steps: Annotated[list[StepDocument], Field(min_length=1, max_length=30)]
    queues: _Names = []
    position: Annotated[int, Field(ge=1, le=10_000)] = 1000


class ScriptItem(ScriptDocument):
    """A configured script."""

    id: str


def kind(*, documents: DeskDocuments, knows_queue: Callable[[str], Awaitable[bool]]) -> Kind:
    """``configuration/scripts``: who runs the centre says what its agents say."""
    return Kind(
        word="script",
        path="configuration/scripts",
        wanted=ScriptDocument,
        item=ScriptItem,
        keeper=QueueDocuments(documents, knows_queue, word="script", most=MAX_SCRIPTS),
        readers=(Role.SUPERVISOR, Role.ADMIN, Role.AUDITOR),
        changers=(Role.ADMIN,),
    )
