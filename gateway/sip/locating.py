"""Locating SIP servers by DNS (RFC 3263): from a host to addresses in the order of their use. Pure.

:func:`locate` is a generator: it yields the :class:`Question` whose :class:`Reply` it wants next and returns what
it found, so that nothing here knows a resolver.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from gateway.sip.flows import DEFAULT_PORT, DEFAULT_TLS_PORT, TRANSPORTS, Flow
from gateway.sip.uri import ip_of

#: NAPTR services (RFC 3263 section 4.1, RFC 3261 section 26 for SIPS).
_SERVICES: Final = {"SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS"}
#: Where the SRV records of a transport are.
_SRV: Final = {"UDP": "_sip._udp.", "TCP": "_sip._tcp.", "TLS": "_sips._tcp."}
#: Addresses of one server that are used, and names that are looked up for it.
MAX_ADDRESSES: Final = 32
MAX_NAMES: Final = 16


class RecordKind(StrEnum):
    """What is asked for."""

    NAPTR = "NAPTR"
    SRV = "SRV"
    A = "A"
    AAAA = "AAAA"


@dataclass(frozen=True, slots=True)
class Question:
    """A look-up."""

    kind: RecordKind
    name: str


@dataclass(frozen=True, slots=True)
class NaptrRecord:
    """RFC 3403; those with a regular expression are of no use to SIP."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@dataclass(frozen=True, slots=True)
class SrvRecord:
    """RFC 2782."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """An A or AAAA record."""

    address: str


Record: TypeAlias = NaptrRecord | SrvRecord | AddressRecord


@dataclass(frozen=True, slots=True)
class Reply:
    """The records of a name, none when it has none; ``ttl`` seconds they may be kept."""

    records: tuple[Record, ...] = ()
    ttl: float = math.inf


@dataclass(frozen=True, slots=True)
class Server:
    """Where calls go, as it is configured; ``port`` and ``transport`` are None where DNS shall say."""

    host: str
    port: int | None = None
    transport: str | None = "UDP"

    def flow(self) -> Flow | None:
        """The one address of a server that is given by its IP address."""
        address = ip_of(self.host)
        if address is None:
            return None
        transport = self.transport or "UDP"
        return Flow(transport, address, self.port or _default_port(transport))


@dataclass(frozen=True, slots=True)
class Destination:
    """One address. Lower ``priority`` is used first, of the same one each in proportion to its ``weight``."""

    flow: Flow
    priority: int = 0
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Located:
    """What a server's name led to, to be kept for ``ttl`` seconds."""

    destinations: tuple[Destination, ...]
    ttl: float


Locating: TypeAlias = Generator[Question, Reply, Located]


def locate(
    server: Server, *, transports: Sequence[str] = TRANSPORTS, families: Sequence[int] = (4, 6)
) -> Locating:
    """Find a server's addresses (RFC 3263 sections 4.1 and 4.2), of those ``transports`` and IP ``families`` that
    we have."""
    flow = server.flow()
    if flow is not None:
        return Located((Destination(flow),), math.inf)
    if server.port is not None:
        return (yield from _addresses(server, server.transport or "UDP", server.port, families))
    services, ttl = yield from _services(server, transports)
    for transport, name in services[:MAX_NAMES]:
        reply = yield Question(RecordKind.SRV, name)
        ttl = min(ttl, reply.ttl)
        records = [record for record in reply.records if isinstance(record, SrvRecord)]
        if records:
            found = yield from _targets(records, transport, families)
            return Located(found.destinations, min(ttl, found.ttl))
    transport = server.transport or "UDP"
    found = yield from _addresses(server, transport, _default_port(transport), families)
    return Located(found.destinations, min(ttl, found.ttl))


def _services(
    server: Server, transports: Sequence[str]
) -> Generator[Question, Reply, tuple[list[tuple[str, str]], float]]:
    """(transport, SRV name) in the order in which they are tried."""
    if server.transport is not None:
        return [(server.transport, _SRV[server.transport] + server.host)], math.inf
    reply = yield Question(RecordKind.NAPTR, server.host)
    usable = [
        record
        for record in reply.records
        if isinstance(record, NaptrRecord)
        and record.flags.lower() == "s"
        and _SERVICES.get(record.service.upper()) in transports
    ]
    if usable:
        usable.sort(key=lambda record: (record.order, record.preference))
        return [(_SERVICES[record.service.upper()], record.replacement) for record in usable], reply.ttl
    return [(transport, _SRV[transport] + server.host) for transport in transports], reply.ttl


def _targets(
    records: list[SrvRecord], transport: str, families: Sequence[int]
) -> Generator[Question, Reply, Located]:
    destinations: list[Destination] = []
    ttl = math.inf
    for record in sorted(records, key=lambda record: record.priority)[:MAX_NAMES]:
        if record.target in ("", "."):
            continue  # the service is decidedly not there (RFC 2782)
        found = yield from _addresses(
            Server(record.target, record.port, transport), transport, record.port, families
        )
        ttl = min(ttl, found.ttl)
        destinations += [
            Destination(destination.flow, record.priority, record.weight) for destination in found.destinations
        ]
    return Located(tuple(destinations[:MAX_ADDRESSES]), ttl)


def _addresses(
    server: Server, transport: str, port: int, families: Sequence[int]
) -> Generator[Question, Reply, Located]:
    found: list[str] = []
    ttl = math.inf
    literal = ip_of(server.host)
    if literal is not None:
        return Located((Destination(Flow(transport, literal, port)),), math.inf)
    for family, kind in ((4, RecordKind.A), (6, RecordKind.AAAA)):
        if family in families:
            reply = yield Question(kind, server.host)
            ttl = min(ttl, reply.ttl)
            found += [record.address for record in reply.records if isinstance(record, AddressRecord)]
    flows = (Flow(transport, address, port, name=server.host) for address in found[:MAX_ADDRESSES])
    return Located(tuple(Destination(flow) for flow in flows), ttl)


def _default_port(transport: str) -> int:
    return DEFAULT_TLS_PORT if transport == "TLS" else DEFAULT_PORT
