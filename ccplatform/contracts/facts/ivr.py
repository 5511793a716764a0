"""What callers meet in flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ccplatform.contracts.facts.personal import personal
from ccplatform.contracts.words import ContactId, FlowId, FlowOutcome, QueueId


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowEntered:
    """An IVR session began."""

    contact: ContactId
    flow: FlowId
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowNodeEntered:
    """The session reached a node."""

    contact: ContactId
    flow: FlowId
    node: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysEntered:
    """The caller completed an input; secure inputs carry only their length (R11.4.3.i)."""

    contact: ContactId
    node: str
    length: int
    keys: str = personal("")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechHeard:
    """The caller said something at a node that listens (R10.1.c): whether it was understood, and how surely.

    ``confidence`` in percent; ``response_seconds`` from his silence to the recogniser's answer.
    """

    contact: ContactId
    node: str
    understood: bool
    confidence: int
    response_seconds: float
    text: str = personal("")


@dataclass(frozen=True, slots=True, kw_only=True)
class BotTalkBegan:
    """A voice bot was asked to talk with the caller; ``resumed``: once more, after its connection broke."""

    contact: ContactId
    node: str
    bot: str
    resumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BotTurn:
    """What caller or bot said, as the bot tells it, card numbers masked; ``number`` counts from 1 in each talk."""

    contact: ContactId
    node: str
    number: int
    speaker: Literal["caller", "bot"]
    text: str = personal("")


@dataclass(frozen=True, slots=True, kw_only=True)
class BotTalkEnded:
    """How a talk with a bot ended: ``how`` is transfer, end, timeout, hang_up or error; ``detail`` to whom, with
    what outcome, or why."""

    contact: ContactId
    node: str
    how: str
    detail: str
    seconds: float
    turns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAnswered:
    """The voice that answers a completed input began (R10.3.1.6)."""

    contact: ContactId
    node: str
    response_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryAnswered:
    """The result of a customer-data query was heard (R10.3.1.7), or failed (``ok`` false)."""

    contact: ContactId
    node: str
    source: str
    ok: bool
    response_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyBegun:
    """The caller is about to be asked the first question of a survey (R9.6)."""

    contact: ContactId
    survey: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyAnswered:
    """The caller answered a question of a survey by a key: ``score`` of 1 … ``scale`` (R9.6)."""

    contact: ContactId
    survey: str
    question: str
    score: int
    scale: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLeft:
    """An IVR session ended (R10.3.1.5)."""

    contact: ContactId
    flow: FlowId
    outcome: FlowOutcome
    cause: str  # '' or the system cause


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackRequested:
    """The caller asked to be called back; the promise is a row before this fact exists."""

    contact: ContactId
    call_back: str
    queue: QueueId
    number: str = personal()
