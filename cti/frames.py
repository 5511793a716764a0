"""One event of the live view as the sockets get it: encoded once per kind of viewer, not once per socket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from ccplatform.contracts.facts import FACTS, Fact, FactEvent, contact_of, personal_fields
from ccplatform.contracts.words import AgentId
from cti.live import LiveView
from cti.model import Change, Collection, LiveCall
from cti.numbers import mask, mask_name, mask_numbers
from cti.rows import Row, masked_call, row_of

#: Fields of facts that name a device or number; numbers of people in them are masked.
_DEVICE_FIELDS = ("device", "dialled", "to")


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """How much somebody sees.

    ``clear``: every number; ``own``: the agent whose calls show their numbers; ``everything``: also facts that
    change no row and are not about an own call (measurements, refused calls).
    """

    clear: bool
    own: AgentId | None
    everything: bool


class Frame:
    """A numbered message; ``owner`` is the agent whose call it is about."""

    __slots__ = ("_changes", "_clear", "_fact", "_masked", "_personal", "at", "owner", "seq")

    def __init__(
        self,
        *,
        seq: int,
        at: datetime,
        owner: AgentId | None,
        fact: Row,
        personal: frozenset[str],
        changes: Sequence[tuple[Collection, str, Row | None]],
    ) -> None:
        self.seq = seq
        self.at = at
        self.owner = owner
        self._fact = fact
        self._personal = personal
        self._changes = changes
        self._clear: str | None = None
        self._masked: str | None = None

    def text_for(self, viewer: Viewer) -> str | None:
        """The message for this viewer, or None when it is not for him."""
        own = viewer.own is not None and viewer.own == self.owner
        if not (self._changes or own or viewer.everything):
            return None
        if viewer.clear or own:
            if self._clear is None:
                self._clear = self._encode(self._fact, masked=False)
            return self._clear
        if self._masked is None:
            self._masked = self._encode(masked_fact(self._fact, self._personal), masked=True)
        return self._masked

    def _encode(self, fact: Row, *, masked: bool) -> str:
        changes = [
            {
                "collection": collection,
                "id": row_id,
                "row": masked_call(row) if masked and row is not None and collection is Collection.CALLS else row,
            }
            for collection, row_id, row in self._changes
        ]
        return encode({"type": "event", "seq": self.seq, "at": self.at, "event": fact, "changes": changes})


def frame_of(live: LiveView, event: FactEvent) -> Frame:
    """Fold an event into the view and make its message."""
    contact = contact_of(event.fact)
    before = live.call_of(contact) if contact is not None else None
    kind: type = type(event.fact)
    changes = live.apply(event)
    after = live.call_of(contact) if contact is not None else None
    return Frame(
        seq=event.seq,
        at=event.at,
        owner=_owner(after or before),
        fact=_fact_row(event.fact),
        personal=personal_fields(kind),
        changes=_changed_rows(live, changes),
    )


def day_frame(live: LiveView, changes: Sequence[Change], at: datetime) -> Frame:
    """The message that a new day began: the queues' figures of today start again."""
    return Frame(
        seq=live.seq,
        at=at,
        owner=None,
        fact={"type": "DayTurned"},
        personal=frozenset(),
        changes=_changed_rows(live, changes),
    )


def masked_fact(fact: Row, personal: frozenset[str]) -> Row:
    """A fact's fields for those who may not see whom it is about."""
    masked = dict(fact)
    for name in personal:
        masked[name] = _mask_field(name, str(fact[name]))
    for name in _DEVICE_FIELDS:
        if isinstance(fact.get(name), str):
            masked[name] = mask_numbers(fact[name])
    return masked


def encode(message: dict[str, Any]) -> str:
    """JSON text of a message."""
    return msgspec.json.encode(message).decode()


def _mask_field(name: str, value: str) -> str:
    match name:
        case "caller" | "number":
            return mask(value)
        case "caller_name":
            return mask_name(value)
        case _:
            return ""


def _fact_row(fact: Fact) -> Row:
    row = FACTS.encode(fact)
    del row["v"]
    return row


def _changed_rows(live: LiveView, changes: Sequence[Change]) -> list[tuple[Collection, str, Row | None]]:
    return [(collection, row_id, row_of(live, collection, row_id)) for collection, row_id in changes]


def _owner(call: LiveCall | None) -> AgentId | None:
    return call.agent if call is not None else None
