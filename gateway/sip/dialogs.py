"""Dialogs (RFC 3261 section 12): what two user agents share, and requests inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.errors import SipParseError
from gateway.sip.flows import Flow, flow_to
from gateway.sip.headers import Headers, NameAddr, parse_name_addr
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.uri import host_text, parse_uri

MAX_FORWARDS: Final = "70"
_PARAMETERS: Final = {"TCP": "tcp", "TLS": "tls", "WS": "ws", "WSS": "ws"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """How we name ourselves: ``user`` of the Contact, product name, and host:port, which a peer sees by its
    transport and its version of IP."""

    user_agent: str
    hosts: Mapping[int, str]  # by version of IP
    sent_by: Mapping[tuple[str, int], str]
    user: str = "ccplatform"

    def host(self, flow: Flow) -> str:
        """Our address, as a peer knows it."""
        return self.hosts[flow.ip_version]

    def address(self, flow: Flow) -> str:
        """Our host:port, as a peer knows it."""
        return self.sent_by[flow.transport, flow.ip_version]

    def contact(self, flow: Flow, *, secure: bool = False) -> str:
        """The Contact value for messages over a flow; ``secure`` when the dialog was made by SIPS URIs
        (RFC 3261 section 12.1.1). WebSocket is one parameter value for both (RFC 7118 section 5.2)."""
        parameter = "" if flow.transport == "UDP" else f";transport={_PARAMETERS[flow.transport]}"
        return f"<{'sips' if secure else 'sip'}:{self.user}@{self.address(flow)}{parameter}>"

    @classmethod
    def at(cls, hosts: Sequence[str], ports: Mapping[str, int], user_agent: str) -> Identity:
        """One host, or one of each version of IP, with a port for each transport."""
        named = dict.fromkeys((4, 6), hosts[0]) | {6 if ":" in host else 4: host for host in hosts}
        sent_by = {
            (transport, version): f"{host_text(host)}:{port}"
            for transport, port in ports.items()
            for version, host in named.items()
        }
        return cls(user_agent=user_agent, hosts=named, sent_by=sent_by)


@dataclass(slots=True, kw_only=True)
class Dialog:
    """The state of section 12.1. ``local_party`` and ``remote_party`` are name-addr texts without tag.

    ``flow`` is where the dialog was made over, ``pinned`` that requests go there whatever the remote target says
    (a phone behind NAT, a connection-oriented peer).
    """

    call_id: str
    local_tag: str
    remote_tag: str
    local_party: str
    remote_party: str
    local_seq: int
    remote_seq: int | None
    remote_target: str
    route_set: tuple[str, ...]
    flow: Flow
    pinned: bool

    @classmethod
    def from_request(cls, request: SipRequest, local_tag: str, flow: Flow, *, pinned: bool) -> Dialog:
        """The UAS's side (section 12.1.1); raises :class:`SipParseError` without a usable Contact."""
        return cls(
            call_id=request.call_id,
            local_tag=local_tag,
            remote_tag=request.from_.tag or "",
            local_party=request.to.party(),
            remote_party=request.from_.party(),
            local_seq=0,
            remote_seq=request.cseq.number,
            remote_target=_target_of(request),
            route_set=_routes_of(request),
            flow=flow,
            pinned=pinned,
        )

    @classmethod
    def from_response(cls, invite: SipRequest, response: SipResponse, flow: Flow, *, pinned: bool) -> Dialog:
        """The UAC's side (section 12.1.2). A peer that answers without a usable Contact or Record-Route still gets
        its ACK and BYE: at the Request-URI."""
        try:
            remote_target, routes = contact_of(response), tuple(reversed(_routes_of(response)))
        except SipParseError:
            remote_target, routes = invite.uri_text, ()
        return cls(
            call_id=invite.call_id,
            local_tag=invite.from_.tag or "",
            remote_tag=response.to.tag or "",
            local_party=invite.from_.party(),
            remote_party=invite.to.party(),
            local_seq=invite.cseq.number,
            remote_seq=None,
            remote_target=remote_target,
            route_set=routes,
            flow=flow,
            pinned=pinned,
        )

    def contact(self, identity: Identity) -> str:
        """Our Contact in this dialog."""
        return identity.contact(self.flow, secure=self.remote_target.startswith("sips:"))

    def request(self, method: str, identity: Identity, *, cseq: int | None = None) -> SipRequest:
        """A request inside the dialog (section 12.2.1.1); ``cseq`` is given for an ACK."""
        if cseq is None:
            self.local_seq += 1
            cseq = self.local_seq
        uri, routes = self._target_and_routes()
        headers = Headers()
        headers.put("max-forwards", MAX_FORWARDS)
        headers.put_all("route", routes)
        headers.put("from", f"{self.local_party};tag={self.local_tag}")
        remote_tag = f";tag={self.remote_tag}" if self.remote_tag else ""
        headers.put("to", f"{self.remote_party}{remote_tag}")
        headers.put("call-id", self.call_id)
        headers.put("cseq", f"{cseq} {method}")
        if method != "BYE":
            headers.put("contact", self.contact(identity))
        headers.put("user-agent", identity.user_agent)
        return SipRequest(method, uri, headers)

    def _target_and_routes(self) -> tuple[str, list[str]]:
        if not self.route_set:
            return self.remote_target, []
        first = parse_name_addr(self.route_set[0], "Route")
        if first.uri.param("lr") is not None:
            return self.remote_target, list(self.route_set)
        # A strict router of RFC 2543: it is the Request-URI, the target goes last.
        return first.uri_text, [*self.route_set[1:], f"<{self.remote_target}>"]

    def destination(self) -> Flow:
        """Where requests inside the dialog go: first route or remote target when that is an IP address, else the
        flow that the dialog was made over."""
        if self.pinned:
            return self.flow
        text = parse_name_addr(self.route_set[0], "Route").uri_text if self.route_set else self.remote_target
        try:
            flow = flow_to(parse_uri(text))
        except SipParseError:
            flow = None
        if flow is None or (flow.transport, flow.host, flow.port) == (
            self.flow.transport,
            self.flow.host,
            self.flow.port,
        ):
            return self.flow
        return flow

    def accepts_sequence(self, number: int) -> bool:
        """Take a request's CSeq number: False when it is out of order (section 12.2.2)."""
        if self.remote_seq is not None and number <= self.remote_seq:
            return False
        self.remote_seq = number
        return True

    def refresh_target(self, message: SipRequest | SipResponse) -> None:
        """Take a new remote target from a target refresh request or its 2xx; unusable ones are ignored."""
        try:
            self.remote_target = contact_of(message)
        except SipParseError:
            return

    def snapshot(self) -> dict[str, Any]:
        """JSON-able data, enough to send and to answer a BYE later."""
        return {
            "call_id": self.call_id,
            "local_tag": self.local_tag,
            "remote_tag": self.remote_tag,
            "local_party": self.local_party,
            "remote_party": self.remote_party,
            "local_seq": self.local_seq,
            "remote_seq": self.remote_seq,
            "remote_target": self.remote_target,
            "route_set": list(self.route_set),
            "flow": self.flow.snapshot(),
            "pinned": self.pinned,
        }

    @classmethod
    def restore(cls, data: dict[str, Any]) -> Dialog:
        """The dialog that :meth:`snapshot` described. A connection ended with its process: another one is made to
        where the peer wants its requests."""
        flow = Flow.restore(data["flow"])
        return cls(
            call_id=str(data["call_id"]),
            local_tag=str(data["local_tag"]),
            remote_tag=str(data["remote_tag"]),
            local_party=str(data["local_party"]),
            remote_party=str(data["remote_party"]),
            local_seq=int(data["local_seq"]),
            remote_seq=None if data["remote_seq"] is None else int(data["remote_seq"]),
            remote_target=str(data["remote_target"]),
            route_set=tuple(str(route) for route in data["route_set"]),
            flow=flow,
            pinned=bool(data["pinned"]) and not flow.reliable,
        )


def contact_of(message: SipRequest | SipResponse) -> str:
    """The one Contact URI of a dialog-making message; it must be a SIP URI."""
    contacts: list[NameAddr] = message.addresses("contact")
    if len(contacts) != 1:
        raise SipParseError(f"{len(contacts)} values where one must be", "Contact")
    uri = parse_uri(contacts[0].uri_text, "Contact")
    if uri.scheme not in ("sip", "sips"):
        raise SipParseError(f"scheme {uri.scheme} cannot be called", "Contact")
    return contacts[0].uri_text


def _target_of(request: SipRequest) -> str:
    """The Contact; peers of RFC 2543, whose branch has no magic cookie, may leave it out: then the From URI."""
    if "contact" in request.headers or request.via.branch.startswith("z9hG4bK"):
        return contact_of(request)
    return request.from_.uri_text


def _routes_of(message: SipRequest | SipResponse) -> tuple[str, ...]:
    routes = message.headers.values("record-route")
    for route in routes:
        parse_uri(parse_name_addr(route, "Record-Route").uri_text, "Record-Route")
    return tuple(routes)
