"""Expressions made ready once to be evaluated often: closures in place of the parts of a judged syntax tree.

Nothing is compiled or executed as Python: a part becomes a call of ours, of :data:`~ivr.formulae.OPERATORS` or of
:data:`~ivr.formulae.FUNCTIONS`, on what its own parts come to.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from ivr.formulae import FUNCTIONS, LONGEST_TEXT, OPERATORS

#: What a part comes to with these variables; raises :class:`~ivr.errors.ExpressionFailed`.
Prepared: TypeAlias = Callable[[Mapping[str, str]], Any]


def prepared(part: ast.expr) -> Prepared:
    """The closure of a part that :func:`~ivr.kinds.kind_of` has judged; raises ValueError for what it refuses."""
    match part:
        case ast.Constant(value=value):
            return lambda variables: value
        case ast.Name(id=name):
            return lambda variables: variables.get(name, "")[:LONGEST_TEXT]
        case ast.BoolOp():
            return _until(isinstance(part.op, ast.Or), [prepared(value) for value in part.values])
        case ast.UnaryOp():
            return _of_one(OPERATORS[type(part.op)], prepared(part.operand))
        case ast.BinOp():
            return _of_two(OPERATORS[type(part.op)], prepared(part.left), prepared(part.right))
        case ast.Compare(ops=[op], comparators=[right]):
            return _of_two(OPERATORS[type(op)], prepared(part.left), prepared(right))
        case ast.IfExp():
            return _chosen(prepared(part.test), prepared(part.body), prepared(part.orelse))
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            return _called(FUNCTIONS[name], [prepared(argument) for argument in part.args])
        case _:
            raise ValueError(f"{type(part).__name__} is not part of this language")


def _until(decisive: bool, parts: Sequence[Prepared]) -> Prepared:
    """``or`` goes on until a part is true, ``and`` until one is false."""

    def joined(variables: Mapping[str, str]) -> bool:
        for part in parts:
            truth: bool = part(variables)
            if truth is decisive:
                return truth
        return not decisive

    return joined


def _chosen(test: Prepared, body: Prepared, otherwise: Prepared) -> Prepared:
    return lambda variables: body(variables) if test(variables) else otherwise(variables)


def _called(compute: Callable[..., Any], arguments: Sequence[Prepared]) -> Prepared:
    match arguments:
        case [one]:
            return _of_one(compute, one)
        case [left, right]:
            return _of_two(compute, left, right)
        case _:
            return lambda variables: compute(*[argument(variables) for argument in arguments])


def _of_one(compute: Callable[[Any], Any], one: Prepared) -> Prepared:
    return lambda variables: compute(one(variables))


def _of_two(compute: Callable[[Any, Any], Any], left: Prepared, right: Prepared) -> Prepared:
    return lambda variables: compute(left(variables), right(variables))
