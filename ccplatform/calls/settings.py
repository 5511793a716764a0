"""Settings of calls (section ``calls``)."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from ccplatform.calls.dial_plan import CHINA, NumberClass

Number: TypeAlias = Annotated[str, Field(pattern=r"^(\+?[0-9*#]{1,32})?$")]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=64)]

_ORDINARY: Final = (NumberClass.INTERNAL, NumberClass.LOCAL, NumberClass.NATIONAL)


class OwnRules(BaseModel):
    """What is different for one agent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    may: tuple[NumberClass, ...] | None = Field(
        None, description="Classes that he may call; none given: as others"
    )
    caller: Number = Field("", description="Number that he shows; empty: as others")


class OutSettings(BaseModel):
    """Calls that agents make, by their phones or by a click.

    The classes of numbers and who may call them are what a centre begins with; from then on they are settings of
    its pages (``configuration/number-classes``, ``configuration/call-permissions``).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    agents_may: tuple[NumberClass, ...] = Field(_ORDINARY, description="Classes of numbers that agents may call")
    supervisors_may: tuple[NumberClass, ...] = Field(
        _ORDINARY, description="Classes that supervisors may have called by a click"
    )
    seats_may: tuple[NumberClass, ...] = Field(
        (NumberClass.INTERNAL,), description="Classes that a phone may call at which nobody is signed in"
    )
    flows_may: tuple[NumberClass, ...] = Field(
        _ORDINARY, description="Classes of numbers that flows may connect callers to by the outbound routes"
    )
    own_rules: dict[Name, OwnRules] = Field(
        default_factory=dict, max_length=10_000, description="By agent: what is different for him"
    )
    country_code: str = Field("86", pattern=r"^[0-9]{0,3}$", description="Country whose numbers are not foreign")
    number_classes: dict[Annotated[str, Field(pattern=r"^\+?[0-9*#]{0,16}$")], NumberClass] = Field(
        default_factory=lambda: dict(CHINA),
        max_length=10_000,
        description="Class by the beginning of a number, the longest decides; others are international",
    )
    caller: Number = Field("", description="Number that calls out show; empty: that of the trunk")
    queue_callers: dict[Name, Number] = Field(
        default_factory=dict, max_length=1000, description="By queue: number that calls made for it show"
    )
    auto_answer: bool = Field(
        True,
        description="Ask an agent's phone to answer by itself when it is rung for a call of his own",
    )
    prompt_seconds: float = Field(20.0, ge=3, le=120, description="How long his phone rings for such a call")
    ring_seconds: float = Field(60.0, ge=5, le=180, description="How long the called party's phone rings")
    wrap_up_seconds: float = Field(10.0, ge=0, le=3600, description="After-call time of such a talk; 0: none")


class CallsSettings(BaseModel):
    """What calls may become."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    conference_parties: int = Field(
        8, ge=3, le=30, description="Most parties of a conference, the caller included."
    )
    out: OutSettings = Field(OutSettings(), description="Calls that people of the centre make.")
