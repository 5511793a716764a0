"""Small ports that many packages need."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from ccplatform.contracts.commands import Answer, Command
from ccplatform.contracts.facts import Fact
from ccplatform.contracts.media import FileItem
from ccplatform.contracts.words import AgentId, RecordingId, SeatId, Severity


class Facts(Protocol):
    """Where facts are told; each is numbered, journalled and shown to live subscribers."""

    def record(self, fact: Fact) -> object:
        """Tell a fact; what this returns is of no use."""


class Alarms(Protocol):
    """The one alarm service (R10.4.c). Raising one that is up, clearing one that is not: nothing happens."""

    def raise_alarm(self, kind: str, subject: str, severity: Severity, text: str) -> None:
        """An alarm condition began."""

    def clear_alarm(self, kind: str, subject: str) -> None:
        """The condition is over."""


class Control(Protocol):
    """The control process, as the web process sees it."""

    async def ask(self, command: Command) -> Answer:
        """Send a command and wait for its answer; raises Unavailable when control cannot be reached."""


class AgentDesk(Protocol):
    """Signing in and changing state, for feature codes and REST alike. Raises Refusal or Unavailable."""

    async def sign_in(self, agent: AgentId, seat: SeatId, by: str) -> None:
        """Sign the agent in at the seat (state not_ready), committed before it returns."""

    async def sign_out(self, agent: AgentId, by: str) -> None:
        """Sign the agent out."""

    async def set_ready(self, agent: AgentId, ready: bool, by: str, reason: str = "") -> None:
        """Ready or not ready."""

    def agent_at(self, seat: SeatId) -> AgentId | None:
        """Who is signed in at a seat."""

    async def pin_matches(self, agent: AgentId, pin: str) -> bool:
        """Whether the PIN is the agent's; throttled against guessing."""


class Seats(Protocol):
    """The seats (座席号) of the centre and which of them have a phone that can ring."""

    def known(self, seat: SeatId) -> bool:
        """Whether the seat is configured."""

    def reachable(self, seat: SeatId) -> bool:
        """Whether the seat has a live registration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingMessage:
    """A message for somebody, the oldest of ``count`` that nobody heard."""

    message: RecordingId
    caller: str = field(repr=False)
    left_at: datetime
    count: int


class MessageDesk(Protocol):
    """The messages of who is signed in at a seat, by phone. Raises Refusal or Unavailable."""

    async def fetch(self, seat: SeatId) -> WaitingMessage | None:
        """The oldest that nobody heard; it counts as heard now. None: there is none, or nobody is signed in."""

    async def mark(self, seat: SeatId, message: RecordingId, action: Literal["handled", "delete"]) -> None:
        """Mark one of his messages."""

    async def audio(self, message: RecordingId) -> FileItem:
        """Its sound, with the key that opens it."""
