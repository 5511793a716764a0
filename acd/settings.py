"""Settings of the ACD."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from acd.engine import AGEING_SECONDS, GRACE_SECONDS, MAX_CONTACTS


class ForecastSettings(BaseModel):
    """How far queues are looked ahead (R6.2, R10.3.2.d)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_seconds: float = Field(default=60.0, ge=0.1, le=3600.0, description="How often is looked ahead.")
    quarters: int = Field(default=16, ge=1, le=96, description="How far: quarters of an hour.")
    warn_hours: float = Field(
        default=2.0, ge=0.0, le=24.0, description="A wait that will be missed within so many hours is an alarm."
    )
    abandoned: float = Field(
        default=0.2,
        gt=0.0,
        le=1.0,
        description="A forecast does not hold either when a larger share of callers than this would give up.",
    )


class AcdSettings(BaseModel):
    """What the operator may set for the whole engine; the rest is set per queue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_contacts: int = Field(
        default=20_000,
        ge=1,
        le=MAX_CONTACTS,
        description="Most contacts waiting, ringing and talking through queues at one time; more are refused.",
    )
    ageing_seconds: float = Field(
        default=AGEING_SECONDS,
        ge=0.0,
        le=86_400.0,
        description="Seconds of waiting that raise a contact's priority by one step; 0: priorities never change.",
    )
    grace_seconds: float = Field(
        default=GRACE_SECONDS,
        ge=0.0,
        le=3600.0,
        description="How long a ready agent's phone may be away before he is not ready; 0: for ever.",
    )
    wrap_up_extension_seconds: float = Field(
        default=30.0,
        gt=0.0,
        le=3600.0,
        description="How much longer a wrap-up lasts each time its agent asks for more time.",
    )
    longest_wrap_up_seconds: float = Field(
        default=300.0, ge=0.0, le=86_400.0, description="How long a wrap-up that agents extend may last at most."
    )
    max_call_backs: int = Field(
        default=10_000,
        ge=1,
        le=100_000,
        description="Most call-backs promised and not yet made; callers who want more are not promised any.",
    )
    presence_retry_seconds: float = Field(
        default=2.0,
        ge=0.1,
        le=60.0,
        description="Pause before automatic changes of presence are written again after the database failed.",
    )
    forecast: ForecastSettings = Field(default_factory=ForecastSettings)
