"""Expressions of flows: a small language over the session's variables, whose values are text.

They are written in a subset of Python that can be judged whole before a flow is published: no attributes,
indices, powers, methods or comprehensions; every part has a kind (text, number, truth) that fits where it stands.
Nothing is compiled or executed as Python: the judged parts are prepared as closures (:mod:`ivr.prepared`). Each
part is evaluated at most once, over values of bounded size, so that the length of an expression bounds its cost.
Numbers are exact decimals: 0.1 + 0.2 is 0.3, as money wants it.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping
from typing import Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ivr.formulae import Kind, Value, written
from ivr.kinds import kind_of
from ivr.prepared import prepared

#: Longest expression, characters; most parts and deepest nesting of one.
MAX_LENGTH: Final = 500
MAX_PARTS: Final = 100
MAX_DEPTH: Final = 20


class Expression:
    """A checked expression; ``names`` are the variables that it reads. Raises ValueError when it is wrong."""

    __slots__ = ("_value", "kind", "names", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        tree, names = _parsed(text), set[str]()
        self.kind = kind_of(tree, names)
        self.names = frozenset(names)
        self._value = prepared(tree)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def value(self, variables: Mapping[str, str]) -> Value:
        """What it comes to; a variable that was never set is empty.

        Raises :class:`~ivr.errors.ExpressionFailed`.
        """
        value: Value = self._value(variables)
        return value

    def holds(self, variables: Mapping[str, str]) -> bool:
        """Whether it is true; raises :class:`~ivr.errors.ExpressionFailed`."""
        return self._value(variables) is True

    def written(self, variables: Mapping[str, str]) -> str:
        """Its value as a variable holds it; raises :class:`~ivr.errors.ExpressionFailed`."""
        return written(self._value(variables))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text in documents."""
        return core_schema.no_info_plain_validator_function(
            _validated,
            serialization=core_schema.plain_serializer_function_ser_schema(_text_of),
            json_schema_input_schema=core_schema.str_schema(min_length=1, max_length=MAX_LENGTH),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A text in documents, told from others by its format."""
        return {**handler(core), "format": "expression"}


def as_condition(expression: Expression) -> Expression:
    """The same, if it is true or false; raises ValueError."""
    if expression.kind is not Kind.TRUTH:
        raise ValueError(f"a condition is true or false; this is a {expression.kind}")
    return expression


def _validated(value: object) -> Expression:
    if isinstance(value, Expression):
        return value
    if not isinstance(value, str):
        raise ValueError("an expression is a text")
    return Expression(value)


def _text_of(expression: Expression) -> str:
    return expression.text


def _parsed(text: str) -> ast.expr:
    if not text.strip() or len(text) > MAX_LENGTH:
        raise ValueError(f"an expression has 1 to {MAX_LENGTH} characters")
    if "\\" in text or not text.isprintable():
        raise ValueError("an expression holds no backslash and no control characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, SyntaxWarning, DeprecationWarning) as error:
        raise ValueError(f"not an expression: {getattr(error, 'msg', None) or error}") from None
    except (RecursionError, MemoryError, ValueError):
        raise ValueError("an expression is not nested as deeply") from None
    _measure(tree)
    return tree


def _measure(tree: ast.expr) -> None:
    parts, level = 0, [tree]
    for _ in range(MAX_DEPTH):
        parts += len(level)
        level = [child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        if not level:
            break
    else:
        raise ValueError(f"an expression is nested at most {MAX_DEPTH} deep")
    if parts > MAX_PARTS:
        raise ValueError(f"an expression has at most {MAX_PARTS} parts")
