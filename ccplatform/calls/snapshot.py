"""A call's state as JSON-able data: instants become ages with one wall-clock stamp, and back."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import msgspec

from ccplatform.calls.model import CallState

_INSTANTS = tuple(field.name for field in dataclasses.fields(CallState) if field.name.endswith("_at"))


def snapshot_state(state: CallState, now: float, wall: datetime) -> dict[str, Any]:
    """``{"stamp": RFC 3339, "state": {…}}``; a deadline is a negative age."""
    data: dict[str, Any] = msgspec.to_builtins(state)
    for name in _INSTANTS:
        if data[name] is not None:
            data[name] = now - data[name]
    for pending in ("pending_key", "pending_query"):
        if data[pending] is not None:
            data[pending]["keyed_at"] = now - data[pending]["keyed_at"]
    return {"stamp": wall.isoformat(), "state": data}


def restore_state(data: dict[str, Any], now: float, wall: datetime) -> CallState:
    """The state, older by the time that passed since the snapshot."""
    fields = dict(data["state"])
    gap = max(0.0, (wall - datetime.fromisoformat(data["stamp"])).total_seconds())
    for name in _INSTANTS:
        if fields[name] is not None:
            fields[name] = now - gap - fields[name]
    for pending in ("pending_key", "pending_query"):
        if fields[pending] is not None:
            fields[pending] = dict(fields[pending], keyed_at=now - gap - fields[pending]["keyed_at"])
    return msgspec.convert(fields, type=CallState)
