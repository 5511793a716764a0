"""Reading flow documents: YAML or JSON text to a checked :class:`~ivr.model.Flow`, with exact error paths.

How a text is read, and its bounds, are in :mod:`ivr.plain`; what the schema cannot say is in :mod:`ivr.checks`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ivr.checks import check
from ivr.errors import FlowError, FlowProblem, UnreadableDocument
from ivr.model import Flow
from ivr.plain import MAX_BYTES, plain_of
from ivr.together import check_together

ModelT = TypeVar("ModelT", bound=BaseModel)


def read_flow(path: Path) -> Flow:
    """The flow in a file; raises :class:`FlowError` with everything that is wrong with it."""
    return parse_flow(_read(path), str(path))


def parse_flow(text: bytes | str, file: str) -> Flow:
    """The flow in a text; ``file`` names it in errors. JSON is recognised by its first character."""
    try:
        document = plain_of(text)
    except UnreadableDocument as error:
        raise FlowError([FlowProblem(file=file, path="", reason=str(error))]) from error
    return flow_from(document, file)


def parse_as(model: type[ModelT], path: Path) -> ModelT:
    """A document of another kind about flows; raises :class:`FlowError` with everything that is wrong with it."""
    try:
        document = plain_of(_read(path))
    except UnreadableDocument as error:
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
    """The plain JSON-able document of a flow, without what was left at its default, as people write it."""
    document: dict[str, Any] = _brief(flow.model_dump(mode="json", exclude_unset=True))
    return document


def _brief(value: Any) -> Any:
    """A prompt of nothing but words is a text."""
    if isinstance(value, dict):
        return {name: _brief(inner) for name, inner in value.items()}
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], dict) and value[0].keys() == {"text"}:
            return value[0]["text"]
        return [_brief(inner) for inner in value]
    return value


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


def _schema_problems(error: ValidationError, file: str) -> Iterator[FlowProblem]:
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        path = list(detail["loc"])
        if path[:1] == ["nodes"] and len(path) > 2:
            del path[2]  # pydantic names the kind of the node there; the document has no such level
        path = [step for step in path if step != "[key]" and not str(step).startswith("(")]
        yield FlowProblem(file=file, path=".".join(str(step) for step in path), reason=detail["msg"])
