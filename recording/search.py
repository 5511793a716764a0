"""The search over the catalogue as SQL: any filters together, newest first, never more than a page is read. Pure.

Only fixed texts become SQL; every value is a parameter. A range of lengths or scores would have the database
either read all that fits and sort it, or walk through everything by time until a page is full. So both have
classes with an index each (migrations 0092, 0093): one ordered scan for each class in the range, merged.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, Final

from recording.files import started_at_of
from recording.model import RecordingFilter

#: Where classes begin; as in the indexes.
LENGTHS: Final = (1, 3, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600)
SCORES: Final = (10, 20, 30, 40, 50, 60, 70, 80, 90)

_ORDER: Final = "ORDER BY started_at DESC, id DESC"


def search(columns: str, tenant: str, wanted: RecordingFilter, limit: int) -> tuple[str, list[Any]]:
    """The statement and its values: at most ``limit`` rows whose audio is kept."""
    clauses, values = _clauses(wanted)
    where = " AND ".join(["tenant = $1", "deleted_at IS NULL", *clauses])
    one = f"SELECT {columns} FROM recordings WHERE {where}{{}} {_ORDER} LIMIT {limit:d}"
    classes = _classes(wanted)
    if len(classes) < 2:
        return one.format("".join(classes)), [tenant, *values]
    parts = " UNION ALL ".join(f"({one.format(part)})" for part in classes)
    return f"{parts} {_ORDER} LIMIT {limit:d}", [tenant, *values]


def _clauses(wanted: RecordingFilter) -> tuple[list[str], list[Any]]:
    before = wanted.before
    pairs: Sequence[tuple[str, Any]] = (
        ("started_at >= {}", wanted.start),
        ("started_at < {}", wanted.end),
        ("agent = {}", wanted.agent),
        ("seat = {}", wanted.seat),
        ("queue = {}", wanted.queue),
        ("contact = {}::uuid", wanted.contact),
        ("caller_digest = {}", wanted.caller_digest),
        ("disposition = {}", wanted.disposition),
        ("seconds >= {}", wanted.shortest_seconds),
        ("seconds < {}", wanted.longest_seconds),
        ("score >= {}", wanted.lowest_score),
        ("score <= {}", wanted.highest_score),
        ("(agent IS NULL OR agent = ANY({}::text[]))", None if wanted.agents is None else sorted(wanted.agents)),
    )
    clauses: list[str] = ["held"] if wanted.held else []
    values: list[Any] = []
    for clause, value in pairs:
        if value is not None:
            values.append(value)
            clauses.append(clause.format(f"${len(values) + 1}"))
    if before is not None:
        values += [started_at_of(before), before]
        clauses.append(f"(started_at, id) < (${len(values)}, ${len(values) + 1}::uuid)")
    return clauses, values


def _classes(wanted: RecordingFilter) -> list[str]:
    """A condition for each class that the wanted range touches; none where another filter leaves little anyway."""
    if wanted.held or any((wanted.contact, wanted.caller_digest, wanted.agent, wanted.seat)):
        return []
    for name, edges, lowest, highest in (
        ("score", SCORES, wanted.lowest_score, wanted.highest_score),
        ("seconds", LENGTHS, wanted.shortest_seconds, wanted.longest_seconds),
    ):
        if (lowest is None and highest is None) or (name == "score" and wanted.disposition is not None):
            continue
        first = 0 if lowest is None else bisect_right(edges, lowest)
        beyond = bisect_left if name == "seconds" else bisect_right  # lengths end before theirs
        last = len(edges) if highest is None else beyond(edges, highest)
        bucket = f"width_bucket({name}, ARRAY{list(edges)}::double precision[])"
        kept = " AND score IS NOT NULL" if name == "score" else ""
        return [f"{kept} AND {bucket} = {number:d}" for number in range(first, last + 1)]
    return []
