"""Causes of ISDN (ITU-T Q.850) and SIP statuses (RFC 3398 sections 7.2.4.1, 8.2.6.1), both ways, and what a call
that ends so counts as. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from ccplatform.contracts.words import ReleaseCause
from gateway.sip.causes import cause_of_refusal

NORMAL: Final = 16
BUSY: Final = 17
NO_CHANNEL: Final = 34
OUT_OF_ORDER: Final = 38
TEMPORARY_FAILURE: Final = 41
CHANNEL_UNAVAILABLE: Final = 44
NOT_SUPPORTED: Final = 58
INVALID_NUMBER: Final = 28
WRONG_STATE: Final = 101
_MOST: Final = 127

#: cause → (its text in Q.850, the SIP status of a call that is refused by it)
_CAUSES: Final[dict[int, tuple[str, int]]] = {
    1: ("Unallocated (unassigned) number", 404),
    2: ("No route to specified transit network", 404),
    3: ("No route to destination", 404),
    4: ("Send special information tone", 404),
    5: ("Misdialled trunk prefix", 404),
    6: ("Channel unacceptable", 503),
    7: ("Call awarded, being delivered in an established channel", 480),
    8: ("Preemption", 503),
    9: ("Preemption, circuit reserved for reuse", 503),
    14: ("Query on release: ported number", 404),
    16: ("Normal call clearing", 480),
    17: ("User busy", 486),
    18: ("No user responding", 408),
    19: ("No answer from user (user alerted)", 480),
    20: ("Subscriber absent", 480),
    21: ("Call rejected", 403),
    22: ("Number changed", 410),
    23: ("Redirection to new destination", 410),
    24: ("Call rejected due to feature at the destination", 403),
    25: ("Exchange routing error", 500),
    26: ("Non-selected user clearing", 404),
    27: ("Destination out of order", 502),
    28: ("Invalid number format (address incomplete)", 484),
    29: ("Facility rejected", 501),
    30: ("Response to STATUS ENQUIRY", 480),
    31: ("Normal, unspecified", 480),
    34: ("No circuit/channel available", 503),
    38: ("Network out of order", 503),
    39: ("Permanent frame mode connection out of service", 503),
    40: ("Permanent frame mode connection operational", 503),
    41: ("Temporary failure", 503),
    42: ("Switching equipment congestion", 503),
    43: ("Access information discarded", 503),
    44: ("Requested circuit/channel not available", 503),
    46: ("Precedence call blocked", 503),
    47: ("Resource unavailable, unspecified", 503),
    49: ("Quality of service not available", 503),
    50: ("Requested facility not subscribed", 503),
    53: ("Outgoing calls barred within CUG", 403),
    55: ("Incoming calls barred within CUG", 403),
    57: ("Bearer capability not authorized", 403),
    58: ("Bearer capability not presently available", 503),
    62: ("Inconsistency in designated outgoing access information and subscriber class", 403),
    63: ("Service or option not available, unspecified", 503),
    65: ("Bearer capability not implemented", 488),
    66: ("Channel type not implemented", 488),
    69: ("Requested facility not implemented", 501),
    70: ("Only restricted digital information bearer capability is available", 488),
    79: ("Service or option not implemented, unspecified", 501),
    81: ("Invalid call reference value", 500),
    82: ("Identified channel does not exist", 503),
    83: ("A suspended call exists, but this call identity does not", 500),
    84: ("Call identity in use", 500),
    85: ("No call suspended", 500),
    86: ("Call having the requested call identity has been cleared", 500),
    87: ("User not member of CUG", 403),
    88: ("Incompatible destination", 488),
    90: ("Non-existent CUG", 403),
    91: ("Invalid transit network selection", 404),
    95: ("Invalid message, unspecified", 500),
    96: ("Mandatory information element is missing", 500),
    97: ("Message type non-existent or not implemented", 500),
    98: ("Message not compatible with call state or not implemented", 500),
    99: ("Information element/parameter non-existent or not implemented", 500),
    100: ("Invalid information element contents", 500),
    101: ("Message not compatible with call state", 500),
    102: ("Recovery on timer expiry", 504),
    103: ("Parameter non-existent or not implemented, passed on", 500),
    110: ("Message with unrecognized parameter, discarded", 500),
    111: ("Protocol error, unspecified", 500),
    127: ("Interworking, unspecified", 500),
}
#: The last cause of each class, which stands for those of it that are not known (Q.850 section 2.2.6).
_CLASSES: Final = (31, 47, 63, 79, 95, 111, 127)

#: RFC 3398 section 8.2.6.1; statuses that it does not name are those of their class.
_BY_STATUS: Final = MappingProxyType(
    {
        400: 41,
        401: 21,
        402: 21,
        403: 21,
        404: 1,
        405: 63,
        406: 79,
        407: 21,
        408: 102,
        410: 22,
        413: 127,
        414: 127,
        415: 79,
        416: 127,
        420: 127,
        421: 127,
        423: 127,
        480: 18,
        481: 41,
        482: 25,
        483: 25,
        484: 28,
        485: 1,
        486: 17,
        487: 16,
        488: 88,
        491: 41,
        500: 41,
        501: 79,
        502: 38,
        503: 41,
        504: 102,
        505: 127,
        513: 127,
        600: 17,
        603: 21,
        604: 1,
        606: 88,
    }
)


def known(cause: int) -> int:
    """The cause itself, or what stands for its class where Q.850 does not name it; ValueError outside 1 to 127."""
    if not 1 <= cause <= _MOST:
        raise ValueError(f"there is no cause {cause}")
    return cause if cause in _CAUSES else next(last for last in _CLASSES if cause <= last)


def text_of(cause: int) -> str:
    """What Q.850 calls it."""
    return _CAUSES[known(cause)][0]


def status_of(cause: int) -> int:
    """The SIP status that refuses a call for this cause."""
    return _CAUSES[known(cause)][1]


def cause_of(status: int, q850: int | None = None) -> int:
    """The cause of a SIP status; that of its Reason header is more exact (RFC 3326). 0: a BYE."""
    if q850 is not None and 1 <= q850 <= _MOST:
        return q850
    if status < 300:
        return NORMAL
    found = _BY_STATUS.get(status)
    if found is not None:
        return found
    return TEMPORARY_FAILURE if status >= 500 and status < 600 else 31 if status < 500 else 21


def reason_of(cause: int) -> str:
    """The value of a Reason header (RFC 3326)."""
    return f'Q.850;cause={cause};text="{text_of(cause)}"'


def outcome_of(cause: int) -> ReleaseCause:
    """What a call that this cause ends before it is answered counts as, as for any other trunk."""
    return cause_of_refusal(status_of(cause), cause)
