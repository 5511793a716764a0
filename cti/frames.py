"""One event of the live view as the sockets get it: encoded once per kind of viewer, not once per socket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import msgspec

from ccplatform.contracts.facts import (
    FACTS,
    AgentRemoved,
    AgentSaved,
    Fact,
    FactEvent,
    contact_of,
    personal_fields,
)
from ccplatform.contracts.words import AgentId, CallId
from cti.live import LiveView
from cti.model import Change, Collection, LiveCall
from cti.numbers import mask, mask_name, mask_numbers
from cti.rows import Row, masked_call, row_of
from cti.viewers import NOBODY, Audience, Viewer, agents_on, audience_of

#: Fields of facts that name a device or number; numbers of people in them are masked.
_DEVICE_FIELDS = ("device", "dialled", "to")


#: What stands for a fact that is of agents of other teams, while it changes rows that everybody sees.
_ELSEWHERE: Final[Row] = {"type": "Elsewhere"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedRow:
    """A row that an event touched, None when it is gone; whose it is now, and whose it was (None: it was not)."""

    collection: Collection
    id: str
    row: Row | None
    audience: Audience = NOBODY
    before: Audience | None = NOBODY

    def seen_by(self, viewer: Viewer) -> bool | None:
        """Whether he sees it; None: he does not any more."""
        if viewer.sees(self.audience):
            return True
        return None if self.before is not None and viewer.sees(self.before) else False


class Frame:
    """A numbered message; ``owner`` is the agent whose call it is about, ``audience`` whose doing the fact is.

    ``regroups``: an agent changed teams, after which who sees teams needs a new snapshot.
    """

    __slots__ = ("_changes", "_clear", "_fact", "_masked", "_narrowed", "_personal", "at", "audience", "owner",
                 "regroups", "seq")  # fmt: skip

    def __init__(
        self,
        *,
        seq: int,
        at: datetime,
        fact: Row,
        changes: Sequence[ChangedRow],
        owner: AgentId | None = None,
        personal: frozenset[str] = frozenset(),
        audience: Audience = NOBODY,
        regroups: bool = False,
    ) -> None:
        self.seq = seq
        self.at = at
        self.owner = owner
        self.audience = audience
        self.regroups = regroups
        self._fact = fact
        self._personal = personal
        self._changes = changes
        self._clear: str | None = None
        self._masked: str | None = None
        self._narrowed: dict[tuple[bool | None, ...], str | None] = {}

    def text_for(self, viewer: Viewer) -> str | None:
        """The message for this viewer, or None when it is not for him."""
        if viewer.teams is not None:
            return self._text_for_teams(viewer)
        own = viewer.own is not None and viewer.own == self.owner
        if not (self._changes or own or viewer.everything):
            return None
        if viewer.clear or own:
            if self._clear is None:
                self._clear = self._encode(self._fact, self._changes)
            return self._clear
        if self._masked is None:
            changes = [_masked_change(change) for change in self._changes]
            self._masked = self._encode(masked_fact(self._fact, self._personal), changes)
        return self._masked

    def _text_for_teams(self, viewer: Viewer) -> str | None:
        """Only what concerns agents of his teams; encoded once for all who see the same of it."""
        sight = (viewer.sees(self.audience), *(change.seen_by(viewer) for change in self._changes))
        if sight not in self._narrowed:
            pairs = zip(self._changes, sight[1:], strict=True)
            changes = [
                change if seen else replace(change, row=None) for change, seen in pairs if seen is not False
            ]
            fact = self._fact if sight[0] else _ELSEWHERE
            self._narrowed[sight] = self._encode(fact, changes) if changes or sight[0] else None
        return self._narrowed[sight]

    def _encode(self, fact: Row, changes: Sequence[ChangedRow]) -> str:
        rows = [{"collection": change.collection, "id": change.id, "row": change.row} for change in changes]
        return encode({"type": "event", "seq": self.seq, "at": self.at, "event": fact, "changes": rows})


class Framing:
    """Folds events into a view and makes their messages; remembers whose each live call was."""

    def __init__(self, live: LiveView) -> None:
        self._live = live
        self._calls: dict[str, Audience] = {}
        self.begin_anew()

    def begin_anew(self) -> None:
        """The view was replaced, or agents are in other teams."""
        self._calls = {call.id: self._of_call(call) for call in self._live.calls.values()}

    def frame(self, event: FactEvent) -> Frame:
        """Fold an event and make its message."""
        live, fact = self._live, event.fact
        contact = contact_of(fact)
        before = live.call_of(contact) if contact is not None else None
        agents = set() if before is None else agents_on(before)
        kind: type = type(fact)
        regroups = self._regroups(fact)
        touched = live.apply(event)
        after = live.call_of(contact) if contact is not None else None
        agents |= set() if after is None else agents_on(after)
        agents |= {AgentId(row) for collection, row in touched if collection is Collection.AGENTS}
        named = getattr(fact, "agent", None)
        frame = Frame(
            seq=event.seq,
            at=event.at,
            owner=_owner(after or before),
            fact=_fact_row(fact),
            personal=personal_fields(kind),
            changes=self._changed(touched),
            audience=audience_of(live, agents if named is None else agents | {named}),
            regroups=regroups,
        )
        if regroups:
            self.begin_anew()
        return frame

    def day(self, changes: Sequence[Change], at: datetime) -> Frame:
        """The message that a new day began: the queues' figures of today start again."""
        return Frame(seq=self._live.seq, at=at, fact={"type": "DayTurned"}, changes=self._changed(changes))

    def _regroups(self, fact: Fact) -> bool:
        match fact:
            case AgentSaved():
                there = self._live.agents.get(fact.agent)
                return there is not None and there.team != fact.team
            case AgentRemoved():
                return True
            case _:
                return False

    def _changed(self, changes: Sequence[Change]) -> list[ChangedRow]:
        return [self._row(collection, row_id) for collection, row_id in changes]

    def _row(self, collection: Collection, row_id: str) -> ChangedRow:
        row = row_of(self._live, collection, row_id)
        audience, before = NOBODY, None
        match collection:
            case Collection.AGENTS:
                audience = audience_of(self._live, (AgentId(row_id),))
            case Collection.CALLS:
                before = self._calls.pop(row_id, None)
                call = self._live.calls.get(CallId(row_id))
                # One that is gone is told to those who saw it.
                audience = before or NOBODY
                if call is not None:
                    audience = self._calls[row_id] = self._of_call(call)
            case _:
                pass
        return ChangedRow(collection=collection, id=row_id, row=row, audience=audience, before=before)

    def _of_call(self, call: LiveCall) -> Audience:
        return audience_of(self._live, agents_on(call))


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


def _masked_change(change: ChangedRow) -> ChangedRow:
    if change.row is None or change.collection is not Collection.CALLS:
        return change
    return replace(change, row=masked_call(change.row))


def _owner(call: LiveCall | None) -> AgentId | None:
    return call.agent if call is not None else None
