"""Conference rooms: everybody hears the sum of all minus himself, so that the cost grows with the legs only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from gateway.media.audio import FRAME, Array, Floats, Rows

#: From 0 to 1 over one frame.
RISE: Final = np.linspace(0, 1, FRAME + 1, dtype=np.float32)[1:]


@dataclass(slots=True)
class _Member:
    """Gains of what he says and hears: reached by the last frame, and wanted at the end of the next."""

    room: str
    group: int  # members of one group do not hear one another
    said_wanted: float
    said: float = 0.0
    heard: float = 0.0


@dataclass(frozen=True, slots=True)
class _Plan:
    """Members sorted by room and group, one entry each but ``groups`` and ``rooms``: where those begin."""

    places: Rows  # in the list of summed sinks
    rows: Rows
    group_of: Rows
    room_of: Rows
    groups: Rows
    rooms: Rows
    said: Floats  # members × FRAME
    heard: Floats


class Rooms:
    """Who is in which room."""

    def __init__(self) -> None:
        self._members: dict[int, _Member] = {}
        self._of: dict[str, set[int]] = {}
        self._plan: _Plan | None = None

    def __contains__(self, row: int) -> bool:
        return row in self._members

    def join(self, room: str, row: int, muted: bool, apart: bool) -> None:
        """Put a row into a room, and out of the one it is in."""
        self.leave(row)
        self._members[row] = _Member(room, -1 if apart else row, 0.0 if muted else 1.0)
        self._of.setdefault(room, set()).add(row)

    def leave(self, row: int) -> None:
        """Take a row out of its room, if it is in one."""
        member = self._members.pop(row, None)
        if member is None:
            return
        rows = self._of[member.room]
        rows.discard(row)
        if not rows:
            del self._of[member.room]

    def mute(self, row: int, muted: bool) -> None:
        """Let the others hear a row, or not."""
        if row in self._members:
            self._members[row].said_wanted = 0.0 if muted else 1.0

    def others(self, row: int) -> Iterator[int]:
        """Whom a row hears and who hear it."""
        member = self._members.get(row)
        if member is None:
            return iter(())
        return (other for other in self._of[member.room] if self._members[other].group != member.group)

    def plan(self, places: Mapping[int, int]) -> None:
        """Lay the arrays out; ``places`` are those of the rows in the sums."""
        if not self._members:
            self._plan = None
            return
        order = sorted(self._members.items(), key=lambda item: (item[1].room, item[1].group))
        rooms = _starts([member.room for _, member in order])
        groups = _starts([(member.room, member.group) for _, member in order])
        count = np.arange(len(order))
        self._plan = _Plan(
            places=np.array([places[row] for row, _ in order], dtype=np.intp),
            rows=np.array([row for row, _ in order], dtype=np.intp),
            group_of=np.searchsorted(groups, count, side="right") - 1,
            room_of=np.searchsorted(rooms, count, side="right") - 1,
            groups=groups,
            rooms=np.searchsorted(groups, rooms),
            said=_ramps([(member.said, member.said_wanted) for _, member in order]),
            heard=_ramps([(member.heard, 1.0) for _, member in order]),
        )

    def add(self, total: Floats, voices: Array) -> None:
        """Add what the members hear to the sums, at their places."""
        plan = self._plan
        if plan is None:
            return
        groups = np.add.reduceat(voices[plan.rows] * plan.said, plan.groups, axis=0)
        rooms = np.add.reduceat(groups, plan.rooms, axis=0)
        total[plan.places] += (rooms[plan.room_of] - groups[plan.group_of]) * plan.heard

    def settle(self) -> bool:
        """The gains of the last frame are reached now; True when the arrays have to be laid out anew."""
        changed = False
        for member in self._members.values():
            changed |= (member.said, member.heard) != (member.said_wanted, 1.0)
            member.said, member.heard = member.said_wanted, 1.0
        return changed


def _starts(keys: list[object]) -> Rows:
    """Where each run of equal keys begins."""
    return np.array([at for at, key in enumerate(keys) if at == 0 or key != keys[at - 1]], dtype=np.intp)


def _ramps(gains: list[tuple[float, float]]) -> Floats:
    """One row of gains per sample for each pair of a present and a wanted gain."""
    ends = np.array(gains, dtype=np.float32)
    return np.asarray(ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * RISE)
