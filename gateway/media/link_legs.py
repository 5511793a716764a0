"""Link legs of a worker: rows of the matrix that stand for legs of other workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ccplatform.contracts.words import LegId
from gateway.media.parts import Parts


@dataclass(slots=True, kw_only=True)
class LinkLeg:
    """It says what its twin on another worker hears, and carries there what ``leg`` says: always, whoever hears
    it. With None it carries the own legs of the room that it joins."""

    id: LegId
    row: int
    leg: LegId | None
    room: str | None = None


class LinkBook:
    """Opens and closes link legs."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.by_id: dict[LegId, LinkLeg] = {}
        self.by_row: dict[int, LinkLeg] = {}

    def __len__(self) -> int:
        return len(self.by_id)

    def __iter__(self) -> Iterator[LinkLeg]:
        return iter(self.by_id.values())

    def open(self, link: LegId, leg: LegId | None, peer: str) -> LinkLeg:
        """Make a link leg; raises CannotOpenLeg."""
        made = LinkLeg(id=link, row=self._parts.table.take(), leg=leg)
        self.by_id[link] = self.by_row[made.row] = made
        self._parts.links.add(made.row, link, peer)
        return made

    def close(self, link: LinkLeg) -> None:
        """Free its row; its routes go with it."""
        self._parts.table.give_back(link.row)
        del self.by_id[link.id], self.by_row[link.row]
