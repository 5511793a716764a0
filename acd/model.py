"""What people configure: agents with skills, and queues. A definition that breaks a rule cannot be made."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, NewType

from acd.errors import IllegalSetting
from ccplatform.contracts.words import AgentId, QueueId

SkillId = NewType("SkillId", str)

#: Skill levels, and the priorities of contacts: 10 is the best, the most urgent.
LEVELS = range(1, 11)
PRIORITIES = range(1, 11)
#: A queue's weight is added to the priority of its contacts.
WEIGHTS = range(-10, 11)
#: Longest id, name and reason, characters.
MAX_ID, MAX_NAME, MAX_REASON = 64, 128, 64
#: Most skills of one agent.
MAX_SKILLS = 100

_ID = re.compile(r"[\w.\-]+")


class Strategy(StrEnum):
    """Which of the free agents gets the contact."""

    LONGEST_IDLE = "longest_idle"


class Requirement(NamedTuple):
    """What an agent needs to take contacts of a queue, and how the queue picks among those who have it."""

    skill: SkillId
    min_level: int
    strategy: Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A person (工号). ``skills`` gives a level from 1 to 10 to each skill. Raises IllegalSetting."""

    id: AgentId
    name: str
    team: str = ""
    skills: Mapping[SkillId, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        subject = f"agent {self.id}"
        _check_id(subject, "id", self.id)
        _check_name(subject, "name", self.name)
        if len(self.team) > MAX_NAME:
            raise IllegalSetting(subject, "team", self.team, f"it may have at most {MAX_NAME} characters")
        if len(self.skills) > MAX_SKILLS:
            raise IllegalSetting(subject, "skills", len(self.skills), f"an agent has at most {MAX_SKILLS}")
        for skill, level in self.skills.items():
            _check_id(subject, "skills", skill)
            _check_whole(subject, f"skills.{skill}", level, LEVELS)

    def meets(self, requirement: Requirement) -> bool:
        """Whether the agent may take contacts with this requirement."""
        return self.skills.get(requirement.skill, 0) >= requirement.min_level


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Where contacts wait for agents who have ``skill`` at ``min_level`` or above. Raises IllegalSetting.

    ``ring_seconds`` is the lease of an offer, ``wrap_up_seconds`` the after-call time (0: none), ``weight`` is
    added to the priorities of the queue's contacts, ``service_level_ratio`` of all contacts should be answered
    within ``service_level_seconds``; ``music`` is a file name in the prompt folder, '' the default music.
    """

    id: QueueId
    name: str
    skill: SkillId
    min_level: int = 1
    strategy: Strategy = Strategy.LONGEST_IDLE
    ring_seconds: float = 20.0
    wrap_up_seconds: float = 10.0
    weight: int = 0
    service_level_seconds: float = 20.0
    service_level_ratio: float = 0.8
    max_waiting: int = 1000
    music: str = ""

    def __post_init__(self) -> None:
        subject = f"queue {self.id}"
        _check_id(subject, "id", self.id)
        _check_name(subject, "name", self.name)
        _check_id(subject, "skill", self.skill)
        _check_whole(subject, "min_level", self.min_level, LEVELS)
        if not isinstance(self.strategy, Strategy):
            raise IllegalSetting(subject, "strategy", self.strategy, f"it must be one of {', '.join(Strategy)}")
        _check_number(subject, "ring_seconds", self.ring_seconds, 1, 600)
        _check_number(subject, "wrap_up_seconds", self.wrap_up_seconds, 0, 3600)
        _check_whole(subject, "weight", self.weight, WEIGHTS)
        _check_number(subject, "service_level_seconds", self.service_level_seconds, 1, 3600)
        _check_number(subject, "service_level_ratio", self.service_level_ratio, 0, 1)
        _check_whole(subject, "max_waiting", self.max_waiting, range(1, 100_001))
        if self.music and (
            len(self.music) > MAX_NAME or self.music.startswith(".") or set(self.music) & set("/\\\0")
        ):
            raise IllegalSetting(subject, "music", self.music, "it must be a plain file name")

    @property
    def requirement(self) -> Requirement:
        """What an agent needs for this queue."""
        return Requirement(self.skill, self.min_level, self.strategy)


def check_reason(agent: AgentId, reason: str) -> None:
    """A reason for not being ready is a short line of printable text; raises IllegalSetting."""
    if len(reason) > MAX_REASON or not reason.isprintable():
        raise IllegalSetting(
            f"agent {agent}", "reason", reason[:MAX_REASON], f"it is at most {MAX_REASON} printable characters"
        )


def _check_id(subject: str, name: str, value: str) -> None:
    if len(value) > MAX_ID or not _ID.fullmatch(value):
        rule = f"an id has 1 to {MAX_ID} letters, digits, dots, hyphens and underscores"
        raise IllegalSetting(subject[: MAX_ID + 6], name, value[:MAX_ID], rule)


def _check_name(subject: str, name: str, value: str) -> None:
    if not value.strip() or len(value) > MAX_NAME or not value.isprintable():
        raise IllegalSetting(subject, name, value[:MAX_NAME], f"it needs 1 to {MAX_NAME} printable characters")


def _check_whole(subject: str, name: str, value: int, allowed: range) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        raise IllegalSetting(subject, name, value, f"it must be a whole number from {allowed[0]} to {allowed[-1]}")


def _check_number(subject: str, name: str, value: float, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise IllegalSetting(subject, name, value, "it must be a number")
    if not low <= value <= high:
        raise IllegalSetting(subject, name, value, f"it must be from {low} to {high}")
