"""Where messages come from and go to: transport flows (RFC 5626 section 2, RFC 3261 section 18)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.errors import SipParseError
from gateway.sip.headers import Via
from gateway.sip.message import SipRequest
from gateway.sip.syntax import split_list
from gateway.sip.uri import SipUri, host_text, ip_of

#: The ports of SIP when a URI names none (RFC 3261 section 19.1.2).
DEFAULT_PORT: Final = 5060
DEFAULT_TLS_PORT: Final = 5061
#: Transports over which we can call; over WebSocket we are called only.
TRANSPORTS: Final = ("UDP", "TCP", "TLS")
#: Transports that nobody listens to on the way.
SECURE: Final = ("TLS", "WSS")


#: The headers by which a peer knows what a response is for.
_NAMING: Final = ("via", "from", "to", "call-id", "cseq")


@dataclass(frozen=True, slots=True)
class Flow:
    """One peer address over one transport; ``host`` is an IP address without brackets.

    ``connection`` numbers the TCP connection that a message came in on; None means any connection to the
    address, made when there is none. ``name`` is what the peer's certificate must name when we call by TLS
    (RFC 5922 section 7.2); empty: its IP address.
    """

    transport: str
    host: str
    port: int
    connection: int | None = None
    name: str = ""

    @property
    def reliable(self) -> bool:
        """Whether the transport repeats lost packets itself, so that transactions need not."""
        return self.transport != "UDP"

    @property
    def ip_version(self) -> int:
        """4 or 6; of an IPv4 peer of an IPv6 socket (RFC 4291 section 2.5.5.2) 4."""
        return 6 if ":" in self.host and not self.host.lower().startswith("::ffff:") else 4

    def address(self) -> str:
        """``host:port`` for people and traces."""
        return f"{host_text(self.host)}:{self.port}"

    def without_connection(self) -> Flow:
        """The same address over any connection."""
        return self if self.connection is None else replace(self, connection=None)

    def snapshot(self) -> dict[str, Any]:
        """JSON-able data; a connection does not outlive the process."""
        named = {"name": self.name} if self.name else {}
        return {"transport": self.transport, "host": self.host, "port": self.port, **named}

    @classmethod
    def restore(cls, data: dict[str, Any]) -> Flow:
        """The flow that :meth:`snapshot` described."""
        name = str(data.get("name", ""))
        return cls(str(data["transport"]), str(data["host"]), int(data["port"]), name=name)


def flow_to(uri: SipUri, default_transport: str = "UDP") -> Flow | None:
    """The flow to a URI whose host is an IP address; None for names (RFC 3263 is not served). SIPS means TLS."""
    transport = uri.transport or default_transport
    if uri.scheme == "sips" and transport in ("UDP", "TCP"):
        transport = "TLS"
    host = ip_of(uri.host)
    if host is None or uri.scheme not in ("sip", "sips") or transport not in TRANSPORTS:
        return None
    return Flow(transport, host, uri.port or (DEFAULT_TLS_PORT if transport == "TLS" else DEFAULT_PORT))


def stamp_source(request: SipRequest, flow: Flow) -> None:
    """Write into the top Via where a request really came from (RFC 3261 section 18.2.1, RFC 3581 section 4)."""
    via = request.via
    wants_port = "rport" in via.params
    if not wants_port and ip_of(via.host) == flow.host:
        return
    params = dict(via.params)
    params["received"] = flow.host
    if wants_port:
        params["rport"] = str(flow.port)
    _, *others = split_list(request.headers.first("via") or "", "Via")
    request.put_via(Via(via.transport, via.host, via.port, params), others)


def way_back(request: SipRequest, flow: Flow) -> Flow | None:
    """Where the answer to a malformed request goes: when its Via is malformed, to where it came from; None when
    there is not enough of it to know what the answer would be for."""
    try:
        stamp_source(request, flow)
        return reply_flow(request, flow)
    except SipParseError:
        return flow if all(key in request.headers for key in _NAMING) else None


def reply_flow(request: SipRequest, flow: Flow) -> Flow:
    """Where responses to a request go (RFC 3261 section 18.2.2, RFC 3581 section 4): the same connection, or
    over UDP the source address with the source port (rport) or the port of the Via."""
    if flow.reliable or "rport" in request.via.params:
        return flow
    return replace(flow, port=request.via.port or DEFAULT_PORT)
