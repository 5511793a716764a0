"""The calls of a span as its user sees them, and what the user is told. See :mod:`gateway.isdn.span`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class CallState(StrEnum):
    """Of one call (Q.931 section 2, in words)."""

    DIALLING = "dialling"  # a SETUP or its digits are under way
    PROCEEDING = "proceeding"
    RINGING = "ringing"
    CONNECTED = "connected"
    ENDING = "ending"


@dataclass(slots=True, kw_only=True)
class SpanCall:
    """One call. ``plan`` octets are type and plan of Q.931 section 4.5.8, ``presentation`` that and screening."""

    name: str
    outgoing: bool
    called: str
    caller: str = ""
    caller_plan: int = 0
    presentation: int = 0
    redirecting: str = ""
    redirecting_reason: int = 0
    complete: bool = True
    slot: int = 0  # none while the call is held
    held: bool = False
    state: CallState = CallState.DIALLING
    cause: int = 0
    hear: Callable[[bytes], None] | None = None  # takes 160 octets each 20 ms
    say: Callable[[], bytes] | None = None  # gives 160 octets each 20 ms
    context: Any = None


@dataclass(frozen=True, slots=True)
class TracedFrame:
    """A frame of the D channel; ``sent`` by us."""

    at: datetime
    sent: bool
    data: bytes


@dataclass(slots=True)
class SpanCounters:
    """Calls since the beginning, by what became of them."""

    incoming: int = 0
    outgoing: int = 0
    answered: int = 0
    no_channel: int = 0
    glare: int = 0
    layer2_losses: int = 0
    rows_put_in: int = 0  # silent rows of 20 ms towards the line, where the centre's sound did not come in time
    rows_left_out: int = 0  # rows that came from the centre too early, or in a burst
    by_cause: dict[int, int] = field(default_factory=dict)


class SpanUser(Protocol):
    """What calls and news are told to."""

    def call_arrived(self, call: SpanCall) -> None:
        """Somebody calls. Its number may go on (``complete`` is false)."""

    def digits_arrived(self, call: SpanCall) -> None:
        """``called`` got longer."""

    def call_progressed(self, call: SpanCall, *, inband: bool) -> None:
        """``state`` changed before the answer, or there is something to hear."""

    def call_answered(self, call: SpanCall) -> None:
        """A call that we made was answered."""

    def call_ended(self, call: SpanCall) -> None:
        """It is over, with ``cause``; told once."""

    def transfer_asked(self, call: SpanCall, other: SpanCall) -> bool:
        """The far end wants two of its calls joined; whether they are, and end here."""

    def span_changed(self) -> None:
        """Layer 2 or the alarms of the line changed."""
