"""The platform itself: alarms, trunks, signalling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ccplatform.contracts.facts.personal import personal
from ccplatform.contracts.words import ContactId, LegId, Severity, TrunkId


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised:
    """An alarm began; one that is up already is not raised again."""

    alarm: str
    kind: str  # snake_case, e.g. database_unavailable
    subject: str  # what it is about, '' for the node
    severity: Severity
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCleared:
    """An alarm ended."""

    alarm: str
    kind: str
    subject: str
    lasted_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmAcknowledged:
    """Somebody saw it."""

    alarm: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkChannelsChanged:
    """Channels of a trunk in use, for Erlangs (R10.3.1.1)."""

    trunk: TrunkId
    in_use: int
    capacity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SipMessageSeen:
    """A SIP message of the contact's trace (R10.4.d); secrets are masked before it is made."""

    LIVE: ClassVar[bool] = False

    contact: ContactId
    leg: LegId
    outgoing: bool
    transport: str
    local: str
    remote: str
    text: str = personal()
