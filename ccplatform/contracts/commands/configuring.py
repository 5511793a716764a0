"""Commands that change the configuration, and that tell control of a change committed elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Setting(StrEnum):
    """What people configure while the centre runs."""

    AGENT = "agent"
    QUEUE = "queue"
    SKILL = "skill"
    CALENDAR = "calendar"
    TEAM = "team"
    REASON = "reason"
    DISPOSITION = "disposition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure:
    """Add, change or (without a document) remove something; it is in force once it is answered.

    On ``trial`` it is only checked whether it could be done now.
    """

    setting: Setting
    id: str
    document: dict[str, Any] | None
    by: str
    trial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadAccess:
    """Take trunks, routes and seats as they are stored now."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadFlows:
    """Take flows and the numbers that lead to them as they are stored now."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadCallingRules:
    """Take who may call which numbers as it is stored now."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadRecordingRules:
    """Take the rules of the recording policy as they are stored now."""

    by: str
