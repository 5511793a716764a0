"""Facts: what happened, in the past tense, stored once in the journal.

Call facts carry CSTA names (Delivered, Established, Held, …). A field made with :func:`personal` identifies a
person or is something a person keyed in; the journal seals it under the key of its contact. A fact whose class
says ``LIVE = False`` is journalled but not sent to live subscribers. Durations are seconds.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, TypeAlias, get_args

from ccplatform.contracts.words import (
    AgentId,
    AgentState,
    CallId,
    Channel,
    ContactId,
    Direction,
    FlowId,
    FlowOutcome,
    LegId,
    LegRole,
    OfferEnd,
    Outcome,
    QueueId,
    RecordingId,
    RecordingMode,
    ReleaseCause,
    SeatId,
    Severity,
    TrunkId,
)
from ccplatform.kernel.codec import Codec
from ccplatform.kernel.stream import Event


def personal(default: Any = dataclasses.MISSING) -> Any:
    """A field that identifies a person; sealed in the journal."""
    return field(default=default, metadata={"personal": True})


@cache
def personal_fields(cls: type) -> frozenset[str]:
    """Names of the personal fields of a fact class."""
    return frozenset(f.name for f in dataclasses.fields(cls) if f.metadata.get("personal"))


# --- contact and call -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactArrived:
    """A request of a customer reached the centre (INVITE received)."""

    contact: ContactId
    call: CallId
    leg: LegId
    channel: Channel
    direction: Direction
    dialled: str
    trunk: TrunkId | None
    seat: SeatId | None
    transport: str
    sip_call_id: str
    caller: str = personal()
    caller_name: str = personal("")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRefused:
    """A call was not let in; ``sip_status`` is what the caller got. No contact is made for it."""

    trunk: TrunkId | None
    dialled: str
    cause: ReleaseCause
    sip_status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered:
    """The centre answered the caller's leg (200 OK sent)."""

    contact: ContactId
    leg: LegId
    answer_seconds: float  # from INVITE received


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstVoiceSent:
    """The caller's first audible sample left for him (R10.3.1.2)."""

    contact: ContactId
    trunk: TrunkId | None
    connect_seconds: float  # from INVITE received


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """CSTA: a device is ringing."""

    contact: ContactId
    leg: LegId
    device: str
    agent: AgentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Established:
    """CSTA: a device answered and talks with the caller."""

    contact: ContactId
    leg: LegId
    role: LegRole
    device: str
    agent: AgentId | None = None
    queue: QueueId | None = None
    queue_seconds: float | None = None  # from entering the queue (D-ASA)
    wait_seconds: float | None = None  # from choosing 'agent' in the flow (R10.3.2.d)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """CSTA: a leg was put on hold by its other side."""

    contact: ContactId
    leg: LegId
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """CSTA: a held leg was taken back."""

    contact: ContactId
    leg: LegId
    held_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """CSTA: the contact was handed on to a queue, number or trunk."""

    contact: ContactId
    to: str
    by: str  # 'flow' or an agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Conferenced:
    """CSTA: a leg joined a conference room."""

    contact: ContactId
    leg: LegId
    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diverted:
    """CSTA: an offer went away from its device before the answer."""

    contact: ContactId
    leg: LegId
    device: str
    cause: ReleaseCause


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """CSTA: a leg could not be connected."""

    contact: ContactId
    leg: LegId
    device: str
    cause: ReleaseCause


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCleared:
    """CSTA: a leg ended."""

    contact: ContactId
    leg: LegId
    role: LegRole
    cause: ReleaseCause
    released_by: str  # 'remote' or 'local'


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaMoved:
    """A leg's media worker died; another one carries its sound now (R10.2.d)."""

    contact: ContactId
    leg: LegId
    role: LegRole
    gap_seconds: float  # for which nothing was heard on the leg


@dataclass(frozen=True, slots=True, kw_only=True)
class LegMeasured:
    """Voice quality of one leg at its end (R10.3.1.3, R10.3.1.4)."""

    contact: ContactId
    leg: LegId
    role: LegRole
    codec: str
    packets_received: int
    packets_lost: int
    packets_sent: int
    remote_packets_lost: int | None  # what the far end reported by RTCP, if it did
    jitter_seconds: float
    round_trip_seconds: float | None
    delay_seconds: float | None  # estimated one-way mouth to ear
    mos: float | None  # E-model estimate (G.107)
    packets_discarded: int = 0  # came too late to be played
    burst_ratio: float = 1.0  # BurstR of G.107


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEnded:
    """The contact is complete: its one outcome and the sums that lists and reports show."""

    contact: ContactId
    outcome: Outcome
    cause: ReleaseCause
    dialled: str
    trunk: TrunkId | None
    total_seconds: float
    queue: QueueId | None = None  # the last one entered
    agent: AgentId | None = None  # the last one who talked
    seat: SeatId | None = None
    queue_seconds: float = 0.0
    talk_seconds: float = 0.0
    hold_seconds: float = 0.0


