"""Commands of operation: alarms, mystery calls, health, maintenance."""

from __future__ import annotations

from dataclasses import dataclass

from ccplatform.contracts.facts import MysteryCallCompared, MysteryCallMade
from ccplatform.contracts.words import SeatId, Severity, TrunkId


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseAlarm:
    """Raise an alarm of another process."""

    kind: str
    subject: str
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearAlarm:
    """Clear an alarm of another process."""

    kind: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeAlarm:
    """Somebody saw an alarm."""

    alarm: str
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMysteryCall:
    """A mystery call came to its end: let it be a fact, and what it was ``compared`` with, if it could be."""

    call: MysteryCallMade
    compared: MysteryCallCompared | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMysteryCall:
    """Let the probe call now."""

    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetHealth:
    """How control is: ``{takes_calls, draining, database, workers, journal_backlog}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """Take no new calls; let the running ones end."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAccess:
    """How the access layer is: ``{trunks, bans, ports}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetTrunk:
    """End a trunk's calls and begin anew with it: look up, probe, register (R10.4.a)."""

    trunk: TrunkId
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPort:
    """Close the listener of a transport (UDP, TCP, TLS, WS, WSS) with its connections; open it anew (R10.4.a)."""

    transport: str
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetSeat:
    """Forget where a seat is registered: its phones have to register again. Calls go on (R10.4.a)."""

    seat: SeatId
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftBan:
    """Listen to a banned source again."""

    source: str
    by: str
    key: str = ""
