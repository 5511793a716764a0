"""Who may call which numbers: classes of numbers by their beginnings, and what groups and single agents may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ccplatform.calls.dial_plan import NumberClass, class_of
from ccplatform.calls.settings import OutSettings
from ccplatform.contracts.words import AgentId


class CallerGroup(StrEnum):
    """Who calls, where nothing is said of him alone."""

    AGENTS = "agents"
    SUPERVISORS = "supervisors"  # by a click, for an agent
    SEATS = "seats"  # phones at which nobody is signed in
    FLOWS = "flows"


#: Names that are no agent's.
GROUPS: Final[frozenset[str]] = frozenset(CallerGroup)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What a group or an agent may call; ``may`` None: as his group. ``caller`` is the number that he shows; '':
    no particular one."""

    may: tuple[NumberClass, ...] | None = None
    caller: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallingRules:
    """``classes`` by the beginning of a number, ``permissions`` by group (every one is there) and by agent."""

    classes: Mapping[str, NumberClass]
    permissions: Mapping[str, Permission]

    @classmethod
    def of(cls, settings: OutSettings) -> CallingRules:
        """Those of the settings file: with which a centre begins."""
        groups = {
            CallerGroup.AGENTS: settings.agents_may,
            CallerGroup.SUPERVISORS: settings.supervisors_may,
            CallerGroup.SEATS: settings.seats_may,
            CallerGroup.FLOWS: settings.flows_may,
        }
        own = {agent: Permission(may=one.may, caller=one.caller) for agent, one in settings.own_rules.items()}
        of_groups = {group.value: Permission(may=may) for group, may in groups.items()}
        classes = {prefix: kind for prefix, kind in settings.number_classes.items() if prefix}
        return cls(classes=classes, permissions=own | of_groups)

    def class_of(self, number: str, country: str) -> NumberClass:
        """The class of a number outside; ``country`` is the code of our own."""
        return class_of(number, self.classes, country)

    def may(self, group: CallerGroup, agent: AgentId | None = None) -> tuple[NumberClass, ...]:
        """The classes that a group may call, or one agent of it."""
        own = self._own(agent)
        if own is not None and own.may is not None:
            return own.may
        return self.permissions[group].may or ()

    def caller(self, agent: AgentId | None) -> str:
        """The number that an agent shows; '': no particular one."""
        own = self._own(agent)
        return own.caller if own is not None else ""

    def _own(self, agent: AgentId | None) -> Permission | None:
        return self.permissions.get(agent) if agent is not None and agent not in GROUPS else None
