"""Links into the operator's CRM as a kind of setting: ``configuration/crm-links``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ccplatform.configuration.kind import Kind
from ccplatform.contracts.words import Role
from cti.documents import DeskDocuments
from cti.linking.templates import MAX_URL, check_template
from cti.queue_documents import QueueDocuments

#: Most links that are kept at a time.
MAX_LINKS: Final = 50

_Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=100)]


class LinkDocument(BaseModel):
    """A button of the screen pop, for these queues (none: for all)."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=64)]
    url: Annotated[
        str,
        Field(
            max_length=MAX_URL,
            description="http or https; after the host {caller} {name} {dialled} {queue} {agent} {contact} {call} "
            "{account} stand for what is known of the call.",
            examples=["https://crm.example.com/customers/{account}?from={caller}"],
        ),
    ]
    queues: _Names = []
    position: Annotated[int, Field(ge=1, le=10_000)] = 1000

    @field_validator("url")
    @classmethod
    def _legal(cls, url: str) -> str:
        check_template(url)
        return url


class LinkItem(LinkDocument):
    """A configured link."""

    id: str


def kind(*, documents: DeskDocuments, knows_queue: Callable[[str], Awaitable[bool]]) -> Kind:
    """``configuration/crm-links``: administrators say where desks lead."""
    return Kind(
        word="crm_link",
        path="configuration/crm-links",
        wanted=LinkDocument,
        item=LinkItem,
        keeper=QueueDocuments(documents, knows_queue, word="link", most=MAX_LINKS),
        readers=(Role.SUPERVISOR, Role.ADMIN, Role.AUDITOR),
        changers=(Role.ADMIN,),
    )
