"""Reading flow documents: YAML or JSON text to a checked :class:`~ivr.model.Flow`, with exact error paths.

Documents come from people and, later, from browsers: size, depth and count are bounded, YAML aliases (and with
them exponential documents) are refused, a key that stands twice is an error. Scalars stay text and the schema
gives them their types, so that keys like ``1`` or ``no`` mean what they look like.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from ivr.checks import check
from ivr.errors import FlowError, FlowProblem
from ivr.model import Flow
from ivr.together import check_together

#: Largest document, bytes, and its deepest nesting.
MAX_BYTES = 2 * 2**20
MAX_DEPTH = 30

ModelT = TypeVar("ModelT", bound=BaseModel)

_LOADER = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader


class _Unreadable(Exception):
    """What is wrong with a text, before any schema."""


def read_flow(path: Path) -> Flow:
    """The flow in a file; raises :class:`FlowError` with everything that is wrong with it."""
    return parse_flow(_read(path), str(path))


def parse_flow(text: bytes | str, file: str) -> Flow:
    """The flow in a text; ``file`` names it in errors. JSON is recognised by its first character."""
    try:
        document = _plain(text)
    except _Unreadable as error:
        raise FlowError([FlowProblem(file=file, path="", reason=str(error))]) from error
    return flow_from(document, file)


def parse_as(model: type[ModelT], path: Path) -> ModelT:
    """A document of another kind about flows; raises :class:`FlowError` with everything that is wrong with it."""
    try:
        document = _plain(_read(path))
    except _Unreadable as error:
        raise FlowError([FlowProblem(file=str(path), path="", reason=str(error))]) from error
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise FlowError(list(_schema_problems(error, str(path)))) from error


def flow_from(document: object, file: str) -> Flow:
    """The checked flow of a plain document; ``file`` names it in errors."""
    try:
        flow = Flow.model_validate(document)
    except ValidationError as error:
        raise FlowError(list(_schema_problems(error, file))) from error
    problems = [FlowProblem(file=file, path=path, reason=reason) for path, reason in check(flow)]
    if problems:
        raise FlowError(problems)
    return flow


def check_flow_file(path: Path) -> list[str]:
    """Every problem of a flow document, a line each; empty: it may be published with the flows beside it."""
    try:
        flow = read_flow(path)
    except FlowError as error:
        return [str(problem) for problem in error.problems]
    return [
        str(FlowProblem(file=str(path), path=finding.path, reason=finding.reason))
        for finding in check_together({**flows_beside(path), flow.flow: flow})
        if finding.flow == flow.flow
    ]


def flows_beside(path: Path) -> dict[str, Flow]:
    """The flows of a file's directory by name, its own included, without those that are wrong."""
    found: dict[str, Flow] = {}
    for other in _flow_files(path.parent):
        with suppress(FlowError):
            flow = read_flow(other)
            found[flow.flow] = flow
    return found


def shipped_flows(directory: Path | None = None) -> list[Flow]:
    """The flows of a directory, by default those that belong to this program; raises :class:`FlowError`."""
    folder = directory or Path(__file__).parents[1] / "config" / "flows"
    return [read_flow(path) for path in _flow_files(folder)]


def document_of(flow: Flow) -> dict[str, Any]:
    """The plain JSON-able document of a flow, without what was left at its default."""
    return flow.model_dump(mode="json", exclude_unset=True)


def revision_of(flow: Flow) -> str:
    """A hash that names this exact document."""
    text = json.dumps(document_of(flow), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _flow_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml", ".json"))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FlowError([FlowProblem(file=str(path), path="", reason=error.strerror or "unreadable")]) from error


def _plain(text: bytes | str) -> Any:
    if len(text) > MAX_BYTES:
        raise _Unreadable(f"the document is larger than {MAX_BYTES} bytes")
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise _Unreadable(f"the document is not UTF-8: {error.reason} at byte {error.start}") from error
    if decoded.lstrip("\ufeff \t\r\n").startswith("{"):
        return _plain_json(decoded.lstrip("\ufeff"))
    return _plain_yaml(decoded)


def _plain_json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_twins)
    except RecursionError as error:
        raise _Unreadable("the document is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise _Unreadable(f"line {error.lineno}, column {error.colno}: {error.msg}") from error


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Unreadable(f"the key {next(n for n in names if names.count(n) > 1)!r} stands twice")
    return result


def _plain_yaml(text: str) -> Any:
    try:
        return _build(iter(yaml.parse(text, Loader=_LOADER)))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise _Unreadable(f"{where}{getattr(error, 'problem', None) or error}") from error


def _build(events: Iterator[yaml.Event]) -> Any:
    """Plain data from YAML events; the open collections are a stack, so depth costs no recursion."""
    root: list[Any] = []
    stack: list[_Open] = [_Open(root)]
    for event in events:
        line = event.start_mark.line + 1 if event.start_mark is not None else 0
        if isinstance(event, yaml.AliasEvent):
            raise _Unreadable(f"line {line}: aliases (*name) are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            stack[-1].add(event.value, line)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if len(stack) > MAX_DEPTH:
                raise _Unreadable(f"line {line}: nested deeper than {MAX_DEPTH} levels")
            child = _Open({} if isinstance(event, yaml.MappingStartEvent) else [])
            stack[-1].add(child.value, line)
            stack.append(child)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            stack.pop()
    if len(root) != 1:
        raise _Unreadable("one document is expected" if root else "the document is empty")
    return root[0]


class _Open:
    """A YAML collection that is still being filled."""

    def __init__(self, value: dict[str, Any] | list[Any]) -> None:
        self.value = value
        self._key: str | None = None

    def add(self, child: Any, line: int) -> None:
        if isinstance(self.value, list):
            self.value.append(child)
        elif self._key is None:
            if not isinstance(child, str):
                raise _Unreadable(f"line {line}: a key must be a simple text")
            if child in self.value:
                raise _Unreadable(f"line {line}: the key {child!r} stands twice")
            self._key = child
        else:
            self.value[self._key] = child
            self._key = None


def _schema_problems(error: ValidationError, file: str) -> Iterator[FlowProblem]:
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        path = list(detail["loc"])
        if path[:1] == ["nodes"] and len(path) > 2:
            del path[2]  # pydantic names the kind of the node there; the document has no such level
        path = [step for step in path if step != "[key]" and not str(step).startswith("(")]
        yield FlowProblem(file=file, path=".".join(str(step) for step in path), reason=detail["msg"])
