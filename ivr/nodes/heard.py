"""Nodes at which callers hear something, and may be asked for keys or a message."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from ivr.nodes.deciding import ConditionText
from ivr.nodes.node import Asking, ConfiguredName, Key, MailboxName, NodeModel, NodeName, Speaking, Value
from ivr.numbers import Language
from ivr.prompt_model import DocumentModel, Prompt, Seconds, SoundItem, VariableName

Phrase: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[^\s<>(){}\[\]|*+;=#/\\\"]+( [^\s<>(){}\[\]|*+;=#/\\\"]+)*$", max_length=100)
]
Phrases: TypeAlias = Annotated[list[Phrase], Field(min_length=1, max_length=50)]
Answers: TypeAlias = Annotated[dict[Value, Phrases], Field(min_length=1, max_length=100)]
Mask: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9?]{0,40}\*?$", min_length=1)]


class Say(Speaking):
    """Speak a prompt, then go on."""

    kind: Literal["say"]
    prompt: Prompt
    next: NodeName
    delivers: bool = Field(False, description="a caller who heard it to its end got what he called for")


class PlaySounds(NodeModel):
    """Play sounds, then go on."""

    kind: Literal["play"]
    sounds: Annotated[list[SoundItem], Field(min_length=1, max_length=20)]
    next: NodeName
    barge_in: bool = True
    on_error: NodeName | None = None
    delivers: bool = False


class Menu(Asking):
    """Ask for one key."""

    kind: Literal["menu"]
    prompt: Prompt
    choices: Annotated[dict[Key, NodeName], Field(min_length=1)]


class Length(DocumentModel):
    """How many digits an input may have."""

    min: int = Field(1, ge=1, le=40)
    max: int = Field(ge=1, le=40)

    @model_validator(mode="after")
    def _in_order(self) -> Length:
        if self.min > self.max:
            raise ValueError("min is greater than max")
        return self


class Collect(Asking):
    """Ask for digits; complete by the greatest length, the terminator, or a pause after enough of them."""

    kind: Literal["collect"]
    prompt: Prompt
    variable: VariableName
    length: Length
    masks: Annotated[list[Mask], Field(min_length=1, max_length=20)] | None = Field(
        None, description="what an input may look like: digits, ? for any digit, * at the end for more"
    )
    valid: ConditionText | None = Field(None, description="a condition on the input besides, such as luhn(card)")
    terminator: Key | None = "#"
    restart: Key | None = Field("*", description="the key that drops what was entered so far")
    digit_timeout: Seconds = Field(
        4.0, description="seconds between two keys after which the input counts as it is"
    )
    secure: bool = Field(False, description="the digits appear in no fact, log or snapshot (R11.4.3.i)")
    next: NodeName


class Question(DocumentModel):
    """A question of a survey, answered by a key from 1 to ``scale``."""

    name: ConfiguredName
    prompt: Prompt
    scale: int = Field(5, ge=2, le=9)


class Survey(Asking):
    """Ask how satisfied the caller is; every answer is a fact of his contact (R9.6)."""

    kind: Literal["survey"]
    survey: ConfiguredName = Field(description="the survey that the answers belong to")
    questions: Annotated[list[Question], Field(min_length=1, max_length=10)]
    next: NodeName

    @model_validator(mode="after")
    def _names_differ(self) -> Survey:
        if len({question.name for question in self.questions}) < len(self.questions):
            raise ValueError("two questions have the same name")
        return self


class Speech(Asking):
    """Ask for something to be said: one of some answers, or anything; or, at the same time, for a key.

    Where nobody hears the caller's language, or the recogniser fails, ``keys`` alone are listened to; without any
    the session goes to ``on_error``. An answer is doubted below ``sure`` percent and, when there is an
    ``on_unsure``, may be confirmed from there; below ``least`` it counts as not understood.
    """

    kind: Literal["speech"]
    prompt: Prompt
    answers: dict[Language, Answers] | None = Field(
        None, description="language → answer → the phrases that mean it; None: whatever is said is the answer"
    )
    keys: dict[Key, Value] = Field(default_factory=dict, description="key → the answer that it means")
    variable: VariableName = Field(description="the answer")
    confidence: VariableName | None = Field(None, description="how sure it is, percent; 100 for a key")
    alternative: VariableName | None = Field(None, description="the second likeliest answer, or ''")
    least: int = Field(30, ge=0, le=100)
    sure: int = Field(60, ge=0, le=100)
    pause: float = Field(0.8, ge=0.4, le=5, description="seconds of silence that end what is said")
    max_seconds: float = Field(10.0, ge=1, le=60, description="seconds of speech after which it is cut off")
    next: NodeName
    on_unsure: NodeName | None = Field(None, description="where an answer goes to be confirmed")
    on_error: NodeName = Field(description="no prompt can be played; or nobody hears him, and there are no keys")

    @model_validator(mode="after")
    def _in_order(self) -> Speech:
        if self.least > self.sure:
            raise ValueError("least is greater than sure")
        return self


class Record(Speaking):
    """Let the caller leave a message: a prompt, a beep, and what he says until a key, a silence, or the longest.

    The message is left when the session ends, however it ends; until then another ``record`` node, or this one
    again, takes its place, and ``play`` with ``message: last`` lets him hear it.
    """

    kind: Literal["record"]
    prompt: Prompt
    mailbox: MailboxName | None = Field(None, description="whose message it is: queue:<id> or agent:<id>")
    mailbox_of: VariableName | None = Field(None, description="the variable that holds the mailbox")
    max_seconds: float = Field(120.0, ge=1, le=900)
    min_seconds: float = Field(1.0, ge=0.5, le=30, description="what is shorter is no message")
    silence_seconds: float = Field(5.0, ge=1, le=60, description="a silence of this length ends it")
    terminator: Key | None = Field("#", description="the key that ends it; others are not heard")
    next: NodeName
    on_empty: NodeName = Field(description="too short, or nothing was said")
    on_error: NodeName

    @model_validator(mode="after")
    def _one_of_them(self) -> Record:
        if (self.mailbox is None) == (self.mailbox_of is None):
            raise ValueError("give exactly one of mailbox, mailbox_of")
        if self.min_seconds > self.max_seconds:
            raise ValueError("min_seconds is greater than max_seconds")
        return self
