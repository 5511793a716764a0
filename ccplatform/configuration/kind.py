"""A kind of setting: the one word that routes, changes, histories and sheets of all of them are made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from pydantic import BaseModel

from ccplatform.contracts.words import Role

#: Longest id of an item, characters.
MAX_ID: Final = 64

#: An item as plain JSON, without its id and without secrets.
Document: TypeAlias = Mapping[str, Any]
#: Who else needs an item: ``queue support``.
Users: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]
#: Of items by id: those that do not go with an earlier one, the field, and why.
Clashes: TypeAlias = Callable[[Mapping[str, Document]], Mapping[str, tuple[str, str]]]


class Keeper(Protocol):
    """Where the items of one kind are kept. Every method may raise Unavailable."""

    async def all(self) -> Mapping[str, Document]:
        """Every item, by id."""
        ...

    async def one(self, name: str) -> Document | None:
        """One item; None when there is none of that id."""
        ...

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        """Add or change an item; committed and in force when this returns. On ``trial`` it is only checked.

        Raises Refusal, with the field, for what breaks a rule; then nothing was changed.
        """
        ...

    async def remove(self, name: str, *, by: str) -> None:
        """Remove an item that is there; raises Refusal when it may not be."""
        ...

    async def users(self, name: str) -> Sequence[str]:
        """What names the item and keeps it from being removed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of setting.

    ``word`` names it in the audit (``agent.save``), ``path`` in addresses. ``wanted`` is the body of a change,
    ``item`` an item with its id. ``secrets`` are fields that are taken and never given; ``also`` are needs that
    other packages have of its items. ``sheet``: it can be exchanged as CSV, as all can but flows. ``listed``:
    it has no list of its own elsewhere. ``acts`` are what else is done to its items and stands in their history
    (``publish``). ``personal``: items are people who may have to be forgotten, so that their keeper keeps what was
    changed of them beside them, and the audit has no word of it but that a sheet of all was taken. ``clashes`` are
    items of one sheet that do not go together, which their keeper would not see before the first is kept.
    """

    word: str
    path: str
    wanted: type[BaseModel]
    item: type[BaseModel]
    keeper: Keeper
    readers: tuple[Role, ...]
    changers: tuple[Role, ...]
    secrets: frozenset[str] = frozenset()
    also: tuple[Users, ...] = ()
    sheet: bool = True
    listed: bool = True
    acts: tuple[str, ...] = ()
    personal: bool = False
    clashes: Clashes | None = None

    async def users(self, name: str) -> list[str]:
        """Everything that names the item."""
        found = list(await self.keeper.users(name))
        for users in self.also:
            found += await users(name)
        return found


def revision(document: Document | None) -> str:
    """Names a content: two administrators who read the same revision saw the same. '' for nothing."""
    if document is None:
        return ""
    text = json.dumps(document, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
