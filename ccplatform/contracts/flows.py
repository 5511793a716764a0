"""IVR sessions: `calls` starts them and feeds them; they ask `calls` to play, queue, transfer or release.

The flow service decides *what* happens next; the saga owns the legs and does it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from ccplatform.contracts.legs import DialTarget
from ccplatform.contracts.media import PlayItem
from ccplatform.contracts.words import (
    AgentId,
    ContactId,
    FlowId,
    FlowOutcome,
    Mailbox,
    PlaybackId,
    QueueId,
    RecordingId,
    ReleaseCause,
    TrunkId,
)

# --- commands to the flow service -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFlow:
    """Begin a session; ``variables`` are ``caller``, ``dialled``, ``seat`` ('' if none) and more."""

    contact: ContactId
    flow: FlowId
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowDigit:
    """The caller pressed a key; ``ended_at`` monotonic seconds."""

    contact: ContactId
    digit: str
    ended_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPlaybackEnded:
    """A playback the flow asked for is over."""

    contact: ContactId
    playback: PlaybackId
    finished: bool
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRequestFailed:
    """A queue or transfer that the flow asked for did not work; the flow takes its failure path."""

    contact: ContactId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowVoiceChanged:
    """The caller, who is recorded or heard, began to speak or fell silent; ``at`` monotonic seconds."""

    contact: ContactId
    speaking: bool
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRecordingBegan:
    """What the caller says is being recorded."""

    contact: ContactId
    recording: RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowRecordingEnded:
    """The recording is closed; ``error`` when it was cut."""

    contact: ContactId
    recording: RecordingId
    seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTapEnded:
    """What the caller says is handed to nobody any more."""

    contact: ContactId
    tap: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndFlow:
    """The caller is gone (``abandoned``) or the call moved on; the session is over."""

    contact: ContactId
    abandoned: bool


FlowCommand: TypeAlias = (
    StartFlow
    | FlowDigit
    | FlowPlaybackEnded
    | FlowRequestFailed
    | FlowVoiceChanged
    | FlowRecordingBegan
    | FlowRecordingEnded
    | FlowTapEnded
    | EndFlow
)

# --- requests of a session to `calls` ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayPrompt:
    """Play to the caller (answering first if need be); replaces what plays.

    ``query_keyed_at``: this is the result of a customer-data query whose last key ended then (R10.3.1.7);
    ``query`` names ``(node, source)``.
    """

    playback: PlaybackId
    items: tuple[PlayItem, ...]
    query_keyed_at: float | None = None
    query: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPrompt:
    """Barge-in: stop what plays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectSecurely:
    """From now on the caller's keys are for the flow alone, and nobody hears him; or no longer (R11.4.3.i)."""

    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InputCompleted:
    """The key that completes an input was let go at ``keyed_at``; the next sound answers it (R10.3.1.6)."""

    node: str
    keyed_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterQueue:
    """Hand the caller to a queue; the keys that he presses there come to the flow.

    ``chosen_at``: when the caller chose 'agent' (R10.3.2.d), if by a key; ``waited_seconds``: that he waited in
    this queue before; ``after_talk``: the flow that has him when the agent hangs up first, in that ``language``.
    """

    queue: QueueId
    priority: int = 5
    chosen_at: float | None = None
    waited_seconds: float = 0.0
    after_talk: FlowId | None = None
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveQueue:
    """Take the caller out of the queue again: the flow goes on with him."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCaller:
    """Connect the caller to an agent, or to a number: through a trunk, or by its route; ``record`` asks for a
    recording of the talk.

    ``target`` is how a number without a trunk is dialled, ``seated`` who sits at that phone if it is a seat's;
    `calls` finds both, and whether flows may.
    """

    number: str = ""
    trunk: TrunkId | None = None
    agent: AgentId | None = None
    record: bool = False
    target: DialTarget | None = None
    seated: AgentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoCaller:
    """Let the caller hear himself until he hangs up or ``seconds`` are over."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ConferenceCaller:
    """Put the caller into a conference room."""

    room: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCaller:
    """Record what the caller says, for a mailbox, and tell when he speaks.

    :class:`FlowRecordingBegan` or :class:`FlowRequestFailed` follows, and :class:`FlowRecordingEnded` in the end.
    """

    mailbox: Mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class HearCaller:
    """Tell when the caller speaks, from now on: asked again after a restart, so that nothing was missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRecordingCaller:
    """The message is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapCaller:
    """Hand what the caller says to a recogniser that listens at ``path``, and tell when he speaks.

    :class:`FlowTapEnded` follows when that ends by itself.
    """

    tap: str
    path: str
    rate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UntapCaller:
    """The recogniser has heard enough of the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseCaller:
    """The flow is done with the caller: hang up."""

    cause: ReleaseCause = ReleaseCause.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFinished:
    """The session is over (sent last); ``call_back`` when the caller's wish is a stored call-back, ``message``
    when he left one."""

    outcome: FlowOutcome
    call_back: bool = False
    message: bool = False


FlowRequest: TypeAlias = (
    PlayPrompt
    | StopPrompt
    | CollectSecurely
    | InputCompleted
    | EnterQueue
    | LeaveQueue
    | TransferCaller
    | EchoCaller
    | ConferenceCaller
    | RecordCaller
    | HearCaller
    | StopRecordingCaller
    | TapCaller
    | UntapCaller
    | ReleaseCaller
    | FlowFinished
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowAsked:
    """A session's request, as an event for `calls`."""

    contact: ContactId
    request: FlowRequest


class Flows(Protocol):
    """The flow service, as `calls` sees it."""

    def entry_point(self, dialled: str, from_seat: bool) -> FlowId | None:
        """The flow that answers a dialled number; None: nobody has it. ``from_seat``: feature codes count."""

    def knows(self, flow: FlowId) -> bool:
        """Whether such a flow is published."""

    def perform(self, command: FlowCommand) -> None:
        """Do it; requests come back as :class:`FlowAsked`."""

    def snapshot(self, contact: ContactId) -> dict[str, Any] | None:
        """The session's cursor and variables, None when there is no session."""

    def restore(self, contact: ContactId, data: dict[str, Any]) -> bool:
        """Go on with a session; False when its flow no longer exists."""
