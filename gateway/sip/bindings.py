"""Contacts of phones (RFC 3261 section 10.3), and where calls to them go. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from gateway.sip.flows import Flow, flow_to
from gateway.sip.headers import NameAddr
from gateway.sip.outbound import PhoneFlow
from gateway.sip.uri import ip_of, parse_uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One contact of a seat. ``flow`` is where calls go, ``expires_at`` and ``refreshed_at`` are monotonic."""

    uri: str
    flow: Flow
    call_id: str
    sequence: int
    expires_at: float
    refreshed_at: float
    user_agent: str = ""
    path: tuple[str, ...] = ()
    phone: PhoneFlow | None = None

    @property
    def key(self) -> str:
        """What it is known by among the contacts of its seat: its flow (RFC 5626 section 6), else its URI."""
        return f"{self.phone.instance} {self.phone.number}" if self.phone and self.phone.managed else self.address

    @property
    def address(self) -> str:
        """The same for all spellings of its URI."""
        return parse_uri(self.uri).identity()

    def replaces(self, older: Binding) -> bool:
        """Whether it takes the place of another contact of the seat: two flows of phones may have one URI."""
        both_flows = self.key != self.address and older.key != older.address
        return self.key == older.key if both_flows else self.address == older.address

    def snapshot(self, now: float) -> dict[str, Any]:
        """JSON-able data; times are ages."""
        return {
            "uri": self.uri,
            "flow": self.flow.snapshot(),
            "call_id": self.call_id,
            "sequence": self.sequence,
            "remaining_seconds": self.expires_at - now,
            "age_seconds": now - self.refreshed_at,
            "user_agent": self.user_agent,
            "path": list(self.path),
            "phone": [self.phone.instance, self.phone.number] if self.phone is not None else None,
        }

    @classmethod
    def restore(cls, data: dict[str, Any], now: float) -> Binding:
        """The binding that :meth:`snapshot` described."""
        return cls(
            uri=str(data["uri"]),
            flow=Flow.restore(data["flow"]),
            call_id=str(data["call_id"]),
            sequence=int(data["sequence"]),
            expires_at=now + float(data["remaining_seconds"]),
            refreshed_at=now - float(data["age_seconds"]),
            user_agent=str(data["user_agent"]),
            path=tuple(str(value) for value in data.get("path", ())),
            phone=PhoneFlow(*data["phone"]) if data.get("phone") else None,
        )


def flows_by_phone(bindings: Iterable[Binding]) -> list[list[Binding]]:
    """The flows of each phone, the latest refreshed first: it shall ring once, by its other flows when one fails
    (RFC 5626 section 7)."""
    phones: dict[str, list[Binding]] = {}
    for binding in bindings:
        name = binding.phone.instance if binding.phone is not None else f" {binding.uri}"
        phones.setdefault(name, []).append(binding)
    return [sorted(flows, key=lambda flow: -flow.refreshed_at) for flows in phones.values()]


def flow_of_contact(contact: NameAddr, source: Flow) -> Flow:
    """Where calls to a contact go. A connection is used again. Over UDP the Contact's port counts when its host is
    the source's, otherwise the phone is behind NAT and only the source address reaches it."""
    uri = contact.uri
    claimed = flow_to(uri, source.transport)
    if ip_of(uri.host) != source.host or claimed is None:
        return source
    if claimed.transport == source.transport and source.reliable:
        return source
    return replace(claimed, connection=None)
