"""What proves recordings: the hash over a day's rows, and what is wrong with a file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import Final

from ccplatform.security.errors import BadSeal
from ccplatform.security.sealed_sound import hash_of
from recording.model import ProvedRow
from recording.sealed import SealedFileReader

#: The action of the audit under which each day's root is kept.
DAY_ACTION: Final = "recording.day"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayProof:
    """The recordings that ended on a day (UTC), counted, and the hash over their rows by their ids."""

    day: date
    recordings: int
    incomplete: int
    seconds: float
    paused_seconds: float
    missing_seconds: float
    gap_seconds: float
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it was told: of a recording, or ('') of a whole day."""

    day: date
    recording: str
    problem: str


class DayRoot:
    """Adds up the rows of a day, in the order of their ids."""

    def __init__(self, day: date) -> None:
        self._day = day
        self._digest = hashlib.sha256()
        self._count = self._incomplete = 0
        self._sums = [0.0, 0.0, 0.0, 0.0]

    def add(self, row: ProvedRow) -> None:
        """The next row."""
        # gaps are told when the talk is over, maybe after the day: they are counted, and not part of the hash
        line = [row.id, row.contact, row.mode, row.queue, row.agent, row.seat]
        figures = [row.seconds, row.paused_seconds, row.missing_seconds, row.complete, row.root]
        self._digest.update(json.dumps([*line, *figures]).encode() + b"\n")
        self._count += 1
        self._incomplete += not row.complete
        parts = (row.seconds, row.paused_seconds, row.missing_seconds, row.gap_seconds)
        self._sums = [known + part for known, part in zip(self._sums, parts, strict=True)]

    def proof(self) -> DayProof:
        """The sum of it."""
        seconds, paused, missing, gap = (round(value, 3) for value in self._sums)
        return DayProof(
            day=self._day,
            recordings=self._count,
            incomplete=self._incomplete,
            seconds=seconds,
            paused_seconds=paused,
            missing_seconds=missing,
            gap_seconds=gap,
            root=self._digest.hexdigest(),
        )


def check_file(reader: SealedFileReader, root: str, stored_root: str = "") -> str:
    """What is wrong with a sealed file whose closing fact told ``root``: the first place that does not fit, or ''.

    Every chunk is opened, and must name the hash of the one before it. A file that was made from another one (to
    be smaller) names the root of that in its own authenticated description.
    """
    contents, before = reader.contents, reader.seal.genesis
    try:
        for front in contents.chunks:
            if front.before != before:
                return f"chunk {front.number} at byte {front.place} does not follow the one before it"
            body = reader.body(front)
            reader.seal.open(front, body)
            before = hash_of(front, body)
        closing = reader.closing()
    except BadSeal as error:
        return str(error)
    if closing is None or contents.closing is None:
        end = contents.chunks[-1].end if contents.chunks else 0
        return f"it is not closed: what follows byte {end} is missing or was changed"
    if contents.closing.before != before:
        return "the closing chunk does not follow the one before it"
    if (closing.chunks, closing.samples) != (len(contents.chunks), contents.samples):
        return f"it has {len(contents.chunks)} chunks, not the {closing.chunks} that it closed with"
    if reader.size_bytes != contents.closing.end:
        return f"something follows its end at byte {contents.closing.end}"
    own = reader.root.hex()
    told = reader.description.origin.hex() if any(reader.description.origin) else own
    for found, wanted in ((told, root), (own, stored_root)):
        if wanted and found != wanted:
            return f"its root is {found[:16]}…, not {wanted[:16]}… as was told"
    return ""
