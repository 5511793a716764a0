"""Settings of the section ``probe``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ccplatform.contracts.words import AgentId, SeatId

Number: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9*#+._-]{1,64}$")]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=64)]


class ProbeSettings(BaseModel):
    """Mystery calls on schedule, from a process of their own; their results are facts (10.3.2)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every_seconds: float = Field(0.0, ge=0, le=86400, description="Pause between mystery calls; 0: none are made.")
    first_seconds: float = Field(30.0, ge=0, le=86400, description="Pause before the first one after a start.")
    target: str = Field(
        "",
        max_length=300,
        description="What they call, `sip:NUMBER@HOST:PORT`; empty: this node, by the number of the plan.",
    )
    plan: Path | None = Field(None, description="What they do (TOML, docs/packages/proof.md); the demo has one.")
    callers: tuple[Number, ...] = Field(
        (),
        max_length=100,
        description="Numbers that test calls come from, over a trunk: such contacts count in no figure of the "
        "centre's own. Mystery calls show the first.",
    )
    robots: dict[Name, Name] = Field(
        default_factory=dict,
        max_length=100,
        description="Agents who are robots, and their test seats: they answer test calls only, and are signed in "
        "while the seat's phone is registered.",
    )
    most_difference_seconds: float = Field(
        0.25,
        gt=0,
        le=10,
        description="How far a time that was heard may be from the one that was recorded; beyond it: an alarm.",
    )

    @field_validator("robots")
    @classmethod
    def _one_each(cls, robots: dict[str, str]) -> dict[str, str]:
        twice = sorted(seat for seat, times in Counter(robots.values()).items() if times > 1)
        if twice:
            raise ValueError(f"{twice[0]} is the test seat of two robots; each has one of his own")
        return robots

    @property
    def test_seats(self) -> dict[SeatId, AgentId]:
        """Whose robot is at which seat."""
        return {SeatId(seat): AgentId(agent) for agent, seat in self.robots.items()}
