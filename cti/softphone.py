"""The account that a browser registers with as an agent's phone; given by the package that has the seats."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from ccplatform.contracts.words import SeatId


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
