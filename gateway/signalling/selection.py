"""Which messages somebody wants to see."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from ccplatform.kernel.errors import Refusal
from gateway.signalling.message import TracedMessage

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """All that is given must fit. ``status`` is 1 to 6 for a class, else a status; ``caller``, ``called`` and
    ``call_id`` are parts of theirs; ``number`` is a whole user of From or To; ``belongs`` decides of a trunk."""

    start: datetime | None = None
    end: datetime | None = None
    network: Network | None = None
    port: int | None = None
    transport: str | None = None
    method: str | None = None
    status: int | None = None
    call_id: str | None = None
    caller: str | None = None
    called: str | None = None
    number: str | None = None
    outgoing: bool | None = None
    belongs: Callable[[TracedMessage], bool] | None = None

    def takes(self, message: TracedMessage) -> bool:
        """Whether it is wanted."""
        return (
            (self.start is None or message.at >= self.start)
            and (self.end is None or message.at < self.end)
            and (self.outgoing is None or message.outgoing is self.outgoing)
            and (self.transport is None or message.transport == self.transport)
            and (self.method is None or message.method == self.method)
            and self._takes_status(message.status)
            and (self.call_id is None or self.call_id in message.call_id)
            and (self.caller is None or self.caller in message.caller)
            and (self.called is None or self.called in message.called)
            and (self.number is None or self.number in (message.caller, message.called))
            and self._takes_address(message.remote)
            and (self.belongs is None or self.belongs(message))
        )

    def _takes_status(self, status: int | None) -> bool:
        if self.status is None:
            return True
        return status is not None and (status // 100 if self.status < 10 else status) == self.status

    def _takes_address(self, remote: str) -> bool:
        if self.network is None and self.port is None:
            return True
        host, port = host_and_port(remote)
        if self.port is not None and port != self.port:
            return False
        return self.network is None or ipaddress.ip_address(host) in self.network


def host_and_port(address: str) -> tuple[str, int]:
    """``192.0.2.1:5060`` or ``[2001:db8::1]:5060``, taken apart."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def source(text: str) -> tuple[Network, int | None]:
    """An address, a network, or an address with a port, as people write it; raises Refusal."""
    bare, port = text.strip(), None
    try:
        if bare.startswith("[") or bare.count(":") == 1:
            host, _, given = bare.rpartition(":") if not bare.endswith("]") else (bare, "", "")
            bare, port = host.strip("[]"), int(given) if given else None
        if port is not None and not 0 < port < 65536:
            raise ValueError(port)
        return ipaddress.ip_network(bare, strict=False), port
    except ValueError:
        problem = f"{text[:60]!r} is no address, network or address:port"
        raise Refusal(problem, code="bad_request") from None


def status_or_class(text: str) -> int:
    """``486``, or ``4xx`` as 4; raises Refusal."""
    word = text.strip().lower()
    number = word.removesuffix("xx")
    if number.isascii() and number.isdigit() and (len(number) == 1 if word.endswith("xx") else len(number) == 3):
        value = int(number)
        if 1 <= (value if value < 10 else value // 100) <= 6:
            return value
    raise Refusal(f"{text[:20]!r} is no status (486) and no class of them (4xx)", code="bad_request")
