"""The words of the call saga: stages, the state of one call, its inputs and effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from ccplatform.contracts.facts import Fact
from ccplatform.contracts.flows import FlowAsked, FlowCommand, FlowRequest
from ccplatform.contracts.legs import (
    DialTarget,
    DigitPressed,
    LegAnswered,
    LegAudible,
    LegCommand,
    LegEnded,
    LegEvent,
    LegHeld,
    LegMoved,
    LegOffered,
    LegQuality,
    LegRinging,
    PlaybackEnded,
    PlaybackStarted,
)
from ccplatform.contracts.media import MediaCommand, PlayItem
from ccplatform.contracts.recordings import Talk
from ccplatform.contracts.routing import (
    AgentOffered,
    CallBackDropped,
    CallBackOffered,
    OfferWithdrawn,
    QueueRefused,
    RouterCommand,
    RouterEvent,
)
from ccplatform.contracts.words import (
    AgentId,
    CallId,
    ContactId,
    Direction,
    FlowId,
    FlowOutcome,
    LegId,
    LegRole,
    PlaybackId,
    QueueId,
    RecordingId,
    ReleaseCause,
    SeatId,
    TrunkId,
)
from ccplatform.kernel.core import DeadlineReached

#: What callers hear in a queue, or on hold (None: of no queue).
Music: TypeAlias = Callable[[QueueId | None], tuple[PlayItem, ...]]


class Stage(StrEnum):
    """Who has the caller now."""

    FLOW = "flow"  # the IVR session decides
    QUEUED = "queued"  # waits, with music
    RINGING = "ringing"  # an agent's seat rings
    TALKING = "talking"
    HELD = "held"
    TRANSFERRING = "transferring"  # somebody else is called for him by who talked with him
    CALLING_BACK = "calling_back"  # the customer of a promised call-back is being called
    DIALLING = "dialling"  # a party outside is being called
    BRIDGED = "bridged"  # talks with that party
    ECHO = "echo"
    ROOM = "room"
    ENDING = "ending"


@dataclass(slots=True, kw_only=True)
class PendingKey:
    """A completed input whose answering sound has not begun; ``playback`` is the sound that will."""

    node: str
    keyed_at: float
    playback: PlaybackId | None = None


@dataclass(slots=True, kw_only=True)
class PendingQuery:
    """A query result that will be heard with ``playback``."""

    node: str
    source: str
    keyed_at: float
    playback: PlaybackId


@dataclass(frozen=True, slots=True, kw_only=True)
class RungAgent:
    """An agent whose phone rings for the caller."""

    agent: AgentId
    seat: SeatId


@dataclass(slots=True, kw_only=True)
class CallState:
    """All of one call. Fields named ``*_at`` are monotonic instants; snapshots hold their ages instead."""

    call: CallId
    contact: ContactId
    caller_leg: LegId
    caller: str
    caller_name: str
    dialled: str
    direction: Direction
    trunk: TrunkId | None
    seat: SeatId | None
    received_at: float
    forwarded_from: str = ""
    stage: Stage = Stage.FLOW
    live_legs: dict[LegId, LegRole] = field(default_factory=dict)
    answering: bool = False
    answered: bool = False
    audible: bool = False
    flow: FlowId | None = None
    flow_outcome: FlowOutcome | None = None
    next_flow: FlowId | None = None  # begins when the present one is over
    promise: str = ""  # the call-back that this call keeps
    customer_first: bool = False
    ring_seconds: float = 0.0  # that the customer's phone rings
    call_back: bool = False
    pending_key: PendingKey | None = None
    pending_query: PendingQuery | None = None
    queue: QueueId | None = None
    queued_at: float | None = None
    chosen_at: float | None = None
    rung: dict[LegId, RungAgent] = field(default_factory=dict)  # while ringing: the first who answers has him
    announcement: PlaybackId | None = None  # what a waiting caller is told; then the music goes on
    reserved: tuple[RungAgent, ...] = ()  # to be rung once the customer of a call-back answered
    other_leg: LegId | None = None  # the agent's or outside party's leg that is current
    agent: AgentId | None = None
    agent_seat: SeatId | None = None
    talk_at: float | None = None
    hold_at: float | None = None
    queue_seconds: float = 0.0
    talk_seconds: float = 0.0
    hold_seconds: float = 0.0
    transferred_to: str = ""
    transfer_leg: LegId | None = None  # rings, and takes the other leg's place when it answers
    transferor: str = ""  # who asked for it: an agent, or the seat where nobody is signed in
    before_transfer: Stage | None = None
    phone_holds: bool = False
    transfers: int = 0
    talked: bool = False
    talked_agent: AgentId | None = None  # the last one who talked
    talked_seat: SeatId | None = None
    segment_hold_seconds: float = 0.0  # of the talk that goes on
    record_asked: bool = False
    recording: RecordingId | None = None
    cause: ReleaseCause = ReleaseCause.NORMAL
    system_fault: bool = False
    deadline_at: float | None = None


# --- inputs -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOffered:
    """A leg was offered and its number has an entry point."""

    offer: LegOffered
    call: CallId
    contact: ContactId
    flow: FlowId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackBegins:
    """An agent is reserved for a promised call-back: its call, and contact, begin."""

    offer: CallBackOffered
    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingBegan:
    """The recorder wants the talk and gave it this id."""

    call: CallId
    recording: RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUpOrder:
    """Somebody ends the call by REST."""

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOrder:
    """The agent holds or retrieves the caller."""

    call: CallId
    hold: bool
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overflowed:
    """The queue cannot keep the caller and says where he goes: a flow, or a number and how it is dialled."""

    contact: ContactId
    queue: QueueId
    flow: FlowId | None = None
    number: str = ""
    target: DialTarget | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOrder:
    """Somebody moves the caller to another queue."""

    call: CallId
    queue: QueueId
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneTransfer:
    """A seat's phone hands its caller on to ``number``: a ``flow`` of the centre, a ``target`` to dial, or, with
    neither, nobody's number."""

    leg: LegId
    number: str
    flow: FlowId | None = None
    target: DialTarget | None = None


CallInput: TypeAlias = (
    CallOffered
    | CallBackBegins
    | LegEvent
    | FlowAsked
    | RouterEvent
    | RecordingBegan
    | HangUpOrder
    | HoldOrder
    | MoveOrder
    | Overflowed
    | PhoneTransfer
)

#: What a saga takes: the events of its own call.
SagaInput: TypeAlias = (
    LegRinging
    | LegAnswered
    | LegEnded
    | LegMoved
    | LegHeld
    | LegQuality
    | DigitPressed
    | LegAudible
    | PlaybackStarted
    | PlaybackEnded
    | FlowRequest
    | AgentOffered
    | OfferWithdrawn
    | QueueRefused
    | CallBackDropped
    | RecordingBegan
    | HangUpOrder
    | HoldOrder
    | MoveOrder
    | Overflowed
    | PhoneTransfer
    | DeadlineReached
)

# --- effects ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Tell a fact."""

    fact: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsiderRecording:
    """A talk begins: ask the recorder, and record left and right if it says so."""

    talk: Talk
    left: LegId
    right: LegId


CallEffect: TypeAlias = LegCommand | MediaCommand | FlowCommand | RouterCommand | Record | ConsiderRecording
