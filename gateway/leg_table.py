"""The legs of a node, found by their id, by the call that they are on and by the seat whose they are."""

from __future__ import annotations

from ccplatform.contracts.words import CallId, LegId, SeatId
from gateway.leg_state import Leg
from gateway.sip.replaces import Replaces


class LegTable:
    """All legs that are not gone. A leg's call is set through here, so that the indexes agree."""

    def __init__(self) -> None:
        self._by_id: dict[LegId, Leg] = {}
        self._by_call: dict[CallId, dict[LegId, Leg]] = {}
        self._by_seat: dict[SeatId, dict[LegId, Leg]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, leg: LegId) -> bool:
        return leg in self._by_id

    def get(self, leg: LegId) -> Leg | None:
        """The leg of that id."""
        return self._by_id.get(leg)

    def all(self) -> tuple[Leg, ...]:
        """Every leg."""
        return tuple(self._by_id.values())

    def of_call(self, call: CallId | None) -> tuple[Leg, ...]:
        """The legs of one call; none without a call."""
        return tuple(self._by_call.get(call, {}).values()) if call is not None else ()

    def of_seat(self, seat: SeatId) -> tuple[Leg, ...]:
        """The legs of one seat that are not over."""
        return tuple(leg for leg in self._by_seat.get(seat, {}).values() if not leg.ended)

    def named_by(self, replaces: Replaces, seat: SeatId | None) -> Leg | None:
        """The leg of that seat whose dialog is to be replaced."""
        if seat is None:
            return None
        legs = self.of_seat(seat)
        return next((leg for leg in legs for dialog in leg.dialogs if dialog.is_named_by(replaces)), None)

    def anybodys(self, replaces: Replaces) -> Leg | None:
        """The leg whose dialog is to be replaced, whoever's it is."""
        legs = self._by_id.values()
        return next((leg for leg in legs for dialog in leg.dialogs if dialog.is_named_by(replaces)), None)

    def beside(self, call: CallId) -> Leg | None:
        """A leg of another call of a seat that is on this one: the two calls may become one."""
        seats = [leg.seat for leg in self.of_call(call) if leg.seat is not None]
        others = (other for seat in seats for other in self.of_seat(seat))
        return next((other for other in others if other.call is not None and other.call != call), None)

    def add(self, leg: Leg) -> None:
        """Keep a leg, and that of a call and a seat it has already."""
        self._by_id[leg.id] = leg
        if leg.seat is not None:
            self._by_seat.setdefault(leg.seat, {})[leg.id] = leg
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
        if leg.seat is not None:
            others = self._by_seat.get(leg.seat, {})
            others.pop(leg.id, None)
            if not others:
                self._by_seat.pop(leg.seat, None)

    def _part(self, leg: Leg) -> None:
        if leg.call is None:
            return
        others = self._by_call.get(leg.call, {})
        others.pop(leg.id, None)
        if not others:
            self._by_call.pop(leg.call, None)
