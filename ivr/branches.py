"""Comparisons of branch nodes. A comparison of numbers with a value that is none does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import assert_never

from ivr.model import Condition


def holds(condition: Condition, variables: Mapping[str, str]) -> bool:
    """Whether a condition is true; a variable that was never set is empty."""
    value = variables.get(condition.variable, "")
    match condition.op:
        case "equals":
            return value == condition.value
        case "differs":
            return value != condition.value
        case "empty":
            return value == ""
        case "filled":
            return value != ""
        case "less" | "at_most" | "greater" | "at_least":
            return _ordered(condition, value)
        case _:
            assert_never(condition.op)


def _ordered(condition: Condition, value: str) -> bool:
    left, right = _number(value), _number(condition.value)
    if left is None or right is None:
        return False
    match condition.op:
        case "less":
            return left < right
        case "at_most":
            return left <= right
        case "greater":
            return left > right
        case _:
            return left >= right


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
