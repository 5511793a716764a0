"""Commands of call control, by agents and supervisors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from ccplatform.contracts.words import AgentId, CallId, LegId, PartyAct, QueueId, RecordingAct, SeatId, Supervision


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUpCall:
    """End a call; with ``agent`` only his part in it, if others go on talking: he leaves the conference."""

    call: CallId
    by: str
    agent: AgentId | None = None
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeCall:
    """Ring this agent's phone, then call ``number`` for him. Answer: ``call`` and ``contact``.

    The same ``key`` of the same agent means the same call, however often it comes. ``caller`` is the number that
    he wants to show, ``queue`` the one for which he calls; ``supervisor``: the rules for supervisors count.
    """

    agent: AgentId
    number: str = field(repr=False)
    by: str
    key: str = ""
    caller: str = ""
    queue: QueueId | None = None
    customer: str = field(default="", repr=False)
    supervisor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCall:
    """Put the caller on hold (music), or take him back."""

    call: CallId
    hold: bool
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCallDigits:
    """Send DTMF to the caller's side."""

    call: CallId
    digits: str
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCall:
    """Let the caller wait in this queue, from his talk or another queue; with his priority and age."""

    call: CallId
    queue: QueueId
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultCall:
    """Let who has the caller call somebody about him: one of the four. ``transfer``: the caller is his at once."""

    call: CallId
    by: str
    queue: QueueId | None = None
    agent: AgentId | None = None
    seat: SeatId | None = None
    number: str | None = field(default=None, repr=False)
    transfer: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlParties:
    """Say what becomes of who was called about the caller."""

    call: CallId
    act: PartyAct
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropParty:
    """Let one party leave the call; not the caller."""

    call: CallId
    leg: LegId
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperviseCall:
    """Let a supervisor listen to the agent's talk by the phone at a seat, or do something else with it."""

    call: CallId
    what: Supervision
    by: str
    seat: SeatId
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRecording:
    """Do something with the recording of a call's talk; ``reason`` says why, in the fact and the audit."""

    call: CallId
    act: RecordingAct
    by: str
    reason: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickUpCall:
    """Ring this agent for the waiting caller, out of his turn."""

    call: CallId
    agent: AgentId
    by: str
    key: str = ""


#: What people order about a call that there is.
CallCommand: TypeAlias = (
    HangUpCall
    | HoldCall
    | SendCallDigits
    | MoveCall
    | PickUpCall
    | ConsultCall
    | ControlParties
    | DropParty
    | SuperviseCall
    | ControlRecording
)
