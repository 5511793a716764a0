"""What the control process and a recogniser's process say to each other over the recogniser's stdin and stdout.

Messages are framed (:mod:`ivr.pipes`). The sound itself
never passes here: the media engine hands it to the recogniser over a socket (``gateway.media.taps``).
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from ivr.pipes import message_of


class _Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    hearing: str


class Open(_Message, frozen=True, kw_only=True, tag="open"):
    """Listen at ``path`` for the sound of a caller. ``phrases``: all that he may say; None: anything.

    :class:`Opened` or :class:`Failed` answers.
    """

    path: str
    language: str
    phrases: tuple[str, ...] | None
    alternatives: int = 1


class Begin(_Message, frozen=True, kw_only=True, tag="begin"):
    """He speaks since ``at`` (monotonic seconds); what went on before is dropped."""

    at: float


class End(_Message, frozen=True, kw_only=True, tag="end"):
    """He fell silent: :class:`Heard` or :class:`Failed` answers."""


class Close(_Message, frozen=True, kw_only=True, tag="close"):
    """Listen no more; there is no answer."""


class Ready(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="ready"):
    """The engine is there: said once, first."""


class Opened(_Message, frozen=True, kw_only=True, tag="opened"):
    """The media engine may connect, with samples at ``rate`` a second."""

    rate: int


class Hypothesis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What he may have said, and how sure that is, 0 to 1."""

    text: str
    confidence: float


class Heard(_Message, frozen=True, kw_only=True, tag="heard"):
    """What he said, the likeliest first; nothing: it could not be understood."""

    hypotheses: tuple[Hypothesis, ...]


class Failed(_Message, frozen=True, kw_only=True, tag="failed"):
    """The engine could not do it; the hearing is closed."""

    reason: str


Order: TypeAlias = Open | Begin | End | Close
Report: TypeAlias = Ready | Opened | Heard | Failed

_ORDERS: Final[msgspec.json.Decoder[Order]] = msgspec.json.Decoder(Open | Begin | End | Close)
_REPORTS: Final[msgspec.json.Decoder[Report]] = msgspec.json.Decoder(Ready | Opened | Heard | Failed)


def order_of(body: bytes) -> Order:
    """What control says; raises RemoteViolation."""
    return message_of(_ORDERS, body, "order to a recogniser")


def report_of(body: bytes) -> Report:
    """What the recogniser says; raises RemoteViolation."""
    return message_of(_REPORTS, body, "report of a recogniser")
