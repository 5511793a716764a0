"""The watch over section 10.3: which alarms its figures ask for, on a breach and before it. Pure.

One alarm a requirement at a time, the worst that holds. What alarms are up already is told, so that the watch has
no memory of its own: whoever restarts goes on from what is up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ccplatform.contracts.words import Severity
from metrics.budgets import Budget, Watched, short_name
from metrics.definitions import DEFINITIONS
from metrics.indicator import Definition, Unit

#: Kind of alarm and its severity, by how a requirement stands.
_KINDS: Final[Mapping[Watched, tuple[str, Severity]]] = MappingProxyType(
    {
        Watched.MISSED: ("requirement_missed", Severity.URGENT),
        Watched.BURNING: ("budget_burning", Severity.URGENT),
        Watched.LOW: ("budget_low", Severity.NON_URGENT),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An alarm that should be up."""

    kind: str
    subject: str
    severity: Severity
    text: str

    @property
    def name(self) -> tuple[str, str]:
        """What tells it from others."""
        return self.kind, self.subject


#: Every kind that the watch raises and clears.
KINDS: Final = frozenset(kind for kind, _ in _KINDS.values())


def standing(up: Collection[tuple[str, str]]) -> dict[str, Watched]:
    """What the alarms that are up (kind, subject) say of each requirement."""
    by_kind = {kind: stands for stands, (kind, _) in _KINDS.items()}
    return {subject: by_kind[kind] for kind, subject in up if kind in by_kind}


def due(budgets: Iterable[Budget]) -> list[Due]:
    """The alarms that these budgets ask for."""
    found = []
    for budget in budgets:
        if budget.stands in _KINDS:
            kind, severity = _KINDS[budget.stands]
            text = _text(DEFINITIONS[budget.requirement], budget)
            found.append(Due(kind=kind, subject=budget.requirement, severity=severity, text=text))
    return found


def changes(
    wanted: Iterable[Due], up: Collection[tuple[str, str]], kinds: Collection[str] = KINDS
) -> tuple[list[Due], list[tuple[str, str]]]:
    """What to raise, and what to clear of these ``kinds``: others are left alone."""
    by_name = {alarm.name: alarm for alarm in wanted}
    raised = [alarm for name, alarm in by_name.items() if name not in up]
    return raised, [name for name in up if name[0] in kinds and name not in by_name]


def _text(definition: Definition, budget: Budget) -> str:
    what = f"{definition.title_zh} · {definition.title_en}"
    if budget.stands is Watched.MISSED:
        return f"{what}: misses its target {_target(definition)} (n = {budget.burns[-1].samples})"
    left = "" if budget.left is None else f"; {max(0.0, budget.left):.0%} of its budget is left"
    burns = ", ".join(
        f"{burn.burn:.3g} over {short_name(burn.window)}" for burn in budget.burns if burn.burn is not None
    )
    return f"{what}: burn {burns}{left}"


def _target(definition: Definition) -> str:
    assert definition.target is not None
    assert definition.comparison is not None
    unit = " s" if definition.unit is Unit.SECONDS else ""
    return f"{definition.comparison.value} {definition.target:g}{unit}"
