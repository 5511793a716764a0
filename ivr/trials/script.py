"""The file of a trial: which flow, what the world answers, and what each caller does and must meet.

Everything in it is text or numbers; a step is one mapping with one key, so that files read as a story.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints, model_validator

from ccplatform.contracts.words import FlowOutcome
from ivr.nodes.node import ConfiguredName
from ivr.prompt_model import DocumentModel, VariableName

Text: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Span(DocumentModel):
    """Open on these days (all, if none are named) from ``from`` to ``to``, local time of the trial."""

    days: tuple[Day, ...] = DAYS
    begin: time = Field(alias="from")
    end: time = Field(alias="to")

    def holds(self, at: datetime) -> bool:
        """Whether it is open at a local time."""
        return DAYS[at.weekday()] in self.days and self.begin <= at.time() < self.end


class StubbedAnswer(DocumentModel):
    """What a query gives when its parameters are ``when`` (any, if none are named): a row, none, or a failure."""

    when: dict[VariableName, str] = Field(default_factory=dict)
    row: dict[str, str] | None = None
    fails: bool = False
    takes: float = Field(0.0, ge=0, le=60, description="seconds")


class StubbedFlow(DocumentModel):
    """What stands in for a sub-flow: it gives its ``results`` at once, or is not there."""

    results: dict[VariableName, str] = Field(default_factory=dict, max_length=50)
    fails: bool = False


class BotAct(DocumentModel):
    """What the voice bot that talks with the caller does (exactly one, but for ``variables``)."""

    says: Text | None = Field(None, description="it says this")
    transfers: ConfiguredName | None = Field(None, description="it hands him over to this one of on_transfer")
    ends: Annotated[str, Field(max_length=64)] | None = Field(None, description="it is done, with this outcome")
    fails: Literal[True] | None = Field(None, description="it breaks off")
    variables: dict[VariableName, Annotated[str, Field(max_length=1000)]] = Field(
        default_factory=dict, max_length=20, description="what it gives back when it hands him over or is done"
    )

    @model_validator(mode="before")
    @classmethod
    def _true(cls, value: Any) -> Any:
        """``true`` in a document is a text."""
        if isinstance(value, dict) and value.get("fails") == "true":
            return {**value, "fails": True}
        return value

    @model_validator(mode="after")
    def _one_of_them(self) -> BotAct:
        done = [name for name in ("says", "transfers", "ends", "fails") if getattr(self, name) is not None]
        if len(done) != 1:
            raise ValueError("give exactly one of says, transfers, ends, fails")
        if self.variables and done[0] not in ("transfers", "ends"):
            raise ValueError("a bot gives variables back when it transfers or ends")
        return self


class Said(DocumentModel):
    """What a recogniser makes of what the caller says."""

    text: Text
    confidence: int = Field(100, ge=0, le=100, description="percent")


def _as_said(value: Any) -> Any:
    listed = value if isinstance(value, list) else [value]
    return [{"text": one} if isinstance(one, str) else one for one in listed]


class Step(DocumentModel):
    """One thing that the caller does or must meet (exactly one)."""

    keys: Annotated[str, StringConstraints(pattern=r"^[0-9*#A-D]{1,64}$")] | None = Field(
        None, description="he presses these keys"
    )
    waits: float | None = Field(None, gt=0, le=86_400, description="so many seconds go by")
    listens: Literal[True] | None = Field(
        None, description="he hears everything out until he is asked or handed on"
    )
    speaks: float | None = Field(None, gt=0, le=900, description="he speaks for so many seconds")
    says: Annotated[tuple[Said, ...], Field(min_length=1, max_length=5), BeforeValidator(_as_said)] | None = Field(
        None, description="he says this, and is understood so: one text, or several, the likeliest first"
    )
    bot: BotAct | None = Field(None, description="the bot that talks with him does this")
    hangs_up: Literal[True] | None = None
    served: Literal[True] | None = Field(
        None, description="the queue, transfer or room takes him, and the call ends there"
    )
    refused: Text | None = Field(
        None, description="the queue, transfer or room does not take him, with this reason"
    )
    hears: Annotated[tuple[Text, ...], Field(min_length=1), BeforeValidator(_listed)] | None = Field(
        None, description="parts of what was said since his last key or wait, in this order"
    )
    node: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_.-]+/)?[A-Za-z_][A-Za-z0-9_-]*$")] | None = (
        Field(None, description="where he is; in a sub-flow: flow/node")
    )
    reaches: Text | None = Field(
        None, description="who has him: queue NAME, number N, trunk T number N, agent A, conference ROOM, echo"
    )
    answers: dict[str, int] | None = Field(None, description="his answers to surveys so far, by question")
    variables: dict[VariableName, str] | None = None
    ends: FlowOutcome | None = Field(None, description="the session is over with this outcome")

    @model_validator(mode="before")
    @classmethod
    def _true(cls, value: Any) -> Any:
        """``true`` in a document is a text."""
        if isinstance(value, dict):
            return {name: True if given == "true" else given for name, given in value.items()}
        return value

    @model_validator(mode="after")
    def _one_of_them(self) -> Step:
        if len(self.model_fields_set) != 1:
            raise ValueError(f"give exactly one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def word(self) -> str:
        """What kind of step it is."""
        return next(iter(self.model_fields_set))


class World(DocumentModel):
    """What a trial finds outside of the flow."""

    at: AwareDatetime | None = Field(None, description="local time with its offset at which the call begins")
    given: dict[VariableName, str] = Field(
        default_factory=dict, description="variables that the call brings: caller, dialled, seat, language …"
    )
    calendars: dict[ConfiguredName, tuple[Span, ...]] = Field(
        default_factory=dict, description="when calendars are open; others do not exist"
    )
    queries: dict[ConfiguredName, tuple[StubbedAnswer, ...]] = Field(
        default_factory=dict, description="what queries give: the first answer whose parameters fit; others fail"
    )
    sub_flows: dict[ConfiguredName, StubbedFlow] = Field(
        default_factory=dict, max_length=100, description="what stands in for sub-flows; others run as they are"
    )
    bots: bool | None = Field(
        None, description="whether voice bots are there; by default where the steps say what they do"
    )
    pins: dict[str, str] = Field(default_factory=dict, description="agents who may sign in, and their PINs")
    recogniser: bool | None = Field(
        None, description="whether somebody hears what the caller says; by default where he says something"
    )


class Trial(World):
    """One caller."""

    steps: Annotated[list[Step], Field(min_length=1, max_length=1000)]


class TrialFile(World):
    """A file of trials of one flow; what they find outside may be said once for all."""

    flow: Text = Field(description="the flow's file, seen from this one; sub-flows are beside it")
    trials: Annotated[dict[Text, Trial], Field(min_length=1, max_length=1000)]

    def world_of(self, trial: Trial) -> World:
        """The world of one trial: its own before the file's."""
        heard = trial.recogniser if trial.recogniser is not None else self.recogniser
        bots = trial.bots if trial.bots is not None else self.bots
        return World(
            recogniser=any(step.says for step in trial.steps) if heard is None else heard,
            bots=any(step.bot for step in trial.steps) if bots is None else bots,
            at=trial.at or self.at,
            given={**self.given, **trial.given},
            calendars={**self.calendars, **trial.calendars},
            queries={**self.queries, **trial.queries},
            sub_flows={**self.sub_flows, **trial.sub_flows},
            pins={**self.pins, **trial.pins},
        )
