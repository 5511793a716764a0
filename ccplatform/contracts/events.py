"""Numbered facts as plain data, for sockets between our processes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ccplatform.contracts.facts import FACTS, FactEvent
from ccplatform.kernel.stream import Event


def encode_event(event: FactEvent) -> dict[str, Any]:
    """``{type, v, event: {epoch, seq, id, tenant, at, mono, fact: {…}}}``, once it is JSON: the event is left to
    the encoder as it is, which writes it in one pass."""
    name, version = FACTS.name_of(event.fact)
    return {"type": name, "v": version, "event": event}


def decode_event(data: dict[str, Any]) -> FactEvent:
    """The reverse of :func:`encode_event`, from JSON; raises UnknownType for facts this program does not know."""
    event = data["event"]
    return Event(
        epoch=event["epoch"],
        seq=event["seq"],
        id=event["id"],
        tenant=event["tenant"],
        at=datetime.fromisoformat(event["at"]),
        mono=event["mono"],
        fact=FACTS.decode({"type": data["type"], "v": data["v"], **event["fact"]}),
    )
