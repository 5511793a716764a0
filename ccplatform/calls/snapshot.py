"""What a media worker keeps of a call for the next control process, as JSON-able data.

Instants become ages with one wall-clock stamp, and back.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from ccplatform.calls.errors import BadSnapshot
from ccplatform.calls.model import CallState
from ccplatform.contracts.words import ContactId, LegId

#: Version of what workers keep; one of another version is not taken back.
SNAPSHOT_VERSION = 1


def snapshot_state(state: CallState, now: float, wall: datetime) -> dict[str, Any]:
    """``{"stamp": RFC 3339, "state": {…}}``; a deadline is a negative age."""
    return {"stamp": wall.isoformat(), "state": _turn(msgspec.to_builtins(state), now)}


def restore_state(data: dict[str, Any], now: float, wall: datetime) -> CallState:
    """The state, older by the time that passed since the snapshot; raises :class:`BadSnapshot`."""
    try:
        return _state(data, now, wall)
    except (KeyError, TypeError, ValueError) as error:
        raise BadSnapshot(f"no state of a call: {error!r}") from error


def _state(data: dict[str, Any], now: float, wall: datetime) -> CallState:
    gap = max(0.0, (wall - datetime.fromisoformat(data["stamp"])).total_seconds())
    return msgspec.convert(_turn(deepcopy(data["state"]), now - gap), type=CallState)


def _turn(data: dict[str, Any], now: float) -> dict[str, Any]:
    """Instants become ages, and ages instants, in place and however deep they are."""
    for name, value in data.items():
        if type(value) is dict:
            if value:
                _turn(value, now)
        elif value is not None and name.endswith("_at"):
            data[name] = now - value
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Further:
    """What is kept of another contact of the call."""

    route: dict[str, Any] | None
    row: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCall:
    """A call as its media worker keeps it: the saga's state and what each of the other parts needs."""

    call: dict[str, Any]
    legs: dict[LegId, dict[str, Any] | None]
    flow: dict[str, Any] | None
    route: dict[str, Any] | None
    row: dict[str, Any] | None
    further: dict[ContactId, Further] = field(default_factory=dict)
    v: int = SNAPSHOT_VERSION


def read_kept(data: dict[str, Any]) -> KeptCall:
    """The call that a worker kept; raises :class:`BadSnapshot`."""
    try:
        kept = msgspec.convert(data, type=KeptCall)
    except msgspec.ValidationError as error:
        raise BadSnapshot(f"no kept call: {error}") from error
    if kept.v != SNAPSHOT_VERSION:
        raise BadSnapshot(f"a kept call of version {kept.v}, this program reads {SNAPSHOT_VERSION}")
    return kept
