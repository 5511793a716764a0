"""Where a recogniser's process finds what it hears with: the last argument of its program, as JSON."""

from __future__ import annotations

import msgspec


class ServerPlace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A recognition server."""

    url: str
    rate: int
    timeout_seconds: float


class ModelPlaces(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The models of an engine by language, the samples a second that they want, and threads for one caller."""

    models: dict[str, str]
    rate: int
    threads: int
