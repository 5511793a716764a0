"""From the text of a document to plain data, within bounds: YAML or JSON, JSON by its first character.

Documents come from people and browsers: bytes, depth, the number of values and their length are bounded; YAML
aliases (and with them exponential documents) are refused; a key that stands twice is an error. Scalars of YAML
stay text and the schema gives them their types, so that keys like ``1`` or ``no`` mean what they look like; only
an unquoted ``null`` or ``~`` is nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, NoReturn

import yaml

from ivr.errors import UnreadableDocument

#: Largest document in bytes, its deepest nesting, its most values, and the longest of them in characters.
MAX_BYTES, MAX_DEPTH, MAX_VALUES, MAX_TEXT = 2 * 2**20, 30, 100_000, 10_000

_MOST_DIGITS: Final = 18
_NOTHING: Final = frozenset({"null", "~"})
_LOADER = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader


def plain_of(text: bytes | str) -> Any:
    """The plain data of a text; raises :class:`UnreadableDocument` with line and reason."""
    if len(text) > MAX_BYTES:
        raise UnreadableDocument(f"the document is larger than {MAX_BYTES} bytes")
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise UnreadableDocument(f"the document is not UTF-8: {error.reason} at byte {error.start}") from error
    if decoded.lstrip("\ufeff \t\r\n").startswith("{"):
        return _plain_json(decoded.lstrip("\ufeff"))
    return _plain_yaml(decoded)


def check_bounds(document: object) -> None:
    """Raise :class:`UnreadableDocument` for plain data that is too deep, too long or no plain data."""
    waiting: list[tuple[object, int]] = [(document, 0)]
    seen = 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if seen > MAX_VALUES:
            raise UnreadableDocument(f"the document has more than {MAX_VALUES} values")
        if depth > MAX_DEPTH:
            raise UnreadableDocument(f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise UnreadableDocument(f"the text {value[:20]!r}… is longer than {MAX_TEXT} characters")
        if isinstance(value, dict):
            waiting += [(inner, depth + 1) for pair in value.items() for inner in pair]
        elif isinstance(value, list):
            waiting += [(inner, depth + 1) for inner in value]


def yaml_of(document: dict[str, Any]) -> str:
    """A document as people read it; :func:`plain_of` gives it back."""
    text: str = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110)
    return text


def _plain_json(text: str) -> Any:
    try:
        document = json.loads(
            text, object_pairs_hook=_without_twins, parse_int=_whole, parse_constant=_no_constant
        )
    except RecursionError as error:
        raise UnreadableDocument("the document is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise UnreadableDocument(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    check_bounds(document)
    return document


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        twin = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise UnreadableDocument(f"the key {twin[:100]!r} stands twice")
    return result


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise UnreadableDocument(f"the number {digits[:10]}… has more than {_MOST_DIGITS} digits")
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise UnreadableDocument(f"{name} is no number")


def _plain_yaml(text: str) -> Any:
    try:
        return _build(iter(yaml.parse(text, Loader=_LOADER)))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise UnreadableDocument(f"{where}{getattr(error, 'problem', None) or error}") from error


def _build(events: Iterator[yaml.Event]) -> Any:
    """Plain data from YAML events; the open collections are a stack, so depth costs no recursion."""
    root: list[Any] = []
    stack: list[_Open] = [_Open(root)]
    for values, event in enumerate(events):
        line = event.start_mark.line + 1 if event.start_mark is not None else 0
        if values > 2 * MAX_VALUES:
            raise UnreadableDocument(f"line {line}: the document has more than {MAX_VALUES} values")
        if isinstance(event, yaml.AliasEvent):
            raise UnreadableDocument(f"line {line}: aliases (*name) are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            if len(event.value) > MAX_TEXT:
                raise UnreadableDocument(f"line {line}: a text is longer than {MAX_TEXT} characters")
            stack[-1].add(_scalar(event, key=stack[-1].wants_key), line)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(stack) > MAX_DEPTH:
                raise UnreadableDocument(f"line {line}: nested deeper than {MAX_DEPTH} levels")
            child = _Open({} if isinstance(event, yaml.MappingStartEvent) else [])
            stack[-1].add(child.value, line)
            stack.append(child)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            stack.pop()
    if len(root) != 1:
        raise UnreadableDocument("one document is expected" if root else "the document is empty")
    return root[0]


def _scalar(event: yaml.ScalarEvent, *, key: bool) -> str | None:
    plain = event.implicit[0]
    return None if plain and not key and event.value in _NOTHING else str(event.value)


class _Open:
    """A YAML collection that is still being filled."""

    def __init__(self, value: dict[str, Any] | list[Any]) -> None:
        self.value = value
        self._key: str | None = None

    @property
    def wants_key(self) -> bool:
        """Whether what comes next is a key."""
        return isinstance(self.value, dict) and self._key is None

    def add(self, child: Any, line: int) -> None:
        if isinstance(self.value, list):
            self.value.append(child)
        elif self._key is None:
            if not isinstance(child, str):
                raise UnreadableDocument(f"line {line}: a key must be a simple text")
            if child in self.value:
                raise UnreadableDocument(f"line {line}: the key {child[:100]!r} stands twice")
            self._key = child
        else:
            self.value[self._key] = child
            self._key = None
