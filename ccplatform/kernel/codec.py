"""Dataclasses to plain data and back, by a registry of type names and versions.

Encoded form: ``{"type": "ContactArrived", "v": 1, …fields}``. An older version is *lifted* to the present one
by functions registered per type, so that a journal written years ago still reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

import msgspec

from ccplatform.kernel.errors import RemoteViolation

T = TypeVar("T")
Lift = Callable[[dict[str, Any]], dict[str, Any]]

_JSON = msgspec.json.Encoder()


class UnknownType(RemoteViolation):
    """The data names a type or version that this program does not know, or does not fit its type."""


class Codec(Generic[T]):
    """Encodes and decodes instances of a closed set of dataclasses.

    A class may carry ``VERSION: ClassVar[int]`` (default 1). ``lifts[(name, from_version)]`` turns the fields
    of that version into those of the next.
    """

    def __init__(self, types: Iterable[type[T]], lifts: dict[tuple[str, int], Lift] | None = None) -> None:
        self._types: dict[str, type[T]] = {cls.__name__: cls for cls in types}
        self._names = {cls: (name, version_of(cls)) for name, cls in self._types.items()}
        self._lifts = lifts or {}

    def encode(self, value: T) -> dict[str, Any]:
        """Plain JSON-able data of ``value``."""
        name, version = self._names[type(value)]
        return {"type": name, "v": version, **msgspec.to_builtins(value)}

    def encode_json(self, value: T) -> bytes:
        """The same as JSON, without the plain data in between."""
        name, version = self._names[type(value)]
        fields = _JSON.encode(value)[1:]
        return b'{"type":"%s","v":%d%s%s' % (name.encode(), version, b"," if len(fields) > 1 else b"", fields)

    def name_of(self, value: T) -> tuple[str, int]:
        """Name and version of the value's type, for those who encode it themselves."""
        return self._names[type(value)]

    def decode(self, data: dict[str, Any]) -> T:
        """The value that ``data`` describes; raises :class:`UnknownType` with the reason."""
        name, version = data.get("type"), data.get("v", 1)
        cls = self._types.get(name) if isinstance(name, str) else None
        if cls is None or not isinstance(name, str):
            raise UnknownType(f"unknown type {name!r}")
        if type(version) is not int or version < 1:
            raise UnknownType(f"{name}: {version!r} is not a version")
        fields = {key: value for key, value in data.items() if key not in ("type", "v")}
        while version < version_of(cls):
            lift = self._lifts.get((name, version))
            if lift is None:
                raise UnknownType(f"{name} version {version} cannot be lifted")
            fields, version = lift(fields), version + 1
        if version > version_of(cls):
            raise UnknownType(f"{name} version {version} is newer than this program")
        try:
            return msgspec.convert(fields, type=cls)
        except msgspec.ValidationError as error:
            raise UnknownType(f"{name}: {error}") from error


def version_of(cls: type) -> int:
    """The schema version of a dataclass."""
    return int(getattr(cls, "VERSION", 1))
