"""Commands that come into the control process from the web process (imperative), and their answers.

``key`` is the client's own for an order of a person, ``by``: said again with the same key, it is not carried out
again and has the first answer (:mod:`ccplatform.app.once`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias, get_args

from ccplatform.contracts.facts import MysteryCallCompared, MysteryCallMade
from ccplatform.contracts.words import (
    AgentId,
    AgentState,
    CallId,
    ContactId,
    LegId,
    Mailbox,
    MessageState,
    PartyAct,
    QueueId,
    RecordingAct,
    RecordingId,
    SeatId,
    Severity,
    Supervision,
    TrunkId,
)
from ccplatform.kernel.codec import Codec


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAgentState:
    """Sign in (``not_ready`` with a ``seat``), out, ready, not ready. Answer: the agent's live row."""

    agent: AgentId
    state: AgentState
    by: str
    reason: str = ""
    seat: SeatId | None = None
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendWrapUp:
    """Give an agent more time for the wrap-up that he is in. Answer: ``left_seconds``."""

    agent: AgentId
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishWrapUp:
    """The agent is done with his wrap-up: what he asked for last begins."""

    agent: AgentId
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteContact:
    """Write down what an agent's contact came to; it is in the journal once it is answered."""

    contact: ContactId
    agent: AgentId
    by: str
    queue: QueueId | None
    disposition: str
    disposition_name: str
    note: str = field(repr=False)
    key: str = ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseCallBack:
    """Let an agent of the queue call this number. Answer: the call-back's ``id``."""

    queue: QueueId
    number: str = field(repr=False)
    by: str
    priority: int = 5
    not_before: datetime | None = None
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCallBack:
    """Nobody wants this call-back any more; a call that is being made for it ends, a talk does not."""

    call_back: str
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCallBack:
    """Make this call-back not before another hour; its place in line stays."""

    call_back: str
    not_before: datetime
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkMessage:
    """Say how far a voice message has come; refused when it is in another ``mailbox`` by now."""

    message: RecordingId
    mailbox: Mailbox = field(compare=False)  # where it was seen: not what is asked for
    state: MessageState
    by: str
    note: str = field(default="", repr=False)
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOutMessage:
    """Put a voice message into another mailbox, as new work there."""

    message: RecordingId
    mailbox: Mailbox = field(compare=False)  # where it was seen: not what is asked for
    to: Mailbox
    by: str
    key: str = ""


class Setting(StrEnum):
    """What people configure while the centre runs."""

    AGENT = "agent"
    QUEUE = "queue"
    SKILL = "skill"
    CALENDAR = "calendar"
    TEAM = "team"
    REASON = "reason"
    DISPOSITION = "disposition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure:
    """Add, change or (without a document) remove something; it is in force once it is answered.

    On ``trial`` it is only checked whether it could be done now.
    """

    setting: Setting
    id: str
    document: dict[str, Any] | None
    by: str
    trial: bool = False


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
class AcknowledgeAlarm:
    """Somebody saw an alarm."""

    alarm: str
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
class ReloadAccess:
    """Take trunks, routes and seats as they are stored now."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadFlows:
    """Take flows and the numbers that lead to them as they are stored now."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadCallingRules:
    """Take who may call which numbers as it is stored now."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadRecordingRules:
    """Take the rules of the recording policy as they are stored now."""

    by: str


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


Command: TypeAlias = (
    SetAgentState
    | ExtendWrapUp
    | FinishWrapUp
    | NoteContact
    | HangUpCall
    | MakeCall
    | HoldCall
    | SendCallDigits
    | MoveCall
    | PickUpCall
    | ConsultCall
    | ControlParties
    | DropParty
    | SuperviseCall
    | ControlRecording
    | PromiseCallBack
    | CancelCallBack
    | MoveCallBack
    | MarkMessage
    | HandOutMessage
    | Configure
    | RaiseAlarm
    | ClearAlarm
    | AcknowledgeAlarm
    | OrderMysteryCall
    | ReportMysteryCall
    | GetHealth
    | Drain
    | GetAccess
    | ReloadAccess
    | ReloadFlows
    | ReloadCallingRules
    | ReloadRecordingRules
    | ResetTrunk
    | ResetPort
    | ResetSeat
    | LiftBan
)

#: Encodes and decodes every command.
COMMANDS: Codec[Command] = Codec(get_args(Command))


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The command was carried out (and committed, where it must not be lost); ``repeated``: when it came first."""

    result: dict[str, Any] = field(default_factory=dict)
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The command was not carried out. ``code``: not_found, refused words, unavailable; ``where``: the field;
    ``retry_after``: seconds until what is unavailable may be tried again, 0: nobody knows."""

    code: str
    message: str
    where: str = ""
    retry_after: float = 0.0


Answer: TypeAlias = Done | Refused

#: Encodes and decodes answers.
ANSWERS: Codec[Answer] = Codec(get_args(Answer))
