"""Numbered facts as plain data, for sockets between our processes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ccplatform.contracts.facts import FACTS, FactEvent
from ccplatform.kernel.stream import Event


def encode_event(event: FactEvent) -> dict[str, Any]:
    """``{epoch, seq, id, tenant, at, mono, fact: {type, v, …}}``."""
    return {
        "epoch": event.epoch,
        "seq": event.seq,
        "id": event.id,
        "tenant": event.tenant,
        "at": event.at.isoformat(),
        "mono": event.mono,
        "fact": FACTS.encode(event.fact),
    }


def decode_event(data: dict[str, Any]) -> FactEvent:
    """The reverse of :func:`encode_event`; raises UnknownType for facts this program does not know."""
    return Event(
        epoch=data["epoch"],
        seq=data["seq"],
        id=data["id"],
        tenant=data["tenant"],
        at=datetime.fromisoformat(data["at"]),
        mono=data["mono"],
        fact=FACTS.decode(data["fact"]),
    )
