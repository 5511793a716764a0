"""What a pack tells of the journal's days: rows of the audit, each covered by its own hash, and what they prove.

The chain between these rows is the audit's own: who made the pack verified it, and the head is in the manifest.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from ccplatform.security.audit import AuditRow
from metrics.evidence.lines import DaySums, Sums

_DAY: Final = timedelta(days=1)
#: The action of the audit under which each day is kept.
ACTION: Final = "journal.day"


def as_document(rows: Sequence[AuditRow]) -> list[dict[str, Any]]:
    """The rows as a pack holds them, the oldest first."""
    told = [dataclasses.asdict(row) for row in sorted(rows, key=lambda row: row.seq)]
    return [
        {**row, "at": row["at"].isoformat(), "previous": row["previous"].hex(), "hash": row["hash"].hex()}
        for row in told
    ]


def whole_days(begin: datetime, end: datetime) -> Iterator[date]:
    """The days (UTC) that lie in a period from their first moment to their last."""
    day = begin.astimezone(UTC).date()
    if datetime.combine(day, time(), UTC) < begin:
        day += _DAY
    while datetime.combine(day + _DAY, time(), UTC) <= end:
        yield day
        day += _DAY


def proved(document: Any) -> tuple[dict[date, Sums], list[str]]:
    """The sums that each day had when it was proved (days of before there were any: none), and what is wrong."""
    days: dict[date, Sums] = {}
    problems = []
    for item in document if isinstance(document, list) else []:
        try:
            row = _row(item)
            day, detail = date.fromisoformat(row.object), json.loads(row.detail)
            if row.action != ACTION or row.computed_hash() != row.hash:
                problems.append(f"days.json: row {row.seq} of the audit was changed: its hash does not fit")
                continue
            if "types" in detail and day not in days:  # of a day that was proved twice the first proof counts
                days[day] = {kind: (int(facts), str(hashed)) for kind, (facts, hashed) in detail["types"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problems.append(f"days.json holds what is no row of the audit: {error!r}")
    return days, problems


def against(
    days: dict[date, Sums], sums: DaySums, wanted: Collection[date], types: Collection[str]
) -> Iterator[str]:
    """Where facts are not those that the journal had when their day was proved."""
    for day in wanted:
        if day not in days:
            continue
        then, now = days[day], sums.of(day)
        for kind in sorted(set(types) & {*then, *now}):
            (were, hashed), (are, hashed_now) = then.get(kind, (0, "")), now.get(kind, (0, ""))
            if were != are:
                yield f"{day} {kind}: {were} facts were in the journal when the day was proved, {are} are here"
            elif hashed != hashed_now:
                yield f"{day} {kind}: of the {were} facts at least one is not what it was when the day was proved"


def _row(item: Any) -> AuditRow:
    told = {
        **item,
        "at": datetime.fromisoformat(item["at"]),
        "previous": bytes.fromhex(item["previous"]),
        "hash": bytes.fromhex(item["hash"]),
    }
    return AuditRow(**told)
