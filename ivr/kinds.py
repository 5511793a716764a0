"""The kinds of an expression's parts, judged before a flow is published: what fits where, and what is no part."""

from __future__ import annotations

import ast
import re
from decimal import Decimal
from typing import Final

from ivr.formulae import GREATEST, LONGEST_TEXT, SIGNATURES, Kind

_ARITHMETIC: Final = (ast.Sub, ast.Mult, ast.Div, ast.Mod)
_ORDER: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_SAMENESS: Final = (ast.Eq, ast.NotEq)
_MEMBERSHIP: Final = (ast.In, ast.NotIn)
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,63}")


def kind_of(part: ast.expr, names: set[str]) -> Kind:
    """The kind of a part, whose variables are added to ``names``; number literals become decimals.

    Raises ValueError naming what does not fit. Its depth was bounded before.
    """
    match part:
        case ast.Constant():
            return _constant(part)
        case ast.Name():
            return _variable(part.id, names)
        case ast.BoolOp():
            for value in part.values:
                _expect(value, Kind.TRUTH, names, "and, or")
            return Kind.TRUTH
        case ast.UnaryOp(op=ast.Not()):
            return _expect(part.operand, Kind.TRUTH, names, "not")
        case ast.UnaryOp(op=ast.USub()):
            return _expect(part.operand, Kind.NUMBER, names, "-")
        case ast.BinOp():
            return _computed(part, names)
        case ast.Compare():
            return _compared(part, names)
        case ast.IfExp():
            _expect(part.test, Kind.TRUTH, names, "if")
            return _expect(part.orelse, kind_of(part.body, names), names, "else")
        case ast.Call():
            return _called(part, names)
        case _:
            raise ValueError(f"{type(part).__name__} is not part of this language")


def _constant(part: ast.Constant) -> Kind:
    value = part.value
    if isinstance(value, bool):
        return Kind.TRUTH
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            raise ValueError("a text is too long")
        return Kind.TEXT
    if not isinstance(value, int | float) or not abs(value) <= GREATEST:
        raise ValueError(f"{str(value)[:40]} is neither a text nor a number up to {GREATEST}")
    setattr(part, "value", Decimal(str(value)))  # noqa: B010  (its declared type knows no decimals)
    return Kind.NUMBER


def _variable(name: str, names: set[str]) -> Kind:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:64]!r} is not the name of a variable")
    if name in SIGNATURES:
        raise ValueError(f"{name!r} is a function: it needs its (arguments)")
    names.add(name)
    return Kind.TEXT


def _computed(part: ast.BinOp, names: set[str]) -> Kind:
    if isinstance(part.op, ast.Add):
        kind = kind_of(part.left, names)
        if kind is Kind.TRUTH:
            raise ValueError("+ joins texts or adds numbers")
        return _expect(part.right, kind, names, "+")
    if not isinstance(part.op, _ARITHMETIC):
        raise ValueError(f"{type(part.op).__name__} is not part of this language")
    _expect(part.left, Kind.NUMBER, names, "- * / %")
    return _expect(part.right, Kind.NUMBER, names, "- * / %")


def _compared(part: ast.Compare, names: set[str]) -> Kind:
    if len(part.ops) != 1:
        raise ValueError("compare two values at a time, joined by and")
    op, left, right = part.ops[0], part.left, part.comparators[0]
    if isinstance(op, _SAMENESS):
        _expect(right, kind_of(left, names), names, "== !=")
    elif isinstance(op, _ORDER):
        _expect(left, Kind.NUMBER, names, "< <= > >=")
        _expect(right, Kind.NUMBER, names, "< <= > >=")
    elif isinstance(op, _MEMBERSHIP):
        _expect(left, Kind.TEXT, names, "in")
        _expect(right, Kind.TEXT, names, "in")
    else:
        raise ValueError(f"{type(op).__name__} is not part of this language")
    return Kind.TRUTH


def _called(part: ast.Call, names: set[str]) -> Kind:
    name = part.func.id if isinstance(part.func, ast.Name) else ""
    signature = SIGNATURES.get(name)
    if signature is None or part.keywords:
        raise ValueError(f"there is no function {name!r}; there are {', '.join(SIGNATURES)}")
    takes, gives = signature
    if len(part.args) != len(takes):
        raise ValueError(f"{name}() takes {', '.join(takes)}")
    for argument, kind in zip(part.args, takes, strict=True):
        _expect(argument, kind, names, f"{name}()")
    return gives


def _expect(part: ast.expr, kind: Kind, names: set[str], taker: str) -> Kind:
    found = kind_of(part, names)
    if found is not kind:
        hint = ": use number()" if (found, kind) == (Kind.TEXT, Kind.NUMBER) else ""
        raise ValueError(f"{taker} takes a {kind} here, not a {found}{hint}")
    return kind
