"""Settings that are a name and little else: teams, reasons for not being ready, dispositions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from acd.errors import IllegalSetting
from acd.model import POSITIONS, check_id, check_name, check_whole
from ccplatform.contracts.commands import Setting

#: Most queues that a disposition is for.
MAX_QUEUES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Agents who belong together. Raises IllegalSetting."""

    id: str
    name: str

    def __post_init__(self) -> None:
        _check(f"team {self.id}", self.id, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an agent is not ready; ``position`` is its place in the list that he is shown. Raises IllegalSetting."""

    id: str
    name: str
    position: int = 1000

    def __post_init__(self) -> None:
        subject = f"reason {self.id}"
        _check(subject, self.id, self.name)
        check_whole(subject, "position", self.position, POSITIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disposition:
    """What a contact came to, as its agent says; for these queues (none: for all). Raises IllegalSetting."""

    id: str
    name: str
    position: int = 1000
    queues: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        subject = f"disposition {self.id}"
        _check(subject, self.id, self.name)
        check_whole(subject, "position", self.position, POSITIONS)
        if len(self.queues) > MAX_QUEUES:
            raise IllegalSetting(subject, "queues", len(self.queues), f"it is for at most {MAX_QUEUES}")
        for queue in self.queues:
            check_id(subject, "queues", queue)


Named: TypeAlias = Team | Reason | Disposition

#: What each kind is made of.
NAMED: Final[dict[Setting, type[Named]]] = {
    Setting.TEAM: Team,
    Setting.REASON: Reason,
    Setting.DISPOSITION: Disposition,
}


def _check(subject: str, name: str, title: str) -> None:
    check_id(subject, "id", name)
    check_name(subject, "name", title)