# --- IVR --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEntered:
    """An IVR session began."""

    contact: ContactId
    flow: FlowId
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowNodeEntered:
    """The session reached a node."""

    contact: ContactId
    flow: FlowId
    node: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysEntered:
    """The caller completed an input; secure inputs carry only their length (R11.4.3.i)."""

    contact: ContactId
    node: str
    length: int
    keys: str = personal("")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAnswered:
    """The voice that answers a completed input began (R10.3.1.6)."""

    contact: ContactId
    node: str
    response_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryAnswered:
    """The result of a customer-data query was heard (R10.3.1.7), or failed (``ok`` false)."""

    contact: ContactId
    node: str
    source: str
    ok: bool
    response_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLeft:
    """An IVR session ended (R10.3.1.5)."""

    contact: ContactId
    flow: FlowId
    outcome: FlowOutcome
    cause: str  # '' or the system cause


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackRequested:
    """The caller asked to be called back; the promise is a row before this fact exists."""

    contact: ContactId
    call_back: str
    queue: QueueId
    number: str = personal()


# --- queue and agents -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """CSTA: the contact waits in a queue."""

    contact: ContactId
    queue: QueueId
    priority: int
    waited_seconds: float  # 0 at the first entry, the age kept when it comes back
    expected_seconds: float | None = None  # what the next contact to enter would wait


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLeft:
    """The contact no longer waits."""

    contact: ContactId
    queue: QueueId
    reason: str  # answered, abandoned, transferred, overflowed, refused
    waited_seconds: float
    expected_seconds: float | None = None  # what the next contact to enter would wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """The engine reserved an agent for the contact."""

    contact: ContactId
    queue: QueueId
    agent: AgentId
    seat: SeatId


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferEnded:
    """An offer came to its end."""

    contact: ContactId
    queue: QueueId
    agent: AgentId
    end: OfferEnd
    rang_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkEnded:
    """The agent's segment of the talk ended (D-TALK, D-HOLD)."""

    contact: ContactId
    queue: QueueId | None
    agent: AgentId
    talk_seconds: float  # hold included
    hold_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpEnded:
    """After-call work of an agent ended (D-AHT)."""

    contact: ContactId
    queue: QueueId | None
    agent: AgentId
    wrap_up_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStateChanged:
    """An agent's interval ended and the next began; no gaps, no overlaps."""

    agent: AgentId
    seat: SeatId | None
    state: AgentState
    reason: str
    previous: AgentState
    previous_seconds: float
    contact: ContactId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatRegistered:
    """A seat's phone registered; repeated refreshes are not facts."""

    seat: SeatId
    transport: str
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatUnregistered:
    """A seat's phone is gone (reason: expired, removed, connection_lost)."""

    seat: SeatId
    reason: str


# --- recording --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStarted:
    """Samples are being written."""

    contact: ContactId
    recording: RecordingId
    mode: RecordingMode
    queue: QueueId | None
    agent: AgentId | None
    seat: SeatId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingEnded:
    """The recording is closed; ``complete`` is false when it was cut (worker lost, disk full)."""

    contact: ContactId
    recording: RecordingId
    seconds: float
    size_bytes: int
    complete: bool
    reason: str


# --- operation --------------------------------------------------------------------------------------------


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


Fact: TypeAlias = (
    ContactArrived
    | CallRefused
    | CallAnswered
    | FirstVoiceSent
    | Delivered
    | Established
    | Held
    | Retrieved
    | Transferred
    | Conferenced
    | Diverted
    | Failed
    | ConnectionCleared
    | MediaMoved
    | LegMeasured
    | ContactEnded
    | FlowEntered
    | FlowNodeEntered
    | KeysEntered
    | KeyAnswered
    | QueryAnswered
    | FlowLeft
    | CallBackRequested
    | Queued
    | QueueLeft
    | Offered
    | OfferEnded
    | TalkEnded
    | WrapUpEnded
    | AgentStateChanged
    | SeatRegistered
    | SeatUnregistered
    | RecordingStarted
    | RecordingEnded
    | AlarmRaised
    | AlarmCleared
    | AlarmAcknowledged
    | TrunkChannelsChanged
    | SipMessageSeen
)

FactEvent: TypeAlias = Event[Fact]

#: Encodes and decodes every fact.
FACTS: Codec[Fact] = Codec(get_args(Fact))


def contact_of(fact: Fact) -> ContactId | None:
    """The contact a fact belongs to, or None."""
    return getattr(fact, "contact", None)


def is_live(fact: Fact) -> bool:
    """Whether live subscribers (pages, metrics) get this fact."""
    return bool(getattr(fact, "LIVE", True))
