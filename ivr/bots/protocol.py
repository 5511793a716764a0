"""What the platform and a voice bot say to each other over the WebSocket: docs/packages/ivr.md describes it.

Text messages are JSON objects whose ``type`` tells what they are; binary messages are sound: 16-bit little-endian
samples of one channel. Fields that are not known are passed over, so that either side may learn more; a message of
an unknown type, or one beyond the bounds, is a fault of the bot.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from ccplatform.kernel.errors import RemoteViolation

#: Of this protocol; told in ``start``. A bot that cannot speak it closes the connection.
VERSION: Final = 1
#: Longest text message of a bot, bytes, and longest message of sound.
MAX_TEXT_BYTES: Final = 16 * 1024
MAX_MESSAGE_BYTES: Final = 256 * 1024

_Name = Annotated[str, msgspec.Meta(max_length=64)]
_Value = Annotated[str, msgspec.Meta(max_length=1000)]
_Variables = Annotated[dict[_Name, _Value], msgspec.Meta(max_length=50)]


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    pass


# --- to the bot -------------------------------------------------------------------------------------------


class Start(_Message, frozen=True, kw_only=True, tag="start"):
    """The first message. ``rate`` of the sound both ways; ``resumed``: the talk had a connection that broke."""

    version: int
    contact: str
    language: str
    rate: int
    max_seconds: float
    resumed: bool
    variables: dict[str, str]


class Voice(_Message, frozen=True, kw_only=True, tag="voice"):
    """The caller began to speak or fell silent."""

    speaking: bool


class Dtmf(_Message, frozen=True, kw_only=True, tag="dtmf"):
    """The caller pressed a key."""

    digit: str


class Cleared(_Message, frozen=True, kw_only=True, tag="cleared"):
    """The caller spoke into the bot's sound; what waited of it is dropped (barge-in)."""


class Marked(_Message, frozen=True, kw_only=True, tag="mark"):
    """The sound before a mark was played, or dropped."""

    name: str
    played: bool


class Stop(_Message, frozen=True, kw_only=True, tag="stop"):
    """The last message: ``reason`` is transfer, end, timeout, hang_up or error."""

    reason: str


ToBot: TypeAlias = Start | Voice | Dtmf | Cleared | Marked | Stop

# --- from the bot -----------------------------------------------------------------------------------------


class Ready(_Message, frozen=True, kw_only=True, tag="ready"):
    """The answer to ``start``, within ``start_seconds``."""


class Clear(_Message, frozen=True, kw_only=True, tag="clear"):
    """Drop the sound that was not played yet."""


class Mark(_Message, frozen=True, kw_only=True, tag="mark"):
    """Tell when the sound before it was played."""

    name: _Name


class Turn(_Message, frozen=True, kw_only=True, tag="turn"):
    """What one of the two said: a piece of the transcript."""

    speaker: Literal["caller", "bot"]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Transfer(_Message, frozen=True, kw_only=True, tag="transfer"):
    """Hand the caller over to one of the node's ``on_transfer``, when he heard what was said before."""

    to: _Name
    variables: _Variables = msgspec.field(default_factory=dict)


class End(_Message, frozen=True, kw_only=True, tag="end"):
    """The bot is done with the caller, when he heard what was said before."""

    outcome: _Name = ""
    variables: _Variables = msgspec.field(default_factory=dict)


FromBot: TypeAlias = Ready | Clear | Mark | Turn | Transfer | End

_FROM_BOT: Final[msgspec.json.Decoder[FromBot]] = msgspec.json.Decoder(
    Ready | Clear | Mark | Turn | Transfer | End
)


def message_from(text: str) -> FromBot:
    """What the bot says; raises RemoteViolation, whose words hold nothing of the message."""
    if len(text) > MAX_TEXT_BYTES:
        raise RemoteViolation(f"a message of {len(text)} characters is longer than {MAX_TEXT_BYTES}")
    try:
        return _FROM_BOT.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise RemoteViolation(f"no message of this protocol: {error}") from error


def text_of(message: ToBot) -> str:
    """A message, ready to be sent."""
    return msgspec.json.encode(message).decode()
