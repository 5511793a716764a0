"""A sample of every fact, made from its type annotations."""

from __future__ import annotations

import dataclasses
import types
import typing
import uuid
from collections.abc import Callable
from enum import Enum
from typing import Any, get_args, get_type_hints

from ccplatform.contracts.facts import Fact

FACT_TYPES: tuple[type[Fact], ...] = get_args(Fact)

CONTACT = "01890000-0000-7000-8000-000000000001"

_PLAIN: dict[Any, Callable[[str], Any]] = {
    str: lambda name: f"{name} 张伟",
    int: lambda name: 7,
    float: lambda name: 1.25,
    bool: lambda name: True,
}


def sample(cls: type[Fact], **given: Any) -> Fact:
    """An instance with every field filled; ids are UUIDs."""
    hints = get_type_hints(cls)
    values = {f.name: _value(f.name, hints[f.name]) for f in dataclasses.fields(cls)}
    return cls(**{**values, **given})


def _value(name: str, hint: Any) -> Any:
    if name == "contact":
        return CONTACT
    if name == "alarm":
        return str(uuid.UUID(int=9))
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return _value(name, next(arg for arg in get_args(hint) if arg is not type(None)))
    hint = getattr(hint, "__supertype__", hint)
    if typing.get_origin(hint) is typing.Literal:
        return get_args(hint)[0]
    if hint == tuple[float, ...]:
        return (0.5, 1.5)
    if typing.get_origin(hint) is dict:
        return {"skill": 7}
    if typing.get_origin(hint) is tuple:
        return tuple(_value(name, part) for part in get_args(hint) if part is not ...)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return list(hint)[-1]
    return _PLAIN[hint](name)
