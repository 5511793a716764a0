"""Settings of overload control."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

Number: TypeAlias = Annotated[str, Field(pattern=r"^\+?[0-9A-Za-z*#._-]{1,40}$")]


class OverloadSettings(BaseModel):
    """When new calls are refused, and which (R10.4.f)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(True, description="Refuse new calls, class by class, while the node is overloaded")
    lag_seconds: float = Field(0.2, ge=0.005, le=5, description="Limit of the event loop's mean lag, seconds")
    waiting: int = Field(100, ge=10, le=100_000, description="Limit of the messages that wait to be read")
    cpu: float = Field(
        0.92, ge=0.1, le=1, description="Limit of the share of one processor that the thread of calls uses"
    )
    memory: float = Field(0.95, ge=0.1, le=1, description="Limit of the share of the node's memory in use")
    calm_seconds: float = Field(
        10.0, ge=0, le=600, description="How long restriction must have been lower before a level is left"
    )
    retry_after_seconds: int = Field(
        5,
        ge=1,
        le=3600,
        description="Retry-After of refusals: from this to twice this, so that callers come back apart",
    )
    emergency_numbers: tuple[Number, ...] = Field(
        ("110", "112", "119", "120", "122"),
        max_length=100,
        description="Dialled numbers that are never refused",
    )
    vip_numbers: tuple[Number, ...] = Field(
        (), max_length=10_000, description="Numbers that are not refused, dialled or calling"
    )
    low_priority_numbers: tuple[Number, ...] = Field(
        (), max_length=1000, description="Beginnings of dialled numbers whose calls are refused first"
    )
    low_priority_trunks: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...] = Field(
        (), max_length=1000, description="Trunks whose calls are refused first"
    )

    @model_validator(mode="after")
    def _classes_are_distinct(self) -> OverloadSettings:
        protected = (*self.emergency_numbers, *self.vip_numbers)
        for number in self.emergency_numbers:
            if number in self.vip_numbers:
                raise ValueError(f"{number} is both an emergency and a VIP number")
        for beginning in self.low_priority_numbers:
            if beginning in protected:
                raise ValueError(f"{beginning} is both of low priority and never refused")
        return self
