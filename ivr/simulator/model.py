"""What a page sends of a simulated session, and what it is shown of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ccplatform.contracts.words import FlowOutcome
from ivr.nodes.node import ConfiguredName
from ivr.numbers import Language
from ivr.prompt_model import ContentHash, DocumentModel
from ivr.trials.runner import ACTS
from ivr.trials.script import Step, World
from ivr.trials.story import What

#: Most acts of a session, answers of data sources that it learned, and things that happen in it.
MOST_ACTS, MOST_ANSWERS, MOST_HAPPENINGS = 500, 50, 3000


class LearnedAnswer(DocumentModel):
    """What a data source answered in this session, in the order of asking."""

    row: dict[str, Annotated[str, Field(max_length=1000)]] | None = Field(None, max_length=200)
    fails: bool = False
    takes: float = Field(0.0, ge=0, le=60, description="seconds")


class WantedSession(World):
    """A whole session: where it begins, and everything that was done in it so far.

    Nothing of it is kept here: a page sends the same again with one act more, and what was learned on the way.
    """

    document: dict[str, Any] | None = Field(None, description="the flow as it stands on the page")
    flow: ConfiguredName | None = Field(None, description="instead of a document: one that is kept")
    version: Annotated[str, StringConstraints(pattern=r"^(draft|current|[1-9][0-9]{0,5})$")] = "draft"
    live: bool = Field(False, description="queries without a stub ask their data sources (supervisor, admin)")
    answered: list[LearnedAnswer] = Field(default_factory=list, max_length=MOST_ANSWERS)
    steps: list[Step] = Field(default_factory=list, max_length=MOST_ACTS)

    @model_validator(mode="after")
    def _may_be_played(self) -> WantedSession:
        if (self.document is None) == (self.flow is None):
            raise ValueError("give exactly one of document, flow")
        for index, step in enumerate(self.steps):
            if step.word not in ACTS:
                raise ValueError(f"steps.{index}: {step.word} does nothing; there are {', '.join(sorted(ACTS))}")
        return self


class SoundPiece(BaseModel):
    """A piece of what is heard: a text, a recording, a file, tones (``hertz``), or silence."""

    model_config = ConfigDict(extra="forbid")

    language: Language | None = None
    text: Annotated[str, Field(max_length=1000)] | None = None
    recording: ContentHash | None = None
    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$")] | None = None
    hertz: Annotated[list[Annotated[float, Field(ge=20, le=3900)]], Field(max_length=4)] = []
    seconds: Annotated[float, Field(ge=0, le=60)] = 0.0


class WantedSound(BaseModel):
    """What is to be heard, piece after piece."""

    model_config = ConfigDict(extra="forbid")

    pieces: Annotated[list[SoundPiece], Field(min_length=1, max_length=100)]


class WantedHearing(BaseModel):
    """What somebody said into a microphone: WAV, 16 bits, one channel, base64."""

    model_config = ConfigDict(extra="forbid")

    language: Language
    phrases: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=5000)] | None = Field(
        None, description="what it may be; null: anything"
    )
    audio: Annotated[str, Field(max_length=3_000_000)]


class HypothesisItem(BaseModel):
    """What it may have been, and how sure that is, percent."""

    text: str
    confidence: int


class HeardItem(BaseModel):
    """What was understood, the likeliest first; nothing: it was not."""

    hypotheses: list[HypothesisItem]


class HappeningItem(BaseModel):
    """One thing that happened; see the kinds for what ``name`` and ``text`` hold."""

    at: float = Field(description="seconds of the call")
    what: What
    node: str = Field(description="in a sub-flow: flow/node")
    name: str
    text: str
    values: dict[str, str] = Field(description="of a query: its parameters")
    sound: list[SoundPiece] = Field(description="POST flows/simulate/sound gives its WAV")


class VariableItem(BaseModel):
    """A variable of the running flow; the value of a secret is dots."""

    name: str
    value: str
    secret: bool


class AwaitedBot(BaseModel):
    """The voice bot that talks with the caller: the page plays it."""

    bot: str
    transfers: list[str] = Field(description="to whom it may hand the caller over")
    variables: list[str] = Field(description="that the flow takes of it")


class Awaited(BaseModel):
    """What the session waits for."""

    phase: str = Field(examples=["listening"])
    keys: list[str] = Field(description="that mean something now")
    secret: bool = Field(description="what is keyed in now is shown to nobody")
    barge_in: bool = Field(description="whether keys and speech stop what is being said")
    language: Language | None = Field(description="of what may be said; null: nobody listens to speech")
    phrases: list[str] | None = Field(description="that may be said; null: anything")
    pause: float = Field(description="seconds of silence that end what is said")
    bot: AwaitedBot | None = Field(description="null: no bot talks with the caller")


class SessionState(BaseModel):
    """A session after its last act."""

    at: AwareDatetime = Field(description="when it began; send it back")
    seconds: float
    local_time: AwareDatetime
    node: str
    happenings: list[HappeningItem]
    variables: list[VariableItem]
    playing_seconds: float | None = Field(description="that what is being said still takes; null: nothing is")
    due_seconds: float | None = Field(description="after which something happens by itself")
    awaited: Awaited | None
    reached: str
    outcome: FlowOutcome | None
    cause: str
    answered: list[LearnedAnswer] = Field(description="send it back")
    recogniser: Literal["yes", "no"] = Field(description="whether what callers say is heard")
