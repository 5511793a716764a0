"""Articles as a kind of setting: ``configuration/articles``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from ccplatform.configuration.kind import Document, Kind
from ccplatform.contracts.words import Role
from ccplatform.kernel.errors import Refusal
from cti.publishing.articles import MAX_ARTICLES, MAX_TEXT, MAX_TITLE
from cti.publishing.store import ArticleStore

READERS = (Role.SUPERVISOR, Role.ADMIN, Role.AUDITOR)
CHANGERS = (Role.SUPERVISOR, Role.ADMIN)

_Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=100)]
Knows = Callable[[str], Awaitable[bool]]


class ArticleDocument(BaseModel):
    """What is published, for whom (no teams and no queues: everybody) and when."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
    text: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    urgent: bool = Field(False, description="Shown on the desk until it is read.")
    teams: _Names = []
    queues: Annotated[_Names, Field(description="For the agents who serve them.")] = []
    since: AwareDatetime | None = Field(None, description="Shown from then on; null: at once.")
    until: AwareDatetime | None = Field(None, description="Shown until then; null: until it is removed.")

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise ValueError("until is not after since")
        return self


class ArticleItem(ArticleDocument):
    """A published article."""

    id: str


class _Kept:
    """See :class:`~ccplatform.configuration.kind.Keeper`."""

    def __init__(self, store: ArticleStore, knows_team: Knows, knows_queue: Knows) -> None:
        self._store = store
        self._knows = {"teams": knows_team, "queues": knows_queue}

    async def all(self) -> Mapping[str, Document]:
        return await self._store.documents()

    async def one(self, name: str) -> Document | None:
        return (await self._store.documents(name)).get(name)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        for part, knows in self._knows.items():
            for other in document[part]:
                if not await knows(other):
                    raise Refusal(
                        f"article {name}: there is no {part[:-1]} {other}", code="illegal_setting", where=part
                    )
        if await self.one(name) is None and await self._store.count() >= MAX_ARTICLES:
            raise Refusal(f"there are {MAX_ARTICLES} articles; remove old ones", code="too_many", where="id")
        if not trial:
            await self._store.save(name, document)

    async def remove(self, name: str, *, by: str) -> None:
        await self._store.remove(name)

    async def users(self, name: str) -> Sequence[str]:
        return []


def kind(*, store: ArticleStore, knows_team: Knows, knows_queue: Knows) -> Kind:
    """``configuration/articles``: supervisors publish."""
    return Kind(
        word="article",
        path="configuration/articles",
        wanted=ArticleDocument,
        item=ArticleItem,
        keeper=_Kept(store, knows_team, knows_queue),
        readers=READERS,
        changers=CHANGERS,
    )
