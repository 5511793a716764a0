"""The words of the call saga: stages, the state of one call, and its effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from ccplatform.calls.pieces import Consultation as Consultation
from ccplatform.calls.pieces import Member as Member
from ccplatform.calls.pieces import PendingKey as PendingKey
from ccplatform.calls.pieces import PendingQuery as PendingQuery
from ccplatform.calls.pieces import RungAgent as RungAgent
from ccplatform.calls.pieces import SeatCalled as SeatCalled
from ccplatform.calls.pieces import Supervisor as Supervisor
from ccplatform.contracts.facts import Fact
from ccplatform.contracts.flows import FlowCommand
from ccplatform.contracts.legs import (
    LegCommand,
)
from ccplatform.contracts.media import MediaCommand, PlayItem
from ccplatform.contracts.recordings import Message, Talk
from ccplatform.contracts.routing import (
    RouterCommand,
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
    Mailbox,
    PlaybackId,
    QueueId,
    RecordingId,
    ReleaseCause,
    SeatId,
    TrunkId,
)

#: What callers hear in a queue, or on hold (None: of no queue).
Music: TypeAlias = Callable[[QueueId | None], tuple[PlayItem, ...]]


class Stage(StrEnum):
    """Who has the caller now."""

    FLOW = "flow"  # the IVR session decides
    QUEUED = "queued"  # waits, with music
    RINGING = "ringing"  # an agent's seat rings
    WHISPERING = "whispering"  # the agent answered and is told what call it is; the caller still hears music
    TALKING = "talking"
    HELD = "held"
    CONSULTING = "consulting"  # who has him talks, or wants to, with somebody else about him
    TRANSFERRING = "transferring"  # somebody else is called for him by who talked with him
    INITIATED = "initiated"  # the phone of an agent who wants to call rings
    CALLING = "calling"  # whom somebody of the centre dialled is being called
    CALLING_BACK = "calling_back"  # the customer of a promised call-back is being called
    DIALLING = "dialling"  # a party outside is being called
    BRIDGED = "bridged"  # talks with that party
    ECHO = "echo"
    ROOM = "room"
    ENDING = "ending"


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
    mystery: bool = False  # a test call
    stage: Stage = Stage.FLOW
    live_legs: dict[LegId, LegRole] = field(default_factory=dict)
    answering: bool = False
    answered: bool = False
    audible: bool = False
    entry: FlowId | None = None  # the flow of the number that was dialled
    flow: FlowId | None = None
    flow_outcome: FlowOutcome | None = None
    next_flow: FlowId | None = None  # begins when the present one is over
    mailbox: Mailbox | None = None  # that a queue sent the caller to
    promise: str = ""  # the call-back that this call keeps
    customer_first: bool = False
    ring_seconds: float = 0.0  # that the customer's phone rings
    call_back: bool = False
    agent_asked: AgentId | None = None  # whom the flow has called for him
    after_talk: FlowId | None = None  # has him when the agent hangs up first; named by his flow
    queue_after_talk: FlowId | None = None  # the same, named by the queue; his flow's comes first
    language: str = ""  # that he chose
    pending_key: PendingKey | None = None
    pending_query: PendingQuery | None = None
    queue: QueueId | None = None
    priority: int = 5
    queued_at: float | None = None
    chosen_at: float | None = None
    rung: dict[LegId, RungAgent] = field(default_factory=dict)  # while ringing: the first who answers has him
    announcement: PlaybackId | None = None  # what a waiting caller is told; then the music goes on
    reserved: tuple[RungAgent, ...] = ()  # to be rung once the customer of a call-back answered
    whisper: PlaybackId | None = None  # what the agent hears before the caller
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
    handed_on: bool = False  # his carrier connected him by itself
    joined: ContactId | None = None  # under which whom this call reached goes on
    second: Consultation | None = None
    members: dict[LegId, Member] = field(default_factory=dict)
    supervisors: dict[LegId, Supervisor] = field(default_factory=dict)
    supervised: AgentId | None = None  # whose talk they listen to
    gains: list[tuple[LegId, LegId]] = field(default_factory=list)  # who is heard by whom because of them
    phone_holds: bool = False  # the phone of who has him holds him by itself
    transfers: int = 0
    keys: list[str] = field(default_factory=list)  # of the orders that were carried out last
    talked: bool = False
    talked_agent: AgentId | None = None  # the last one who talked
    talked_seat: SeatId | None = None
    segment_hold_seconds: float = 0.0  # of the talk that goes on
    outward: bool = False  # somebody of the centre calls: the called party is the caller
    prompted: bool = False  # his own phone was rung first
    early: bool = False  # he hears the called network before its answer
    party_seat: SeatId | None = None  # the caller's phone is one of ours, whoever called whom
    party_agent: AgentId | None = None  # who sits at the caller's phone: his line is taken while he is on the call
    seat_called: SeatCalled | None = None
    shown_name: str = ""
    wrap_up_seconds: float = 0.0
    key: str = ""  # by which the order to call is known when it comes again
    record_asked: bool = False
    recording: RecordingId | None = None
    on_demand: bool = False  # people may stop it
    paused: list[RecordingId] = field(default_factory=list)  # that somebody paused
    #: Who is on the channels of recordings that have others than the two that they began with.
    mixed: dict[RecordingId, tuple[tuple[LegId, ...], tuple[LegId, ...]]] = field(default_factory=dict)
    message: RecordingId | None = None  # that the caller speaks now
    left_message: bool = False
    tap: str | None = None  # by which a recogniser hears the caller
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeMessage:
    """Ask the recorder where the caller's message goes, and record him."""

    message: Message
    leg: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisper:
    """Play a text, or a file, to the leg, as ``playback``; that ends at once where it cannot be played now."""

    leg: LegId
    playback: PlaybackId
    text: str


CallEffect: TypeAlias = (
    LegCommand | MediaCommand | FlowCommand | RouterCommand | Record | ConsiderRecording | TakeMessage | Whisper
)
