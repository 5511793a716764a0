"""The account that a browser registers with as an agent's phone; given by the package that has the seats."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ccplatform.contracts.words import SeatId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftphoneAccount:
    """Address of record, digest user and password until ``ends_at``, and the server of SIP over WebSocket."""

    uri: str
    user: str
    password: str = field(repr=False)
    server: str
    ends_at: datetime


class Softphones(Protocol):
    """Who gives browsers their accounts."""

    async def account(self, seat: SeatId, host: str) -> SoftphoneAccount:
        """One for this seat; ``host`` is how the browser reached us. Raises NotFound, Unavailable, and Refusal
        (``not_available``) where no SIP over WebSocket is served."""


class HeldSeats:
    """Of how many seats one user has a pass at a time: who goes through all of them is stopped at the second.

    A pass that was given cannot be taken back, it ends by itself; until then it counts.
    """

    def __init__(self, clock: Clock, most: int) -> None:
        self._clock = clock
        self._most = most
        self._held: dict[str, dict[SeatId, datetime]] = {}

    def check(self, user: str, seat: SeatId) -> None:
        """Raise Refusal (``too_many_phones``) when the user has passes of as many other seats as he may."""
        others = self._now(user).keys() - {seat}
        if len(others) >= self._most:
            raise Refusal(
                f"you are the phone of {', '.join(sorted(others))}; wait until those passes end",
                code="too_many_phones",
            )

    def keep(self, user: str, seat: SeatId, ends_at: datetime) -> None:
        """Remember that he has one."""
        self._held[user] = {**self._now(user), seat: ends_at}

    def _now(self, user: str) -> dict[SeatId, datetime]:
        now = self._clock.wall()
        return {seat: ends_at for seat, ends_at in self._held.get(user, {}).items() if ends_at > now}
