"""The legs of a node, found by their id and by the call that they are on."""

from __future__ import annotations

from ccplatform.contracts.words import CallId, LegId
from gateway.leg_state import Leg


class LegTable:
    """All legs that are not gone. A leg's call is set through here, so that both indexes agree."""

    def __init__(self) -> None:
        self._by_id: dict[LegId, Leg] = {}
        self._by_call: dict[CallId, dict[LegId, Leg]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, leg: LegId) -> bool:
        return leg in self._by_id

    def get(self, leg: LegId) -> Leg | None:
        """The leg of that id."""
        return self._by_id.get(leg)

    def of_call(self, call: CallId | None) -> tuple[Leg, ...]:
        """The legs of one call; none without a call."""
        return tuple(self._by_call.get(call, {}).values()) if call is not None else ()

    def add(self, leg: Leg) -> None:
        """Keep a leg, and that of a call it has already."""
        self._by_id[leg.id] = leg
        if leg.call is not None:
            self._by_call.setdefault(leg.call, {})[leg.id] = leg

    def join(self, leg: Leg, call: CallId) -> None:
        """The leg belongs to this call from now on."""
        self._part(leg)
        leg.call = call
        self._by_call.setdefault(call, {})[leg.id] = leg

    def remove(self, leg: Leg) -> None:
        """Forget a leg."""
        self._by_id.pop(leg.id, None)
        self._part(leg)

    def _part(self, leg: Leg) -> None:
        if leg.call is None:
            return
        others = self._by_call.get(leg.call, {})
        others.pop(leg.id, None)
        if not others:
            self._by_call.pop(leg.call, None)
