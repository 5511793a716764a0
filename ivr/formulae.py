"""What expressions compute: their operators and functions, on texts, exact decimals and truths of bounded size."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException
from enum import StrEnum
from typing import Any, Final, TypeAlias

from ivr.errors import ExpressionFailed

Value: TypeAlias = str | Decimal | bool

#: Longest text that an expression gives, characters; greatest number; most places behind the point.
LONGEST_TEXT: Final = 1000
GREATEST: Final = Decimal(10) ** 15
PLACES: Final = 9

_CONTEXT: Final = Context(prec=40, rounding=ROUND_HALF_UP)


class Kind(StrEnum):
    """What a part of an expression is."""

    TEXT = "text"
    NUMBER = "number"
    TRUTH = "truth"


def written(value: Value) -> str:
    """A value as variables hold it: ``true``, ``false``, a number without needless zeros, a text as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def number_of(text: str) -> Decimal:
    """The number that a text is; raises :class:`ExpressionFailed`."""
    try:
        return bounded(Decimal(text.strip() if len(text) <= 40 else ""))
    except DecimalException:
        raise ExpressionFailed("a text is not a number") from None


def bounded(value: Decimal) -> Decimal:
    """The number, rounded to what is kept; raises :class:`ExpressionFailed` when it is too great."""
    if not value.is_finite() or abs(value) > GREATEST:
        raise ExpressionFailed(f"a number is beyond {GREATEST}")
    return round(value, PLACES)


def _arithmetic(compute: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Decimal, Decimal], Decimal]:
    def computed(left: Decimal, right: Decimal) -> Decimal:
        try:
            return bounded(compute(left, right))
        except DecimalException:
            raise ExpressionFailed("a division by zero") from None

    return computed


def _add(left: Any, right: Any) -> Value:
    if isinstance(left, Decimal):
        return bounded(_CONTEXT.add(left, right))
    if len(left) + len(right) > LONGEST_TEXT:
        raise ExpressionFailed(f"a text is longer than {LONGEST_TEXT} characters")
    return str(left + right)


#: Kinds are checked before (:mod:`ivr.kinds`): operators get what they can take.
OPERATORS: Final[dict[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: _add,
    ast.Sub: _arithmetic(_CONTEXT.subtract),
    ast.Mult: _arithmetic(_CONTEXT.multiply),
    ast.Div: _arithmetic(_CONTEXT.divide),
    ast.Mod: _arithmetic(_CONTEXT.remainder),
    ast.USub: operator.neg,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda part, whole: part in whole,
    ast.NotIn: lambda part, whole: part not in whole,
}


def luhn(text: str) -> bool:
    """Whether the last digit checks the others, as on bank cards (ISO/IEC 7812-1 annex B)."""
    if not (text.isascii() and text.isdigit()) or len(text) < 2:
        return False
    doubled = (int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(text)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _part(text: str, start: Decimal, count: Decimal) -> str:
    begin = max(0, int(start) - 1)
    return text[begin : begin + max(0, int(count))]


def _is_number(text: str) -> bool:
    try:
        number_of(text)
    except ExpressionFailed:
        return False
    return True


def _round(value: Decimal, places: Decimal) -> Decimal:
    step = Decimal(1).scaleb(-max(0, min(PLACES, int(places))))
    return value.quantize(step, context=_CONTEXT)


#: Every function of the language: what it takes, what it gives.
SIGNATURES: Final[dict[str, tuple[tuple[Kind, ...], Kind]]] = {
    "number": ((Kind.TEXT,), Kind.NUMBER),
    "text": ((Kind.NUMBER,), Kind.TEXT),
    "is_number": ((Kind.TEXT,), Kind.TRUTH),
    "length": ((Kind.TEXT,), Kind.NUMBER),
    "digits": ((Kind.TEXT,), Kind.TEXT),
    "part": ((Kind.TEXT, Kind.NUMBER, Kind.NUMBER), Kind.TEXT),
    "lower": ((Kind.TEXT,), Kind.TEXT),
    "upper": ((Kind.TEXT,), Kind.TEXT),
    "starts_with": ((Kind.TEXT, Kind.TEXT), Kind.TRUTH),
    "ends_with": ((Kind.TEXT, Kind.TEXT), Kind.TRUTH),
    "round": ((Kind.NUMBER, Kind.NUMBER), Kind.NUMBER),
    "least": ((Kind.NUMBER, Kind.NUMBER), Kind.NUMBER),
    "greatest": ((Kind.NUMBER, Kind.NUMBER), Kind.NUMBER),
    "luhn": ((Kind.TEXT,), Kind.TRUTH),
}

FUNCTIONS: Final[dict[str, Callable[..., Value]]] = {
    "number": number_of,
    "text": written,
    "is_number": _is_number,
    "length": lambda text: Decimal(len(text)),
    "digits": lambda text: "".join(sign for sign in text if sign in "0123456789"),
    "part": _part,
    "lower": lambda text: text.lower()[:LONGEST_TEXT],
    "upper": lambda text: text.upper()[:LONGEST_TEXT],
    "starts_with": lambda text, begin: text.startswith(begin),
    "ends_with": lambda text, end: text.endswith(end),
    "round": _round,
    "least": min,
    "greatest": max,
    "luhn": luhn,
}
