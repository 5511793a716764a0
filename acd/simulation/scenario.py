"""A centre to be simulated: its queues with their calls, and its agents. Read from a TOML document."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acd.errors import IllegalSetting
from acd.model import Agent, Queue, Strategy
from acd.skills import SkillId
from ccplatform.contracts.words import AgentId, QueueId


class Handling(StrEnum):
    """How handling times (talk) are distributed around their mean."""

    EXPONENTIAL = "exponential"
    CONSTANT = "constant"
    LOGNORMAL = "lognormal"  # standard deviation equal to half of the mean


class QueueLoad(BaseModel):
    """A queue and the calls that come for it; the names are those of :class:`acd.model.Queue`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    skill: str
    calls_per_hour: float = Field(gt=0, le=1_000_000)
    handling_seconds: float = Field(gt=0, le=36_000)
    handling: Handling = Handling.EXPONENTIAL
    patience_seconds: float | None = Field(default=None, gt=0, le=86_400)
    priority: int = Field(default=5, ge=1, le=10)
    min_level: int = 1
    requires: str = ""
    strategy: Strategy = Strategy.LONGEST_IDLE
    weight: int = 0
    wrap_up_seconds: float = 0.0
    service_level_seconds: float = 20.0

    def queue(self) -> Queue:
        """The queue; raises IllegalSetting."""
        return Queue(
            id=QueueId(self.id),
            name=self.id,
            skill=SkillId(self.skill),
            min_level=self.min_level,
            requires=self.requires,
            strategy=self.strategy,
            weight=self.weight,
            wrap_up_seconds=self.wrap_up_seconds,
            service_level_seconds=self.service_level_seconds,
            max_waiting=100_000,
        )


class AgentGroup(BaseModel):
    """Agents who are alike."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    count: int = Field(ge=1, le=100_000)
    skills: dict[str, int]

    def agents(self) -> list[Agent]:
        """The agents; raises IllegalSetting."""
        skills = {SkillId(skill): level for skill, level in self.skills.items()}
        names = (f"{self.id}-{number:05}" for number in range(1, self.count + 1))
        return [Agent(id=AgentId(name), name=name, team=self.id, skills=skills) for name in names]


class Scenario(BaseModel):
    """The whole centre."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    queues: tuple[QueueLoad, ...] = Field(min_length=1, max_length=1000)
    agents: tuple[AgentGroup, ...] = Field(min_length=1, max_length=1000)
    ageing_seconds: float = Field(default=60.0, ge=0)


def one_queue(
    agents: int, calls_per_hour: float, handling_seconds: float, patience_seconds: float | None = None
) -> Scenario:
    """One queue and equal agents: what Erlang C (callers wait for ever) and Erlang A describe."""
    load = QueueLoad(
        id="queue",
        skill="skill",
        calls_per_hour=calls_per_hour,
        handling_seconds=handling_seconds,
        patience_seconds=patience_seconds,
    )
    return Scenario(queues=(load,), agents=(AgentGroup(id="agent", count=agents, skills={"skill": 1}),))


def read_scenario(text: str) -> Scenario:
    """A scenario from its TOML document; raises IllegalSetting that names what is wrong."""
    try:
        document: dict[str, Any] = tomllib.loads(text)
        return Scenario.model_validate(document)
    except tomllib.TOMLDecodeError as error:
        raise IllegalSetting("scenario", "document", "", f"it must be TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise IllegalSetting("scenario", path, first.get("input"), first["msg"]) from error
