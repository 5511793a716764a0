"""What comes to the calls from outside: offers, orders, and what the recorder says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ccplatform.contracts.commands import (
    ControlParties,
    ControlRecording,
    DropParty,
    HangUpCall,
    HoldCall,
    MoveCall,
    SuperviseCall,
)
from ccplatform.contracts.flows import FlowAsked, FlowRequest
from ccplatform.contracts.legs import (
    DialTarget,
    DigitPressed,
    LegAnswered,
    LegAudible,
    LegEarly,
    LegEnded,
    LegEvent,
    LegHeld,
    LegMoved,
    LegOffered,
    LegQuality,
    LegReferred,
    LegRinging,
    PlaybackEnded,
    PlaybackStarted,
)
from ccplatform.contracts.media import TapEnded, VoiceChanged
from ccplatform.contracts.routing import (
    AgentOffered,
    CallBackDropped,
    CallBackOffered,
    OfferWithdrawn,
    QueueRefused,
    RouterEvent,
)
from ccplatform.contracts.words import (
    AgentId,
    CallId,
    ContactId,
    Direction,
    FlowId,
    LegId,
    Mailbox,
    QueueId,
    RecordingId,
    ReleaseCause,
    SeatId,
)
from ccplatform.kernel.core import DeadlineReached


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOffered:
    """A leg was offered and its number has an entry point; ``agent`` sits at the seat that calls, if one does.
    ``mystery``: it is a test call."""

    offer: LegOffered
    call: CallId
    contact: ContactId
    flow: FlowId
    agent: AgentId | None = None
    mystery: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackBegins:
    """An agent is reserved for a promised call-back: its call, and contact, begin."""

    offer: CallBackOffered
    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOutBegins:
    """Somebody of the centre calls ``number``: by the phone that offered a leg, or (no ``offer``) by a click.

    ``party_seat`` is set when it is a phone of ours (``party_phone``: one of several), ``party_agent`` when
    somebody sits there. ``shown`` is the
    number that the called party sees.
    """

    call: CallId
    contact: ContactId
    seat: SeatId
    agent: AgentId | None
    number: str
    number_class: str
    direction: Direction
    shown: str
    shown_name: str = ""
    party_seat: SeatId | None = None
    party_phone: str = ""
    party_agent: AgentId | None = None
    offer: LegOffered | None = None
    by: str = ""
    key: str = ""
    customer: str = ""
    auto_answer: bool = False
    prompt_seconds: float = 20.0
    ring_seconds: float = 60.0
    wrap_up_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingBegan:
    """The recorder wants a talk of the call, that of this contact, and gave it this id; people may stop it where
    it is ``on_demand``."""

    call: CallId
    contact: ContactId
    recording: RecordingId
    on_demand: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageBegan:
    """The caller's message is being recorded; ``recording`` None: it cannot be."""

    call: CallId
    recording: RecordingId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageClosed:
    """A recording of the call is closed; it may be that of a message."""

    call: CallId
    recording: RecordingId
    seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overflowed:
    """The queue cannot keep the caller and says where he goes: a flow, a number and how it is dialled (``seated``:
    who sits at that phone), or a flow that takes a message for a mailbox."""

    contact: ContactId
    queue: QueueId
    flow: FlowId | None = None
    mailbox: Mailbox | None = None
    number: str = ""
    target: DialTarget | None = None
    seated: AgentId | None = None


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
class PhoneTransfer:
    """A seat's phone hands its caller on to ``number``: a ``flow`` of the centre, an ``agent`` (by ``phone``, if
    that is named), a ``target`` to dial, or, with none of them, to somebody who cannot be called: ``refusal`` says
    why."""

    leg: LegId
    number: str
    flow: FlowId | None = None
    agent: AgentId | None = None
    phone: str = ""
    target: DialTarget | None = None
    refusal: ReleaseCause = ReleaseCause.NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneJoin:
    """A seat's phone, on ``leg``, wants the others of two calls of its own connected; ``other`` is its leg in the
    second one."""

    leg: LegId
    other: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class PhonePickUp:
    """The phone of ``seat``, where ``agent`` sits if somebody does, takes the call that rings on ``leg``."""

    leg: LegId
    rings_at: SeatId
    seat: SeatId
    agent: AgentId | None


#: What people order about a call that goes on: their commands, and a consultation with who was found for it.
Order: TypeAlias = (
    HangUpCall | HoldCall | MoveCall | ConsultOrder | ControlParties | DropParty | SuperviseCall | ControlRecording
)

CallInput: TypeAlias = (
    CallOffered
    | CallBackBegins
    | CallOutBegins
    | LegEvent
    | FlowAsked
    | RouterEvent
    | VoiceChanged
    | TapEnded
    | RecordingBegan
    | MessageBegan
    | MessageClosed
    | Order
    | Overflowed
    | PhoneTransfer
    | PhonePickUp
    | PhoneJoin
)

#: What a saga takes: the events of its own call.
SagaInput: TypeAlias = (
    LegRinging
    | LegAnswered
    | LegEnded
    | LegMoved
    | LegEarly
    | LegHeld
    | LegReferred
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
    | VoiceChanged
    | TapEnded
    | RecordingBegan
    | MessageBegan
    | MessageClosed
    | Order
    | Overflowed
    | PhoneTransfer
    | PhonePickUp
    | DeadlineReached
)
