"""The order in which alternatives are tried: by priority, and by chance in proportion to weights (RFC 2782)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Final, Protocol, TypeVar

#: What a weight of 0 counts beside others: seldom, but sometimes (RFC 2782).
_NEXT_TO_NOTHING: Final = 0.01


class Alternative(Protocol):
    """Lower ``priority`` is tried first; of the same one each is first in proportion to its ``weight``."""

    @property
    def priority(self) -> int:
        """Rank."""

    @property
    def weight(self) -> int:
        """Share within the rank."""


AlternativeT = TypeVar("AlternativeT", bound=Alternative)


def in_order(alternatives: Iterable[AlternativeT], random: Callable[[], float]) -> list[AlternativeT]:
    """Every alternative once; ``random`` gives numbers from 0 up to 1."""
    ordered: list[AlternativeT] = []
    ranked = sorted(alternatives, key=_priority)
    for _, group in groupby(ranked, key=_priority):
        left = list(group)
        while left:
            ordered.append(left.pop(_drawn([one.weight or _NEXT_TO_NOTHING for one in left], random())))
    return ordered


def _drawn(weights: list[float], chance: float) -> int:
    at = chance * sum(weights)
    for index, weight in enumerate(weights):
        if at < weight:
            return index
        at -= weight
    return len(weights) - 1


def _priority(alternative: Alternative) -> int:
    return alternative.priority
