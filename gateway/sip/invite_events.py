"""The vocabulary of INVITE dialogs: commands of their user, effects towards the wire, news for the user."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from gateway.sip.flows import Flow
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.replaces import Replaces
from gateway.sip.transaction_layer import RequestArrived, RequestFailed, ResponseArrived, ServerKey
from gateway.sip.uri import SipUri

# --- states -----------------------------------------------------------------------------------------------


class DialogState(StrEnum):
    """Where an INVITE dialog stands."""

    NEW = "new"
    CALLING = "calling"  # UAC: INVITE sent, nothing heard
    PROCEEDING = "proceeding"  # UAC: a provisional response came
    CANCELLING = "cancelling"  # UAC: given up before the answer
    OFFERED = "offered"  # UAS: INVITE received
    RINGING = "ringing"  # UAS: 180 sent
    ANSWERED = "answered"  # 2xx sent, its ACK is awaited
    CONFIRMED = "confirmed"
    ENDING = "ending"  # released by us; BYE sent or about to be
    GONE = "gone"


# --- commands of the user ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Invite:
    """Send the INVITE (UAC), ``offer`` is its SDP."""

    offer: bytes


@dataclass(frozen=True, slots=True)
class Ring:
    """Tell the caller that it rings (UAS); with ``sdp``, which answers his offer, he hears before the answer."""

    sdp: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """Accept the INVITE (UAS); ``sdp`` answers its offer, or offers when it had none."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class Release:
    """End it in whatever state it is. ``status`` refuses an INVITE; ``reason`` is a Reason header (RFC 3326)."""

    status: int = 480
    reason: str = ""
    warning: str = ""
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class AcceptOffer:
    """Answer a re-INVITE or UPDATE: ``sdp`` answers its offer, or offers when it had none."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class RefuseOffer:
    """Refuse a re-INVITE or UPDATE with 488; the session stays as it is."""

    warning: str


@dataclass(frozen=True, slots=True)
class Reoffer:
    """Offer another session inside the dialog by a re-INVITE (RFC 3261 section 14.1), one at a time.
    OfferAnswered or OfferRefused follows, unless the dialog ends first."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class ReportRefer:
    """Answer the peer's REFER (first with 202 or a refusal), later say how far the new call is: a status that is
    final ends it."""

    status: int


@dataclass(frozen=True, slots=True)
class Refer:
    """Ask the peer by REFER to call ``to``, a name-addr, instead of us; ReferProgress follows, to a final status
    unless the dialog ends first."""

    to: str


UserCommand: TypeAlias = (
    Invite | Ring | Answer | Release | AcceptOffer | RefuseOffer | Reoffer | ReportRefer | Refer
)
InviteEvent: TypeAlias = UserCommand | RequestArrived | ResponseArrived | RequestFailed

# --- effects towards the wire -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DialogRequest:
    """Send a request."""

    request: SipRequest
    flow: Flow


@dataclass(frozen=True, slots=True)
class DialogAck:
    """Send the ACK of a 2xx."""

    request: SipRequest
    flow: Flow


@dataclass(frozen=True, slots=True)
class DialogResponse:
    """Answer a request."""

    transaction: ServerKey
    response: SipResponse


# --- news for the user ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RemoteRinging:
    """A provisional response above 100; ``sdp`` answers our offer before the INVITE is answered (early media)."""

    status: int
    sdp: bytes


@dataclass(frozen=True, slots=True)
class RemoteAnswered:
    """The INVITE was accepted; ``sdp`` answers our offer. The ACK is on its way."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class OfferArrived:
    """A re-INVITE or UPDATE wants another session; None asks for our offer. AcceptOffer or RefuseOffer must
    follow at once."""

    sdp: bytes | None


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """The peer accepted our re-INVITE; ``sdp`` answers its offer."""

    sdp: bytes


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """The peer refused our re-INVITE, or nobody answered it (408, 503). 491: he was offering himself."""

    status: int


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The ACK of our 2xx came; ``sdp`` answers our offer when we made one (late offer), else None."""

    sdp: bytes | None


@dataclass(frozen=True, slots=True)
class DigitSignalled:
    """INFO brought a DTMF digit."""

    digit: str


@dataclass(frozen=True, slots=True)
class ReferArrived:
    """The peer wants to be replaced by whom ``uri`` is of, or by the other side of the dialog that ``replaces``
    names. ReportRefer must follow at once."""

    uri: SipUri
    replaces: Replaces | None = None


@dataclass(frozen=True, slots=True)
class ReferProgress:
    """How far the peer is with our REFER: the status of its new call (``told`` by NOTIFY; 100 also: it accepted),
    the status that refused it, or 408 when nobody answered. One of 200 and above is the last."""

    status: int
    told: bool = False


@dataclass(frozen=True, slots=True)
class DialogEnded:
    """It is over, told once. ``status`` is the SIP status that ended it (0: a BYE or our own release), ``q850``
    the cause of a Reason header, ``retry_after`` the seconds after which a refused INVITE may be tried again."""

    by_remote: bool
    status: int = 0
    q850: int | None = None
    cancelled: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class DialogGone:
    """Nothing more will come or go: the dialog may be forgotten."""


WireEffect: TypeAlias = DialogRequest | DialogAck | DialogResponse
DialogNews: TypeAlias = (
    RemoteRinging
    | RemoteAnswered
    | OfferArrived
    | OfferAnswered
    | OfferRefused
    | Acknowledged
    | DigitSignalled
    | ReferArrived
    | ReferProgress
    | DialogEnded
    | DialogGone
)
InviteEffect: TypeAlias = WireEffect | DialogNews
