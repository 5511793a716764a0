"""Seats (座席号): the devices, their SIP accounts, and whether they can be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ccplatform.contracts.words import SeatId
from gateway.sip.digest import Secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One seat with its SIP account; ``sip_user`` is also the number that others dial, ``caller`` the one that its
    calls out show ('': what their trunk says). Phones of one ``pick_up_group`` take each other's calls.
    """

    id: SeatId
    sip_user: str
    secrets: Secrets
    caller: str = ""
    pick_up_group: str = ""


class SeatDirectory:
    """The configured seats in memory; implements :class:`ccplatform.contracts.ports.Seats`.

    ``has_contact(seat)`` asks the registrar.
    """

    def __init__(self, has_contact: Callable[[SeatId], bool], seats: Iterable[Seat] = ()) -> None:
        self._has_contact = has_contact
        self.replace(seats)

    def replace(self, seats: Iterable[Seat]) -> None:
        """Take another set of seats."""
        self._by_id = {seat.id: seat for seat in seats}
        self._by_user = {seat.sip_user: seat for seat in self._by_id.values()}

    def of_user(self, sip_user: str) -> Seat | None:
        """The seat whose account has this SIP user."""
        return self._by_user.get(sip_user)

    def get(self, seat: SeatId) -> Seat | None:
        """The seat of that id."""
        return self._by_id.get(seat)

    def ids(self) -> frozenset[SeatId]:
        """Every seat."""
        return frozenset(self._by_id)

    def known(self, seat: SeatId) -> bool:
        """Whether the seat is configured."""
        return seat in self._by_id

    def reachable(self, seat: SeatId) -> bool:
        """Whether the seat has a live registration."""
        return seat in self._by_id and self._has_contact(seat)
