"""Release causes at the SIP edge: to and from status codes (RFC 3261) and Q.850 causes (RFC 3326, RFC 3398)."""

from __future__ import annotations

from typing import Final

from ccplatform.contracts.legs import ReportTransfer, TransferStep
from ccplatform.contracts.words import ReleaseCause
from gateway.errors import SipParseError
from gateway.sip.message import SipRequest, SipResponse

C: Final = ReleaseCause

#: cause → (status that refuses an INVITE, Q.850 cause of the Reason header, its text)
_OUTGOING: Final = {
    C.NORMAL: (480, 16, "Normal call clearing"),
    C.CANCELLED: (487, 16, "Normal call clearing"),
    C.ELSEWHERE: (487, 26, "Non-selected user clearing"),
    C.BUSY: (486, 17, "User busy"),
    C.NO_ANSWER: (480, 19, "No answer from user"),
    C.REJECTED: (603, 21, "Call rejected"),
    C.FORBIDDEN: (403, 57, "Bearer capability not authorized"),
    C.UNREACHABLE: (480, 20, "Subscriber absent"),
    C.NOT_FOUND: (404, 1, "Unallocated number"),
    C.INCOMPATIBLE: (488, 88, "Incompatible destination"),
    C.MEDIA_LOST: (480, 41, "Temporary failure"),
    C.OVERLOAD: (503, 42, "Switching equipment congestion"),
    C.UNAVAILABLE: (503, 41, "Temporary failure"),
    C.TIMEOUT: (408, 102, "Recovery on timer expiry"),
    C.FAILED: (500, 41, "Temporary failure"),
}

#: What a phone is told whose call somebody else answered: it is none that was missed (RFC 3326 section 2).
COMPLETED_ELSEWHERE: Final = 'SIP;cause=200;text="Call completed elsewhere"'

_BY_STATUS: Final = {
    401: C.FAILED,
    403: C.REJECTED,
    404: C.NOT_FOUND,
    407: C.FAILED,
    408: C.UNREACHABLE,
    410: C.NOT_FOUND,
    415: C.INCOMPATIBLE,
    430: C.UNREACHABLE,
    480: C.NO_ANSWER,
    481: C.FAILED,
    484: C.NOT_FOUND,
    486: C.BUSY,
    487: C.CANCELLED,
    488: C.INCOMPATIBLE,
    503: C.UNREACHABLE,
    600: C.BUSY,
    603: C.REJECTED,
    604: C.NOT_FOUND,
    606: C.INCOMPATIBLE,
}

_BY_Q850: Final = {
    1: C.NOT_FOUND,
    16: C.NORMAL,
    17: C.BUSY,
    18: C.NO_ANSWER,
    19: C.NO_ANSWER,
    20: C.UNREACHABLE,
    21: C.REJECTED,
    27: C.UNREACHABLE,
    28: C.NOT_FOUND,
    34: C.BUSY,
    38: C.UNREACHABLE,
    41: C.FAILED,
    42: C.OVERLOAD,
    88: C.INCOMPATIBLE,
}


#: Q.850 causes of SIP statuses where both mean the same to us.
_Q850_OF_STATUS: Final = {404: 1, 480: 20, 486: 17, 488: 88, 600: 17, 603: 21}


def status_of(cause: ReleaseCause) -> int:
    """The status that refuses an INVITE for this cause."""
    return _OUTGOING[cause][0]


def status_of_transfer(report: ReportTransfer) -> int:
    """The status that tells a phone how far its REFER is."""
    match report.step:
        case TransferStep.ACCEPTED:
            return 202
        case TransferStep.RINGING:
            return 180
        case TransferStep.DONE:
            return 200
        case TransferStep.REFUSED | TransferStep.FAILED:
            return status_of(report.cause)


def reason_of(cause: ReleaseCause) -> str:
    """The value of a Reason header (RFC 3326)."""
    if cause is ReleaseCause.ELSEWHERE:
        return COMPLETED_ELSEWHERE
    _, q850, text = _OUTGOING[cause]
    return f'Q.850;cause={q850};text="{text}"'


def cause_of_refusal(status: int, q850: int | None = None) -> ReleaseCause:
    """Why a party that we called did not answer. A 408 is also what a party is that never replied."""
    if q850 is not None and q850 in _BY_Q850 and q850 != 16:
        return _BY_Q850[q850]
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    if status >= 600:
        return C.REJECTED
    return C.FAILED if status >= 500 else C.REJECTED


def q850_of(message: SipRequest | SipResponse) -> int | None:
    """The cause of a ``Reason: Q.850;cause=n`` header (RFC 3326), or of one of SIP that means the same."""
    try:
        values = message.headers.values("reason")
    except SipParseError:
        return None
    causes = dict(map(_reason, reversed(values)))
    told = causes.get("Q.850")
    if told is not None:
        return told
    status = causes.get("SIP")
    return None if status is None else _Q850_OF_STATUS.get(status, 41 if status >= 500 else None)


def _reason(value: str) -> tuple[str, int | None]:
    """Protocol and cause of one value."""
    protocol, _, rest = value.partition(";")
    for parameter in rest.split(";"):
        name, _, text = parameter.partition("=")
        number = text.strip()
        if name.strip().lower() == "cause" and number.isascii() and number.isdigit() and len(number) <= 3:
            return protocol.strip().upper(), int(number)
    return protocol.strip().upper(), None


def cause_of_clearing(q850: int | None) -> ReleaseCause:
    """Why a connected party hung up: normal, unless a Reason header says that something broke."""
    return C.FAILED if q850 in (38, 41, 42) else C.NORMAL
