"""Seconds of talks that a policy wanted and no recording has: pure, on monotonic instants.

A recording should have as much as passed between its order and its end. If its end came with the talk's, that is
what the writer told; if it was cut before, it is the end of its contact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ccplatform.contracts.facts import RecordingGap
from ccplatform.contracts.words import ContactId, RecordingId
from recording.model import Ending

#: What an order and an end take on their way to a worker and back counts for nothing, seconds.
TOLERANCE: Final = 2.0


@dataclass(slots=True)
class _Wanted:
    contact: ContactId
    began: float
    closed_at: float | None = None
    over_at: float | None = None  # its contact ended
    ending: Ending | None = None


class Gaps:
    """What is wanted of recordings that run, and of those that were cut while their talk goes on."""

    def __init__(self) -> None:
        self._wanted: dict[RecordingId, _Wanted] = {}

    def began(self, recording: RecordingId, contact: ContactId, now: float) -> None:
        """It is to be recorded from now on."""
        self._wanted[recording] = _Wanted(contact, now)

    def closed(self, recording: RecordingId, now: float) -> None:
        """Its writer says that it is closed."""
        wanted = self._wanted.get(recording)
        if wanted is not None:
            wanted.closed_at = now

    def kept(self, recording: RecordingId, ending: Ending, now: float) -> RecordingGap | None:
        """What is in it is known. Of one that was cut the gap is told when its contact ends."""
        wanted = self._wanted.get(recording)
        if wanted is None:
            return None
        cut = not ending.complete and not ending.missing_seconds
        if cut and wanted.over_at is None:
            wanted.ending = ending
            return None
        until = wanted.over_at if cut else wanted.closed_at
        return self._gap(recording, wanted, ending, now if until is None else until)

    def contact_ended(self, contact: ContactId, now: float) -> list[RecordingGap]:
        """Its talks are over: the gaps of recordings that were cut before."""
        gaps = []
        for recording, wanted in tuple(self._wanted.items()):
            if wanted.contact == contact and wanted.ending is not None:
                gaps.append(self._gap(recording, wanted, wanted.ending, now))
            elif wanted.contact == contact and wanted.over_at is None:
                wanted.over_at = now
        return [gap for gap in gaps if gap is not None]

    def _gap(self, recording: RecordingId, wanted: _Wanted, ending: Ending, until: float) -> RecordingGap | None:
        del self._wanted[recording]
        missing = until - wanted.began - (ending.seconds - ending.missing_seconds)
        if missing <= TOLERANCE and not ending.missing_seconds:
            return None
        seconds = round(max(missing, ending.missing_seconds), 3)
        reason = ending.reason or "less was written than was said"
        return RecordingGap(contact=wanted.contact, recording=recording, seconds=seconds, reason=reason)
