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
    PartyAct,
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
    CONSULTING = "consulting"  # who has him talks, or wants to, with somebody else about him
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
class Consultation:
    """Somebody who is called about the caller: to be asked first, or (``transfer``) to have him at once.

    ``contact`` is his part of it: the ACD knows him by that, and with ``told`` it is a contact with a ``call`` of
    its own for whoever looks on. Without a ``leg`` phones of agents ring, or he is waited for.
    """

    contact: ContactId
    call: CallId
    to: str  # who is called, as it was asked for
    by: str  # who asks: an agent, or the seat where nobody is signed in
    begun_at: float
    transfer: bool = False
    by_phone: bool = False  # his phone asked for it, and wants to know how it goes
    told: bool = False
    queue: QueueId | None = None
    wanted: AgentId | None = None  # alone
    leg: LegId | None = None
    agent: AgentId | None = None  # who answered
    seat: SeatId | None = None
    device: str = ""
    answered_at: float | None = None
    aside: bool = False  # he hears music: who asked him talks with the caller
    held_at: float | None = None
    hold_seconds: float = 0.0

    @property
    def routed(self) -> bool:
        """Whether the ACD finds who answers."""
        return self.queue is not None or self.wanted is not None


@dataclass(slots=True, kw_only=True)
class Member:
    """Somebody in the conference, besides the caller and who has him; ``contact`` is what the ACD knows him by."""

    contact: ContactId
    role: LegRole
    device: str
    joined_at: float
    agent: AgentId | None = None
    seat: SeatId | None = None
    queue: QueueId | None = None


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
    entry: FlowId | None = None  # the flow of the number that was dialled
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
    priority: int = 5
    queued_at: float | None = None
    chosen_at: float | None = None
    rung: dict[LegId, RungAgent] = field(default_factory=dict)  # while ringing: the first who answers has him
    announcement: PlaybackId | None = None  # what a waiting caller is told; then the music goes on
    reserved: tuple[RungAgent, ...] = ()  # to be rung once the customer of a call-back answered
    other_leg: LegId | None = None  # the agent's or outside party's leg that is current
    agent: AgentId | None = None
    agent_seat: SeatId | None = None
    talk_at: float | None = None
    segment_at: float | None = None  # when who has him began to talk with him
    hold_at: float | None = None
    queue_seconds: float = 0.0
    talk_seconds: float = 0.0
    hold_seconds: float = 0.0
    transferred_to: str = ""
    second: Consultation | None = None
    members: dict[LegId, Member] = field(default_factory=dict)
    phone_holds: bool = False  # the phone of who has him holds him by itself
    transfers: int = 0
    keys: list[str] = field(default_factory=list)  # of the orders that were carried out last
    talked: bool = False
    talked_agent: AgentId | None = None  # the last one who talked
    talked_seat: SeatId | None = None
    segment_hold_seconds: float = 0.0  # of the talk that goes on
    record_asked: bool = False
    recording: RecordingId | None = None
    cause: ReleaseCause = ReleaseCause.NORMAL
    system_fault: bool = False
    deadline_at: float | None = None

    @property
    def rung_for(self) -> ContactId:
        """The contact that phones ring for."""
        return self.contact if self.second is None else self.second.contact

    def contacts(self) -> tuple[ContactId, ...]:
        """All that the ACD may speak of to this call."""
        second = (self.second.contact,) if self.second is not None else ()
        return (self.contact, *second, *(member.contact for member in self.members.values()))


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
class ConsultOrder:
    """Who has the caller calls somebody about him: who answers from a ``queue``, an ``agent``, or a ``target``.

    ``transfer``: the caller is his as soon as he answers. ``key`` is the client's own for this order.
    """

    call: CallId
    to: str
    by: str
    queue: QueueId | None = None
    agent: AgentId | None = None
    target: DialTarget | None = None
    transfer: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyOrder:
    """Who has the caller says what becomes of who was called about him."""

    call: CallId
    act: PartyAct
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropOrder:
    """One party leaves the call; not the caller, whose leaving ends it."""

    call: CallId
    leg: LegId
    by: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneTransfer:
    """A seat's phone hands its caller on to ``number``: a ``flow`` of the centre, an ``agent``, a ``target`` to
    dial, or, with none of them, to somebody who cannot be called: ``refusal`` says why."""

    leg: LegId
    number: str
    flow: FlowId | None = None
    agent: AgentId | None = None
    target: DialTarget | None = None
    refusal: ReleaseCause = ReleaseCause.NOT_FOUND


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
    | ConsultOrder
    | PartyOrder
    | DropOrder
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
    | ConsultOrder
    | PartyOrder
    | DropOrder
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
