"""What goes in and out of an IVR session besides the contract's own commands and requests.

The interpreter asks for work (speak, ask, store) under a ticket; the answer comes back as an event with the same
ticket. An answer whose ticket is no longer waited for is dropped: the caller pressed on meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ccplatform.contracts.facts import Fact
from ccplatform.contracts.flows import (
    EndFlow,
    FlowDigit,
    FlowPlaybackEnded,
    FlowRecordingBegan,
    FlowRecordingEnded,
    FlowRequest,
    FlowRequestFailed,
    FlowTapEnded,
    FlowVoiceChanged,
    StartFlow,
)
from ccplatform.contracts.media import PlayItem
from ccplatform.contracts.words import AgentId, QueueId, RecordingId, SeatId
from ivr.numbers import Language
from ivr.prompts import Piece
from ivr.speech.recognition.port import Hypothesis

# --- effects ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Pass a request to `calls`."""

    request: FlowRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Record a fact."""

    fact: Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Render:
    """Make the pieces of a prompt playable; :class:`Rendered` or :class:`WorkFailed` follows."""

    ticket: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQuery:
    """Ask a named query; :class:`QueryAnswer` or :class:`WorkFailed` follows.

    ``secret`` are the parameters that secure inputs fill: nobody is shown them, and their answers are not kept.
    """

    ticket: int
    query: str
    parameters: dict[str, str] = field(repr=False)
    secret: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCallBack:
    """Have a call-back promised; :class:`CallBackStored` or :class:`WorkFailed` follows."""

    ticket: int
    queue: QueueId
    number: str = field(repr=False)
    priority: int = 5
    waited_seconds: float = 0.0  # in this queue, whose place is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class AskDesk:
    """Act for the agent at a seat; :class:`DeskDone`, :class:`DeskRefused` or :class:`WorkFailed` follows."""

    ticket: int
    action: Literal["sign_in", "sign_out", "ready", "not_ready"]
    seat: SeatId
    agent: AgentId
    pin: str = field(default="", repr=False)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPlace:
    """Ask where the caller is in line; :class:`PlaceFound` or :class:`WorkFailed` follows."""

    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskHours:
    """Ask whether a calendar is open; :class:`HoursFound` or :class:`WorkFailed` follows."""

    ticket: int
    calendar: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchMessage:
    """Ask for the oldest new message for the agent at a seat; :class:`MessageFetched`, :class:`DeskRefused` (there
    is none) or :class:`WorkFailed` follows."""

    ticket: int
    seat: SeatId


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkMessage:
    """Mark a message for the agent at a seat; :class:`DeskDone`, :class:`DeskRefused` or :class:`WorkFailed`."""

    ticket: int
    seat: SeatId
    message: RecordingId
    action: Literal["handled", "delete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHearing:
    """Make a recogniser ready for one of ``phrases``, or None: for anything; :class:`HearingReady` or
    :class:`HearingFailed` follows."""

    hearing: int
    language: Language
    phrases: tuple[str, ...] | None
    alternatives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HearUtterance:
    """The caller speaks since ``at``, monotonic seconds."""

    hearing: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EndUtterance:
    """He fell silent: :class:`SpeechFound` or :class:`HearingFailed` follows."""

    hearing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseHearing:
    """The recogniser is needed no more."""

    hearing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBot:
    """Let a bot talk with the caller; :class:`BotReady` or :class:`BotFailed` follows.

    ``resumed``: a talk that broke goes on; ``max_seconds`` are left of it.
    """

    talk: int
    bot: str
    language: Language
    max_seconds: float
    resumed: bool
    barge_in: bool
    variables: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BotVoice:
    """The caller began to speak or fell silent at ``at``, monotonic seconds."""

    talk: int
    speaking: bool
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TellKey:
    """The caller pressed a key, for the bot."""

    talk: int
    digit: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseBot:
    """The talk is over: ``transfer``, ``end``, ``timeout``, ``hang_up`` or ``error``."""

    talk: int
    reason: str


Work: TypeAlias = Render | RunQuery | StoreCallBack | AskDesk | AskPlace | AskHours | FetchMessage | MarkMessage
HearingOrder: TypeAlias = OpenHearing | HearUtterance | EndUtterance | CloseHearing
BotOrder: TypeAlias = OpenBot | BotVoice | TellKey | CloseBot
Effect: TypeAlias = Ask | Tell | Work | HearingOrder | BotOrder

# --- events -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The prompt can be played."""

    ticket: int
    items: tuple[PlayItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryAnswer:
    """The query's answer: its columns as text, or None for no row."""

    ticket: int
    row: dict[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackStored:
    """The promise is committed under this id."""

    ticket: int
    call_back: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskDone:
    """The agent's state is changed and committed."""

    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRefused:
    """The rules do not allow it (wrong PIN, nobody signed in)."""

    ticket: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceFound:
    """The caller's place in line from 1 (0: a phone rings for him), and the wait to be expected, rounded up."""

    ticket: int
    position: int
    wait_minutes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursFound:
    """Whether the calendar is open now."""

    ticket: int
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFetched:
    """A new message, heard from now on; ``left_at`` is local time, ``count`` are the new ones with it."""

    ticket: int
    message: RecordingId
    caller: str = field(repr=False)
    left_at: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFailed:
    """The work could not be done; ``reason`` is a snake_case word of the system cause."""

    ticket: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HearingReady:
    """The media engine may hand the caller's sound to ``path``, ``rate`` samples a second."""

    hearing: int
    path: str
    rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechFound:
    """What the caller may have said, the likeliest first; nothing: it was not understood."""

    hearing: int
    hypotheses: tuple[Hypothesis, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HearingFailed:
    """Nobody hears the caller."""

    hearing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BotReady:
    """The caller's sound may be handed to ``path``; the bot's, ``rate`` samples a second, grows in ``sound``."""

    talk: int
    path: str
    sound: str
    rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSounds:
    """The bot's sound goes on in another file."""

    talk: int
    sound: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSaid:
    """A turn of the transcript, card numbers masked."""

    talk: int
    speaker: Literal["caller", "bot"]
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BotDone:
    """The bot hands the caller over (``to``), or is done with him (``to`` is None)."""

    talk: int
    to: str | None
    outcome: str
    variables: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BotFailed:
    """The talk broke, or never began; ``cause`` is a snake_case word."""

    talk: int
    cause: str


HearingResult: TypeAlias = HearingReady | SpeechFound | HearingFailed
BotResult: TypeAlias = BotReady | BotSounds | BotSaid | BotDone | BotFailed
WorkResult: TypeAlias = (
    Rendered
    | QueryAnswer
    | CallBackStored
    | DeskDone
    | DeskRefused
    | PlaceFound
    | HoursFound
    | MessageFetched
    | WorkFailed
)
SessionEvent: TypeAlias = (
    StartFlow
    | FlowDigit
    | FlowPlaybackEnded
    | FlowRequestFailed
    | FlowRecordingBegan
    | FlowVoiceChanged
    | FlowRecordingEnded
    | FlowTapEnded
    | EndFlow
    | WorkResult
    | HearingResult
    | BotResult
)
