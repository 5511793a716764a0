"""What callers are to hear, as a designer writes it in a flow document: spoken parts, tones, sounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ccplatform.contracts.media import CallTone, ToneCountry
from ivr.numbers import Language


@dataclass(frozen=True, slots=True)
class Means:
    """What a value stands for, as ``format`` in the JSON schema: a page that edits flows offers choices by it."""

    format: str

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema with the format."""
        return {**handler(core), "format": self.format}


VariableName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,63}$"), Means("variable")]
SpokenText: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]
RecordingName: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$"), Means("recording")
]
ContentHash: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=60)]


class DocumentModel(BaseModel):
    """A part of a flow document: nothing beyond what is described, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


#: What :meth:`Part._one_of_them` and its like check, in the words of JSON Schema.
_ONE_OF_THEM = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})


class Part(DocumentModel):
    """One part of a prompt: words, a recording, or a variable and how to read it (exactly one of them)."""

    model_config = _ONE_OF_THEM

    text: SpokenText | None = None
    recording: RecordingName | None = Field(None, description="a recording of this flow, in this language")
    spoken: VariableName | None = Field(None, description="the variable's text, read as it stands")
    number: VariableName | None = None
    digits: VariableName | None = None
    money: VariableName | None = None
    date: VariableName | None = None
    time: VariableName | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Part:
        if len(self.model_fields_set) != 1 or getattr(self, next(iter(self.model_fields_set))) is None:
            raise ValueError(f"give exactly one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def reading(self) -> str:
        """How to read: ``text``, ``recording``, ``spoken``, ``money`` and so on."""
        return next(iter(self.model_fields_set))

    @property
    def variable(self) -> str | None:
        """The variable that is read, None for words and recordings."""
        fixed = self.text is not None or self.recording is not None
        return None if fixed else str(getattr(self, self.reading))


def _as_parts(value: Any) -> Any:
    return [{"text": value}] if isinstance(value, str) else value


#: A plain text is one part of words.
PromptText: TypeAlias = Annotated[tuple[Part, ...], Field(min_length=1, max_length=20), BeforeValidator(_as_parts)]

#: The same prompt in each language.
Prompt: TypeAlias = Annotated[dict[Language, PromptText], Means("prompt")]


class Tone(DocumentModel):
    """Sine tones together."""

    hertz: Annotated[tuple[Annotated[float, Field(ge=20, le=3900)], ...], Field(min_length=1, max_length=4)]
    seconds: Seconds
    level_dbm0: float = Field(-13.0, ge=-60, le=0)


class NetworkTone(DocumentModel):
    """A tone of the network with its cadence; without ``seconds`` one round of it."""

    tone: CallTone
    country: ToneCountry = ToneCountry.CHINA
    seconds: Seconds | None = None


class SoundItem(DocumentModel):
    """One thing that a play node plays (exactly one of them)."""

    model_config = _ONE_OF_THEM

    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$")] | None = None
    tone: Tone | None = None
    call_tone: NetworkTone | None = None
    silence: Seconds | None = None
    reference: Literal["speech"] | None = Field(None, description="the reference speech of voice-quality tests")
    message: Literal["last"] | None = Field(
        None, description="the message that the caller recorded last, or that was fetched for him last"
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> SoundItem:
        if len(self.model_fields_set) != 1 or getattr(self, next(iter(self.model_fields_set))) is None:
            raise ValueError(f"give exactly one of {', '.join(type(self).model_fields)}")
        if self.file is not None and ".." in self.file.split("/"):
            raise ValueError("a sound file is named below the directory of sounds, without '..'")
        return self
