"""Legs: what `calls` asks of the access layer, and what the access layer tells `calls`.

A leg is one party's dialog *and* media. The gateway hides SIP, SDP, ports and codecs: `calls` answers, dials
and releases legs by id. Instants (``*_at``) are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from ccplatform.contracts.words import (
    CallId,
    ContactId,
    LegId,
    LegRole,
    PlaybackId,
    ReleaseCause,
    SeatId,
    TrunkId,
)

# --- commands ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatTarget:
    """Ring the phones registered for a seat; ``phone`` names one of them (the instance of its GRUU, RFC 5627)."""

    seat: SeatId
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkTarget:
    """Call a number through a trunk."""

    trunk: TrunkId
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberTarget:
    """Call a number by the trunks of its route."""

    number: str


DialTarget: TypeAlias = SeatTarget | TrunkTarget | NumberTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptLeg:
    """Tie an offered leg to its call and contact (trace and logs carry the contact from here on), or one of
    another call to this one."""

    leg: LegId
    call: CallId
    contact: ContactId
    role: LegRole


@dataclass(frozen=True, slots=True, kw_only=True)
class RingLeg:
    """Tell the calling party that it rings (180)."""

    leg: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLeg:
    """Let an offered leg hear and speak before its answer (183 with a session); :class:`LegEarly` follows."""

    leg: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLeg:
    """Answer an offered leg; :class:`LegAnswered` or :class:`LegEnded` follows."""

    leg: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class DialLeg:
    """Call a party; :class:`LegRinging`, :class:`LegEarly`, :class:`LegAnswered` or :class:`LegEnded` follow.

    ``early_media``: what its network says before the answer is wanted. ``auto_answer``: ask the phone to answer by
    itself, it was its own agent who wants this call. ``transfers`` is who shall be connected with the party, and
    with nobody else: his carrier may do that by itself, :class:`LegReferred` follows then in place of the answer.
    """

    leg: LegId
    call: CallId
    contact: ContactId
    role: LegRole
    target: DialTarget
    caller: str
    caller_name: str = ""
    forwarded_from: tuple[str, ...] = ()  # the numbers that the call was for before, the latest first
    early_media: bool = False
    auto_answer: bool = False
    transfers: LegId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOn:
    """Let the carrier of a leg connect it with ``to``, another leg of its own that is up, if its trunk wants that;
    :class:`LegReferred` follows when it did. Else nothing changes."""

    leg: LegId
    to: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseLeg:
    """End a leg in whatever state it is (refuse, CANCEL, BYE); :class:`LegEnded` follows, always."""

    leg: LegId
    cause: ReleaseCause


class TransferStep(StrEnum):
    """How far a transfer is that a party asked for by its phone."""

    REFUSED = "refused"
    ACCEPTED = "accepted"
    RINGING = "ringing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTransfer:
    """Tell the party that asked for a transfer how far it is; ``cause`` says why it was refused or failed."""

    leg: LegId
    step: TransferStep
    cause: ReleaseCause = ReleaseCause.NORMAL


LegCommand: TypeAlias = AdoptLeg | RingLeg | OpenLeg | AnswerLeg | DialLeg | HandOn | ReleaseLeg | ReportTransfer

# --- events -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LegOffered:
    """A party calls the centre."""

    leg: LegId
    trunk: TrunkId | None
    seat: SeatId | None  # set when one of our seats calls
    caller: str
    caller_name: str
    dialled: str
    transport: str
    sip_call_id: str
    received_at: float
    forwarded_from: str = ""  # the number that the caller dialled, when the call was forwarded to us
    dialled_phone: str = ""  # which of the phones of the seat that was dialled: a GRUU named it
    forwarded_because: str = ""  # a reason of RFC 5806: unconditional, user-busy, no-answer, …


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRinging:
    """The called party's device rings."""

    leg: LegId
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEarly:
    """Sound flows on a leg that is not answered yet; told once."""

    leg: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class LegAnswered:
    """The leg is up in both signalling and media: sound flows."""

    leg: LegId
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegMoved:
    """The leg lost its media worker and is on another one now; nothing was heard for ``gap_seconds``."""

    leg: LegId
    gap_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LegHeld:
    """The party put the other side on hold by its own device (``held``), or took it back; told at each change."""

    leg: LegId
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LegTransferAsked:
    """The phone of a seat asks that the other side be connected to ``number`` instead of itself (of a seat, to the
    one ``phone`` that a GRUU named), or to the other side of ``replaces``, a second call of this seat.
    :class:`ReportTransfer` answers it."""

    leg: LegId
    number: str
    phone: str = ""
    replaces: LegId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegPickUpAsked:
    """The phone of another ``seat`` wants to answer what rings on a leg, ``rings_at``. Who allows it has that seat
    dialled for the same contact before he returns: its call is then answered. Else it is refused."""

    leg: LegId
    seat: SeatId
    rings_at: SeatId


