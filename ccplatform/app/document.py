"""Writes `docs/settings.md` from the settings: ``python -m ccplatform.app.document``. A test compares the two."""

from __future__ import annotations

import types
from collections.abc import Iterator
from datetime import time
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from ccplatform.app.settings import Settings

#: Where the page is, seen from the repository.
PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"

_HEAD = """# Settings

Generated from the settings models by `python -m ccplatform.app.document`; do not edit.

A setting is given in a TOML file (`--config`), in an environment variable, or by a flag; the later one wins.
The variable of `sip.port` is `CCP_SIP__PORT`: the prefix `CCP_`, the section, two underscores, the name.
Unknown names and values out of bounds are refused: every problem is one line, and the exit code is 2.
`ccplatform config check FILE` looks at a file, `ccplatform config show` prints what is in force.
Other variables are `CCP_MASTER_KEY` ([operations](operations.md#the-master-key)) and `CCP_USER_PASSWORD` (for
`ccplatform user`).
"""
_WORDS: dict[Any, str] = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "true or false",
    Path: "path",
    time: "time of day",
    SecretStr: "secret text",
    IPv4Address: "IP address",
    IPv6Address: "IP address",
    IPv4Network: "network",
    IPv6Network: "network",
}
_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for name, field in Settings.model_fields.items():
        parts += _section(name, _model_in(field.annotation))
    return "\n".join(parts)


def _section(path: str, model: type[BaseModel] | None) -> Iterator[str]:
    """The table of a section, then those of the models inside it."""
    if model is None:
        return
    inner: list[tuple[str, type[BaseModel]]] = []
    rows = ["| name | type | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        below = _model_in(field.annotation)
        if below is not None:
            inner.append((_path_below(path, name, field.annotation), below))
        if below is None or field.annotation is not below:
            rows.append(_row(name, field))
    yield f"## `{path}`\n\n{_summary(model)}\n"
    if len(rows) > 2:
        yield "\n".join(rows) + "\n"
    for deeper, below in inner:
        yield from _section(deeper, below)


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _path_below(path: str, name: str, annotation: Any) -> str:
    match get_origin(annotation):
        case origin if origin is tuple:
            return f"{path}.{name}[]"
        case origin if origin is dict:
            return f"{path}.{name}.NAME"
        case _:
            return f"{path}.{name}"


def _row(name: str, field: FieldInfo) -> str:
    kind = ", ".join([_kind(field.annotation), *_bounds(field.metadata)])
    meaning = (field.description or "").strip().rstrip(".").replace("|", "\\|")
    return f"| `{name}` | {kind} | {_default(field)} | {meaning[:1].upper()}{meaning[1:]} |"


def _kind(annotation: Any) -> str:
    """An annotation in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin is Literal:
        return "one of " + ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        kinds = [_kind(argument) for argument in arguments if argument is not type(None)]
        return " or ".join(dict.fromkeys(kinds))
    if origin in (tuple, frozenset):
        return f"list: {_kind(arguments[0])}"
    if origin is dict:
        return f"table by name: {_kind(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return "one of " + ", ".join(f"`{member}`" for member in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return _WORDS[annotation]


def _bounds(metadata: list[Any]) -> Iterator[str]:
    for item in metadata:
        for name, sign in _SIGNS.items():
            if isinstance(item, getattr(annotated_types, name.capitalize())):
                yield f"{sign} {getattr(item, name)}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*must be given*"
    value = field.get_default(call_default_factory=True)
    return "–" if value in (None, "", (), {}) else f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    """A default as it would stand in TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | frozenset):
        items = sorted(map(_plain, value)) if isinstance(value, frozenset) else map(_plain, value)
        return "[" + ", ".join(items) + "]"
    if isinstance(value, int | float):
        return str(value)
    return f'"{value}"'


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation is, or that its items are."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in found if model is not None), None)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
