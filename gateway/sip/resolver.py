"""Look-ups of :mod:`gateway.sip.locating` by DNS, with dnspython (docs/decisions)."""

from __future__ import annotations

import ipaddress
from typing import Any, Final, Protocol

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from gateway.errors import NamesUnavailable
from gateway.sip.locating import (
    AddressRecord,
    Located,
    NaptrRecord,
    Question,
    Record,
    Reply,
    Server,
    SrvRecord,
    locate,
)

#: How long one look-up may take, seconds.
LOOKUP_SECONDS: Final = 5.0
#: How long it is believed that a name has no such record, seconds (RFC 2308 lets a zone say otherwise; it seldom
#: does).
NOTHING_SECONDS: Final = 60.0
#: Records of one answer that are read.
MAX_RECORDS: Final = 64


class Resolver(Protocol):
    """Answers questions; raises :class:`NamesUnavailable` when nobody can."""

    async def ask(self, question: Question) -> Reply:
        """The records of a name."""


class DnsResolver:
    """Asks the system's name servers, or ``servers`` (``address`` or ``address:port``)."""

    def __init__(self, servers: tuple[str, ...] = ()) -> None:
        self._servers = servers
        self._made: dns.asyncresolver.Resolver | None = None

    async def ask(self, question: Question) -> Reply:
        """See :class:`Resolver`."""
        try:
            answer = await self._resolver().resolve(question.name, question.kind.value, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return Reply((), NOTHING_SECONDS)
        except (dns.exception.DNSException, OSError) as error:
            raise NamesUnavailable(f"{question.kind} of {question.name}: {error}") from error
        records = [record for found in list(answer)[:MAX_RECORDS] if (record := _record(question, found))]
        return Reply(tuple(records), float(answer.rrset.ttl) if answer.rrset is not None else NOTHING_SECONDS)

    def _resolver(self) -> dns.asyncresolver.Resolver:
        if self._made is None:
            self._made = dns.asyncresolver.Resolver(configure=not self._servers)
            self._made.lifetime = LOOKUP_SECONDS
            if self._servers:
                self._made.nameservers = [dns_server(server) for server in self._servers]
        return self._made


def dns_server(text: str) -> dns.nameserver.Nameserver:
    """``address`` or ``address:port`` as dnspython takes it; raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or ":" in host:
        host, port = text, "53"
    return dns.nameserver.Do53Nameserver(str(ipaddress.ip_address(host)), int(port))


async def find(
    server: Server, resolver: Resolver, *, transports: tuple[str, ...], families: tuple[int, ...]
) -> Located:
    """The addresses of a server; raises :class:`NamesUnavailable`."""
    search = locate(server, transports=transports, families=families)
    try:
        question = next(search)
        while True:
            question = search.send(await resolver.ask(question))
    except StopIteration as found:
        located: Located = found.value
        return located


def _record(question: Question, found: Any) -> Record | None:
    match question.kind.value:
        case "NAPTR":
            return NaptrRecord(
                found.order,
                found.preference,
                found.flags.decode("ascii", "replace"),
                found.service.decode("ascii", "replace"),
                _name(found.replacement),
            )
        case "SRV":
            return SrvRecord(found.priority, found.weight, found.port, _name(found.target))
        case _:
            return AddressRecord(str(ipaddress.ip_address(found.address)))


def _name(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True)
