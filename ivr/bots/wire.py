"""What the control process and the relays' process say to each other over its stdin and stdout.

Messages are framed (:mod:`ivr.pipes`). Sound never passes
here: the media engine hands the caller's over a socket (``gateway.media.taps``) and follows a file with the bot's.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from ivr.pipes import message_of


class BotPlace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bot of the settings; ``secret`` is its bearer token."""

    url: str
    secret: str
    networks: tuple[str, ...]
    ca_file: str | None
    rate: int
    start_seconds: float
    slow_seconds: float
    max_buffered_seconds: float
    max_turns: int
    max_callers: int

    def __repr__(self) -> str:
        return f"BotPlace({self.url})"


class _Frame(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    pass


class Configure(_Frame, frozen=True, kw_only=True, tag="configure"):
    """The first order: the bots by name, and the directory for sockets and files."""

    directory: str
    bots: dict[str, BotPlace]


class Probe(_Frame, frozen=True, kw_only=True, tag="probe"):
    """Look whether a bot is there; :class:`Probed` answers."""

    bot: str


class Open(_Frame, frozen=True, kw_only=True, tag="open"):
    """Let a bot talk with a caller; :class:`Opened` or :class:`Failed` answers."""

    talk: str
    bot: str
    contact: str
    language: str
    max_seconds: float
    resumed: bool
    barge_in: bool
    variables: dict[str, str]


class Voiced(_Frame, frozen=True, kw_only=True, tag="voiced"):
    """He began to speak or fell silent at ``at``, monotonic seconds."""

    talk: str
    speaking: bool
    at: float


class Pressed(_Frame, frozen=True, kw_only=True, tag="pressed"):
    """He pressed a key."""

    talk: str
    digit: str


class Close(_Frame, frozen=True, kw_only=True, tag="close"):
    """The talk is over, for a reason that the bot is told; there is no answer."""

    talk: str
    reason: str


class Started(_Frame, frozen=True, kw_only=True, tag="started"):
    """The process takes orders: said once, first."""


class Probed(_Frame, frozen=True, kw_only=True, tag="probed"):
    """Why the bot cannot be reached; '' when it can."""

    bot: str
    reason: str


class Opened(_Frame, frozen=True, kw_only=True, tag="opened"):
    """The bot is ready. The caller's sound is taken at ``path``, the bot's grows in the file ``sound``."""

    talk: str
    path: str
    sound: str
    rate: int


class Sounds(_Frame, frozen=True, kw_only=True, tag="sounds"):
    """The bot's sound goes on in another file: the caller's leg is at another media worker."""

    talk: str
    sound: str


class Said(_Frame, frozen=True, kw_only=True, tag="said"):
    """A turn of the transcript, card numbers masked."""

    talk: str
    speaker: Literal["caller", "bot"]
    text: str


class Done(_Frame, frozen=True, kw_only=True, tag="done"):
    """The bot hands the caller over (``to``), or is done with him (``to`` is None)."""

    talk: str
    to: str | None
    outcome: str
    variables: dict[str, str]


class Failed(_Frame, frozen=True, kw_only=True, tag="failed"):
    """The talk broke; ``cause`` is a snake_case word, ``reason`` is for logs. ``fault`` of the bot, or of ours."""

    talk: str
    bot: str
    cause: str
    reason: str
    fault: bool


Order: TypeAlias = Configure | Probe | Open | Voiced | Pressed | Close
Report: TypeAlias = Started | Probed | Opened | Sounds | Said | Done | Failed

_ORDERS: Final[msgspec.json.Decoder[Order]] = msgspec.json.Decoder(
    Configure | Probe | Open | Voiced | Pressed | Close
)
_REPORTS: Final[msgspec.json.Decoder[Report]] = msgspec.json.Decoder(
    Started | Probed | Opened | Sounds | Said | Done | Failed
)


def order_of(body: bytes) -> Order:
    """What control says; raises RemoteViolation, whose words hold nothing of it."""
    return message_of(_ORDERS, body, "order to the relays")


def report_of(body: bytes) -> Report:
    """What the relays say; raises RemoteViolation."""
    return message_of(_REPORTS, body, "report of the relays")
