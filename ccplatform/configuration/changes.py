"""Changes of settings: one at a time of a kind, from what was read, audited with before and after."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ccplatform.configuration.errors import ChangedMeanwhile, NeededByOthers, NoSuchItem
from ccplatform.configuration.kind import Document, Kind, revision
from ccplatform.security.audit import Audit

#: Wanted revision of whoever does not care.
ANY: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of an item's history; ``before`` is None when it was added, ``after`` when it was removed.

    Both are None for a change too large to be kept whole. ``secrets`` names those that were set.
    """

    at: datetime
    by: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    secrets: tuple[str, ...] = ()


class Changes:
    """Carries changes of every kind out, in the process of the routes."""

    def __init__(self, *, audit: Audit) -> None:
        self._audit = audit
        self._locks: dict[str, asyncio.Lock] = {}

    def lock(self, kind: Kind) -> asyncio.Lock:
        """Held while items of a kind are read, compared and changed."""
        return self._locks.setdefault(kind.word, asyncio.Lock())

    async def save(
        self, kind: Kind, name: str, wanted: Document, *, by: str, expected: str = ANY
    ) -> Mapping[str, Any]:
        """Add or change an item and give it as it is now.

        ``expected`` is the revision that the change starts from ('': there is none); raises ChangedMeanwhile when
        it is another.
        """
        async with self.lock(kind):
            before = await kind.keeper.one(name)
            await self._compare(kind, name, before, expected)
            return await self.carry_out(kind, name, wanted, before, by=by)

    async def carry_out(
        self, kind: Kind, name: str, wanted: Document, before: Document | None, *, by: str
    ) -> Mapping[str, Any]:
        """The same for who holds the lock and knows what was there."""
        await kind.keeper.save(name, wanted, by=by, trial=False)
        after = await kind.keeper.one(name)
        if after is None:
            raise NoSuchItem(kind.word, name)  # removed behind our back
        given = sorted(field for field in kind.secrets if wanted.get(field) is not None)
        if before != after or given:
            await self._record(kind, name, by=by, action="save", before=before, after=after, secrets=given)
        return after

    async def remove(self, kind: Kind, name: str, *, by: str, expected: str = ANY) -> None:
        """Remove an item that nothing needs."""
        async with self.lock(kind):
            before = await kind.keeper.one(name)
            if before is None:
                raise NoSuchItem(kind.word, name)
            await self._compare(kind, name, before, expected)
            users = await kind.users(name)
            if users:
                raise NeededByOthers(f"{kind.word} {name}", users)
            await kind.keeper.remove(name, by=by)
            await self._record(kind, name, by=by, action="remove", before=before, after=None, secrets=[])

    async def act(
        self,
        kind: Kind,
        name: str,
        what: str,
        work: Callable[[Document | None], Awaitable[tuple[Document, Document]]],
        *,
        by: str,
        expected: str = ANY,
    ) -> None:
        """Do something else to an item, one of the kind's ``acts``: ``work`` is given the item as it is and tells
        what was before and is now, for its history. Whether there must be one is for ``work`` to say."""
        async with self.lock(kind):
            there = await kind.keeper.one(name)
            await self._compare(kind, name, there, expected)
            before, after = await work(there)
            await self._record(kind, name, by=by, action=what, before=before, after=after, secrets=[])

    async def taken(self, kind: Kind, count: int, *, by: str) -> None:
        """Somebody took a sheet of all items of people along."""
        if kind.personal:
            await self._audit.record(
                subject=by, action=f"{kind.word}.export", object=kind.path, result="ok", detail={"count": count}
            )

    async def history(self, kind: Kind, name: str, limit: int) -> list[Change]:
        """What was done to an item, newest first."""
        rows = await self._audit.page(
            object=name, actions=[f"{kind.word}.{act}" for act in ("save", "remove", *kind.acts)], limit=limit
        )
        details = [json.loads(row.detail) for row in rows]
        return [
            Change(
                at=row.at,
                by=row.subject,
                action=row.action.rpartition(".")[2],
                before=detail.get("before"),
                after=detail.get("after"),
                secrets=tuple(detail.get("secrets", ())),
            )
            for row, detail in zip(rows, details, strict=True)
        ]

    async def _compare(self, kind: Kind, name: str, before: Document | None, expected: str) -> None:
        if expected in (ANY, revision(before)):
            return
        last = await self.history(kind, name, 1)
        who = f" by {last[0].by} at {last[0].at.isoformat(timespec='seconds')}" if last else ""
        raise ChangedMeanwhile(f"{kind.word} {name}", who)

    async def _record(
        self,
        kind: Kind,
        name: str,
        *,
        by: str,
        action: str,
        before: Document | None,
        after: Document | None,
        secrets: list[str],
    ) -> None:
        if kind.personal:
            return
        detail: dict[str, object] = {"before": before, "after": after}
        if secrets:
            detail["secrets"] = secrets
        await self._audit.record(
            subject=by, action=f"{kind.word}.{action}", object=name, result="ok", detail=detail
        )
