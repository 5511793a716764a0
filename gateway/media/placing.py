"""Which worker a call lives on: with all its legs on one, a new one where the fewest legs are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ccplatform.contracts.media import KeepSnapshot
from ccplatform.contracts.words import CallId, LegId


@dataclass(slots=True, kw_only=True)
class Place:
    """A call. ``worker`` is None while no worker is there for it; ``adrift`` are the legs that lost theirs and
    were not opened again yet; ``kept`` is what control last left with it."""

    call: CallId
    worker: int | None = None
    legs: set[LegId] = field(default_factory=set)
    adrift: set[LegId] = field(default_factory=set)
    kept: KeepSnapshot | None = None


class Places:
    """The places of all calls. A call is forgotten with its last leg, unless a snapshot is kept for it."""

    def __init__(self, workers: int) -> None:
        self._calls: dict[CallId, Place] = {}
        self._call_of: dict[LegId, Place] = {}
        self._load = [0] * workers

    def load(self, worker: int) -> int:
        """The legs on a worker."""
        return self._load[worker]

    def find(self, call: CallId) -> Place | None:
        """Where a call is."""
        return self._calls.get(call)

    def of(self, leg: LegId) -> Place | None:
        """Where a leg is."""
        return self._call_of.get(leg)

    def worker_of(self, leg: LegId) -> int | None:
        """The worker that has a leg, None when none has."""
        place = self._call_of.get(leg)
        return place.worker if place is not None and leg not in place.adrift else None

    def on(self, worker: int | None) -> list[Place]:
        """The calls of a worker; with None those that have none."""
        return [place for place in self._calls.values() if place.worker == worker]

    def add(self, call: CallId) -> Place:
        """The place of a call, new if it has none."""
        return self._calls.setdefault(call, Place(call=call))

    def put(self, place: Place, worker: int | None) -> None:
        """Move a call."""
        for index, change in ((place.worker, -1), (worker, 1)):
            if index is not None:
                self._load[index] += change * len(place.legs)
        place.worker = worker

    def add_leg(self, place: Place, leg: LegId) -> None:
        """A leg belongs to this call, and is on its worker if that has one."""
        place.adrift.discard(leg)
        if leg in place.legs:
            return
        place.legs.add(leg)
        self._call_of[leg] = place
        if place.worker is not None:
            self._load[place.worker] += 1

    def move_leg(self, leg: LegId, place: Place) -> None:
        """A leg belongs to another call from now on: it is adrift unless both are on one worker."""
        before = self._call_of.get(leg)
        if before is None or before is place:
            return
        worker = self.worker_of(leg)
        self.drop_leg(leg)
        self.add_leg(place, leg)
        if worker is None or worker != place.worker:
            place.adrift.add(leg)

    def drop_leg(self, leg: LegId) -> None:
        """The leg is nowhere any more."""
        place = self._call_of.pop(leg, None)
        if place is None:
            return
        place.legs.discard(leg)
        place.adrift.discard(leg)
        if place.worker is not None:
            self._load[place.worker] -= 1
        if not place.legs and place.kept is None:
            self._calls.pop(place.call, None)

    def drop(self, call: CallId) -> Place | None:
        """The call is over."""
        place = self._calls.pop(call, None)
        for leg in tuple(place.legs) if place is not None else ():
            self.drop_leg(leg)
        return place

    def least_loaded(self, workers: Iterable[int]) -> int | None:
        """The one of these workers with the fewest legs."""
        return min(workers, key=self.load, default=None)
