"""A page of a list of settings: what is searched for, in an order, from where the last page ended. Pure.

Lists are read whole and cut here: whatever a kind keeps, every field of it can be searched and sorted by. What
that takes for 10,000 users stands in docs/performance.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ccplatform.configuration.kind import Document
from ccplatform.kernel.cursors import read_cursor, write_cursor

_DIGITS: Final = re.compile(r"(\d{1,15})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Items by id, in order; ``total`` is how many fit in all, ``next_cursor`` None: these were the last."""

    items: dict[str, Document]
    total: int
    next_cursor: str | None


def page_of(
    there: Mapping[str, Document],
    *,
    search: str = "",
    sort: str = "",
    cursor: str | None = None,
    limit: int | None,
) -> Page:
    """The next ``limit`` items (None: all) that have every word of ``search`` somewhere.

    ``sort`` names a field, ``-field`` the other way round; equals go by id, and '' is as they are kept. Numbers go
    by size, also those inside words. Raises BadCursor for a cursor that is none of ours.
    """
    words = search.casefold().split()
    found = [name for name, document in there.items() if not words or _has(words, name, document)]
    if sort:
        field = sort.removeprefix("-")
        found.sort(key=_natural)
        found.sort(
            key=lambda name: _order(name if field == "id" else there[name].get(field)), reverse=sort[0] == "-"
        )
    start = 0 if cursor is None else _after(cursor, found)
    end = len(found) if limit is None else min(start + limit, len(found))
    following = None if end == len(found) else write_cursor((found[end - 1], end))
    return Page(items={name: there[name] for name in found[start:end]}, total=len(found), next_cursor=following)


def _has(words: list[str], name: str, document: Document) -> bool:
    text = f"{name} {_text(list(document.values()))}".casefold()
    return all(word in text for word in words)


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case dict():
            return " ".join(f"{name} {_text(part)}" for name, part in value.items())
        case list() | tuple():
            return " ".join(map(_text, value))
        case _:
            return json.dumps(value, default=str)


def _order(value: Any) -> list[tuple[int, Any]]:
    return [(0, value)] if isinstance(value, int | float) else _natural(_text(value))


def _natural(text: str) -> list[tuple[int, Any]]:
    parts = _DIGITS.split(text.casefold())
    return [(0, int(part)) if at % 2 else (1, part) for at, part in enumerate(parts) if part]


def _after(cursor: str, found: list[str]) -> int:
    """After the item that was the last, wherever it is now; after as many as were told, if it is gone."""
    last, end = read_cursor(cursor, tuple[str, int])
    return found.index(last) + 1 if last in found else max(0, end)