@dataclass(frozen=True, slots=True, kw_only=True)
class LegReferred:
    """The carrier of a leg connected its party with that of ``to``: neither needs us any more."""

    leg: LegId
    to: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEnded:
    """The leg is gone, told exactly once per leg. ``by_remote``: the far side ended or refused it."""

    leg: LegId
    cause: ReleaseCause
    by_remote: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LegQuality:
    """What was measured on a leg's audio; told at most once, just before its :class:`LegEnded`."""

    leg: LegId
    codec: str
    packets_received: int
    packets_lost: int
    packets_sent: int
    remote_packets_lost: int | None
    jitter_seconds: float
    round_trip_seconds: float | None
    delay_seconds: float | None
    packets_discarded: int = 0  # came too late to be played (RFC 3611 section 4.7: discard rate)
    buffer_seconds: float | None = None  # from a packet's arrival to its sound, mean
    concealed_ratio: float = 0.0  # share of the sound that was made up for what did not arrive
    burst_ratio: float = 1.0  # mean length of losses over that of random ones (ITU-T G.107: BurstR)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitPressed:
    """A DTMF digit (RFC 4733, in-band or INFO); ``ended_at`` is when the key was let go."""

    leg: LegId
    digit: str
    ended_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LegAudible:
    """The first audible sample was sent towards this leg (once per leg)."""

    leg: LegId
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackStarted:
    """The first sample of a playback was sent towards its leg."""

    leg: LegId
    playback: PlaybackId
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackEnded:
    """A playback played to its end (``finished``), or was stopped or could not play (``error``)."""

    leg: LegId
    playback: PlaybackId
    finished: bool
    error: str = ""


LegEvent: TypeAlias = (
    LegOffered
    | LegRinging
    | LegEarly
    | LegAnswered
    | LegMoved
    | LegHeld
    | LegTransferAsked
    | LegPickUpAsked
    | LegReferred
    | LegEnded
    | LegQuality
    | DigitPressed
    | LegAudible
    | PlaybackStarted
    | PlaybackEnded
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivingCall:
    """A call that a media worker kept alive while control was away, with the last snapshot it was given."""

    call: CallId
    legs: tuple[LegId, ...]
    snapshot: dict[str, Any] = field(default_factory=dict)


class Legs(Protocol):
    """The access layer, as `calls` sees it. Commands never raise for a leg that is gone: it is on its way."""

    def perform(self, command: LegCommand) -> None:
        """Do it; results come as events."""

    def snapshot(self, leg: LegId) -> dict[str, Any] | None:
        """What is needed to take the leg back after a restart (dialog state), or None if it cannot be."""

    def restore(self, leg: LegId, data: dict[str, Any], *, media: bool) -> bool:
        """Take a leg back from its snapshot; False when it cannot be done. ``media``: a worker kept its sound; who
        was not called yet, because a carrier is asked first, needs none."""


class Numbers(Protocol):
    """What numbers mean to the access layer, as `calls` sees it."""

    def target(self, number: str) -> DialTarget | None:
        """What a phone may have another party connected to (a transfer): a seat, a number outside, or nothing."""

    def reach(self, number: str) -> DialTarget | None:
        """What somebody of the centre reaches by dialling this number: a seat, a number outside, or nothing."""

    def is_emergency(self, number: str) -> bool:
        """Whether it is the number of an emergency service: calls to it are refused for no reason of ours."""

    def number_of(self, seat: SeatId) -> str:
        """The number of a seat's phone; empty when there is no such seat."""

    def shown_by(self, seat: SeatId) -> str:
        """The number that calls out of a seat show; empty: no particular one."""

    def in_one_group(self, seat: SeatId, other: SeatId) -> bool:
        """Whether the phones of two seats may pick up each other's calls."""
