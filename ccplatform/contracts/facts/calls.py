"""Contacts, calls and their legs, under CSTA names."""

from __future__ import annotations

from dataclasses import dataclass

from ccplatform.contracts.facts.personal import personal
from ccplatform.contracts.words import (
    AgentId,
    CallId,
    Channel,
    ContactId,
    Direction,
    LegId,
    LegRole,
    Outcome,
    QueueId,
    ReleaseCause,
    SeatId,
    TrunkId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactArrived:
    """A request of a customer reached the centre (INVITE received). ``mystery``: nobody wants anything, it is a
    test call, which no figure of the centre's own counts."""

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
    forwarded_from: str = personal("")  # the number that was called first, when the call was forwarded to us
    forwarded_because: str = ""  # a reason of RFC 5806
    consult_of: ContactId | None = None  # somebody is called about this contact
    mystery: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRefused:
    """A call was not let in; ``sip_status`` is what the caller got. No contact is made for it."""

    trunk: TrunkId | None
    dialled: str
    cause: ReleaseCause
    sip_status: int
    seat: SeatId | None = None  # whose phone called


@dataclass(frozen=True, slots=True, kw_only=True)
class Originated:
    """CSTA: somebody of the centre makes this call. ``prompted``: by a click, his own phone rings first.

    ``number_class`` is internal, local, national, international, premium or emergency.
    """

    contact: ContactId
    leg: LegId  # of his phone
    agent: AgentId | None
    seat: SeatId
    by: str
    number_class: str
    prompted: bool
    customer: str = personal("")  # the account that it is about, if he said so


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsRefused:
    """So many calls of one source were refused by overload control within a second, before anything but who calls
    whom was looked at. They are in no other fact. ``source`` is an address; empty for all beyond a limit."""

    trunk: TrunkId | None
    source: str
    calls: int
    cause: ReleaseCause
    sip_status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered:
    """The centre answered the caller's leg (200 OK sent), or whom it called did."""

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
    """CSTA: the contact was handed on to a queue, number or trunk, or joined with another one."""

    contact: ContactId
    to: str = personal()  # outside the centre it is somebody's number
    by: str  # 'flow' or an agent
    into: ContactId | None = None  # under which the two talk on


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerReferred:
    """A carrier was asked by REFER to connect the party of a leg by itself, with a number or (``attended``) with
    somebody who is there. ``status`` is what came of it: 200 it did, 408 nobody answered, 487 we gave it up, 0 the
    party left before it was told, others refused it; where it did not, the platform connects the two."""

    contact: ContactId
    leg: LegId
    trunk: TrunkId
    to: str = personal()
    attended: bool
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conferenced:
    """CSTA: a leg joined a conference, with others of its call or (``room``) of other calls."""

    contact: ContactId
    leg: LegId
    room: str
    role: LegRole = LegRole.CALLER
    device: str = ""
    agent: AgentId | None = None


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
