"""What mystery calls heard."""

from __future__ import annotations

from dataclasses import dataclass

from ccplatform.contracts.words import MysteryFate


@dataclass(frozen=True, slots=True, kw_only=True)
class MysteryCallMade:
    """A mystery call came to its end (10.3.2): what it heard, in seconds of the caller's side.

    ``status`` is the SIP status that refused it, ``failed_at`` the step that did not come about. ``loopback``: it
    was made on this machine, without an access network.
    """

    number: str
    fate: MysteryFate
    loopback: bool
    status: int = 0
    failed_at: str = ""
    connect_seconds: float | None = None
    key_seconds: tuple[float, ...] = ()
    query_seconds: tuple[float, ...] = ()
    packets_received: int = 0
    packets_lost: int = 0
    lasted_seconds: float = 0.0
