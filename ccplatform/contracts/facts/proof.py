"""What mystery calls heard."""

from __future__ import annotations

from dataclasses import dataclass

from ccplatform.contracts.words import ContactId, MysteryFate


@dataclass(frozen=True, slots=True, kw_only=True)
class MysteryCallMade:
    """A mystery call came to its end (10.3.2): what it heard, in seconds of the caller's side.

    ``status`` is the SIP status that refused it, ``failed_at`` the step that did not come about. ``loopback``: it
    was made on this machine, without an access network. ``ordered_by``: it was not made on schedule.
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
    sip_call_id: str = ""
    ordered_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MysteryCallCompared:
    """What the platform itself recorded of a mystery call, and in what that differs from what was heard
    (``differences``: of connect, key, query, total, packets). Without a ``contact`` no such call was recorded.
    Seconds."""

    number: str
    sip_call_id: str
    contact: ContactId | None
    connect_seconds: float | None = None
    key_seconds: tuple[float, ...] = ()
    query_seconds: tuple[float, ...] = ()
    packets_sent: int | None = None
    total_seconds: float | None = None
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MysteryCallOrdered:
    """Somebody wants a mystery call now."""

    by: str
