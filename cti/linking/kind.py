"""Links into the operator's CRM as a kind of setting: ``configuration/crm-links``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ccplatform.configuration.kind import Document, Kind
from ccplatform.contracts.words import Role
from ccplatform.kernel.errors import Refusal
from cti.documents import DeskDocuments
from cti.linking.templates import MAX_URL, check_template

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


class _Kept:
    """See :class:`~ccplatform.configuration.kind.Keeper`."""

    def __init__(self, documents: DeskDocuments, knows_queue: Callable[[str], Awaitable[bool]]) -> None:
        self._documents = documents
        self._knows_queue = knows_queue

    async def all(self) -> Mapping[str, Document]:
        return await self._documents.documents()

    async def one(self, name: str) -> Document | None:
        return (await self._documents.documents(name)).get(name)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        for queue in document["queues"]:
            if not await self._knows_queue(queue):
                raise Refusal(f"link {name}: there is no queue {queue}", code="illegal_setting", where="queues")
        known = await self._documents.documents()
        if name not in known and len(known) >= MAX_LINKS:
            raise Refusal(f"there are {MAX_LINKS} links; remove old ones", code="too_many", where="id")
        if not trial:
            await self._documents.save(name, document)

    async def remove(self, name: str, *, by: str) -> None:
        await self._documents.remove(name)

    async def users(self, name: str) -> Sequence[str]:
        return []


def kind(*, documents: DeskDocuments, knows_queue: Callable[[str], Awaitable[bool]]) -> Kind:
    """``configuration/crm-links``: administrators say where desks lead."""
    return Kind(
        word="crm_link",
        path="configuration/crm-links",
        wanted=LinkDocument,
        item=LinkItem,
        keeper=_Kept(documents, knows_queue),
        readers=(Role.SUPERVISOR, Role.ADMIN, Role.AUDITOR),
        changers=(Role.ADMIN,),
        sheet=True,
    )
