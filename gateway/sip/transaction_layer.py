"""The transaction layer: finds the transaction of each message and keeps them all (RFC 3261 section 17).

A pure core. Below it is the transport, above it the transaction user (dialogs, registrar). Matching follows
sections 17.1.3 and 17.2.3, with the old rules for peers of RFC 2543. A merged request (the same request by two
ways, section 8.2.2.2) is answered 482 here.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from msgspec import Struct

from ccplatform.kernel.core import DeadlineReached
from gateway.errors import IllegalEvent
from gateway.sip.flows import Flow, reply_flow, stamp_source
from gateway.sip.message import SipMessage, SipRequest, SipResponse
from gateway.sip.responses import response_to
from gateway.sip.transaction_tables import (
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    State,
)
from gateway.sip.transactions import (
    Received,
    Respond,
    Tell,
    TellFailed,
    TimerValues,
    Transaction,
    TransactionEffect,
    TransactionEvent,
    Transmit,
    TransportFailed,
)

#: What a branch begins with when its maker follows RFC 3261.
MAGIC_COOKIE: Final = "z9hG4bK"

ServerKey: TypeAlias = tuple[str, ...]
ClientKey: TypeAlias = tuple[str, str]

# --- events -----------------------------------------------------------------------------------------------


class MessageArrived(Struct, frozen=True):
    """The transport received a message."""

    message: SipMessage
    flow: Flow


class SendRequest(Struct, frozen=True):
    """Send a request in a new client transaction; ``owner`` comes back with whatever becomes of it."""

    request: SipRequest
    flow: Flow
    owner: object


class SendAck(Struct, frozen=True):
    """Send the ACK of a 2xx: no transaction, no answer."""

    request: SipRequest
    flow: Flow


class SendResponse(Struct, frozen=True):
    """Answer a request; dropped when its transaction is over."""

    transaction: ServerKey
    response: SipResponse


class ReplyStatelessly(Struct, frozen=True):
    """Answer once and forget the request: strangers shall leave no state behind (RFC 3261 section 8.2.7)."""

    transaction: ServerKey
    response: SipResponse


class DropRequest(Struct, frozen=True):
    """Do not answer at all, and forget the request."""

    transaction: ServerKey


class FlowFailed(Struct, frozen=True):
    """The transport could not deliver over this flow, or it is gone."""

    flow: Flow


LayerEvent: TypeAlias = (
    MessageArrived | SendRequest | SendAck | SendResponse | ReplyStatelessly | DropRequest | FlowFailed
)

# --- effects ----------------------------------------------------------------------------------------------


class TransmitOver(Struct, frozen=True):
    """Put a message on the wire."""

    message: SipMessage
    flow: Flow


class RequestArrived(Struct, frozen=True):
    """A new request. ``transaction`` answers it (None for an ACK); ``cancels`` is the INVITE of a CANCEL."""

    transaction: ServerKey | None
    request: SipRequest
    flow: Flow
    cancels: ServerKey | None = None


class ResponseArrived(Struct, frozen=True):
    """A response to a ``request`` of ``owner``."""

    owner: object
    response: SipResponse
    request: SipRequest | None = None


class RequestFailed(Struct, frozen=True):
    """A request got no final response: it timed out (408) or could not be sent (503)."""

    owner: object
    request: SipRequest
    timed_out: bool


LayerEffect: TypeAlias = TransmitOver | RequestArrived | ResponseArrived | RequestFailed


@dataclass(slots=True)
class _Entry:
    transaction: Transaction
    flow: Flow
    owner: object = None
    merge: tuple[str, str, str] | None = None
    due: float | None = None


class TransactionLayer:
    """All transactions of a node.

    ``sent_by(flow)`` is the host:port for Via headers, ``new_branch()`` returns what follows the magic
    cookie; it must not be guessable.
    """

    def __init__(
        self, *, sent_by: Callable[[Flow], str], new_branch: Callable[[], str], timers: TimerValues
    ) -> None:
        self._sent_by = sent_by
        self._new_branch = new_branch
        self._timers = timers
        self._servers: dict[ServerKey, _Entry] = {}
        self._clients: dict[ClientKey, _Entry] = {}
        self._merged: dict[tuple[str, str, str], ServerKey] = {}
        self._heap: list[tuple[float, int, bool, ServerKey]] = []
        self._serial = itertools.count()

    def __len__(self) -> int:
        return len(self._servers) + len(self._clients)

    def next_deadline(self) -> float | None:
        """When the next timer of any transaction may fire (now and then a little early)."""
        return self._heap[0][0] if self._heap else None

    def handle(self, event: LayerEvent | DeadlineReached, now: float) -> list[LayerEffect]:
        """Take one event."""
        match event:
            case MessageArrived(message, flow):
                if isinstance(message, SipRequest):
                    return self._request_arrived(message, flow, now)
                return self._response_arrived(message, now)
            case SendRequest(request, flow, owner):
                return self._send_request(request, flow, owner, now)
            case SendAck(request, flow):
                self._add_via(request, flow)
                return [TransmitOver(request, flow)]
            case SendResponse(key, response):
                entry = self._servers.get(key)
                return [] if entry is None else self._step(key, entry, Respond(response), now)
            case ReplyStatelessly(key, response):
                entry = self._servers.get(key)
                if entry is None:
                    return []
                self._drop_server(key, entry)
                return [TransmitOver(response, entry.flow)]
            case DropRequest(key):
                entry = self._servers.get(key)
                if entry is not None:
                    self._drop_server(key, entry)
                return []
            case FlowFailed(flow):
                return self._flow_failed(flow, now)
            case DeadlineReached():
                return self._fire(now)

    # --- requests of peers --------------------------------------------------------------------------------

    def _request_arrived(self, request: SipRequest, flow: Flow, now: float) -> list[LayerEffect]:
        stamp_source(request, flow)
        key = server_key(request, request.method if request.method != "ACK" else "INVITE")
        entry = self._servers.get(key)
        if entry is not None:
            return self._step(key, entry, Received(request), now)
        if request.method == "ACK":
            return [RequestArrived(None, request, flow)]
        machine = INVITE_SERVER if request.method == "INVITE" else NON_INVITE_SERVER
        entry = _Entry(Transaction(machine, request, flow.reliable, self._timers), reply_flow(request, flow))
        self._servers[key] = entry
        entry.transaction.start(now)
        if request.to.tag is None and request.method != "CANCEL":
            merge = (request.call_id, request.from_.tag or "", str(request.cseq))
            if merge in self._merged:
                return self._step(key, entry, Respond(response_to(request, 482)), now)
            self._merged[merge] = key
            entry.merge = merge
        cancels = server_key(request, "INVITE") if request.method == "CANCEL" else None
        if cancels is not None and cancels not in self._servers:
            cancels = None
        return [RequestArrived(key, request, flow, cancels)]

    # --- our own requests ---------------------------------------------------------------------------------

    def _send_request(self, request: SipRequest, flow: Flow, owner: object, now: float) -> list[LayerEffect]:
        if request.method == "ACK":
            raise IllegalEvent("an ACK is no transaction")
        self._add_via(request, flow)
        machine = INVITE_CLIENT if request.method == "INVITE" else NON_INVITE_CLIENT
        key = (request.via.branch, request.method)
        if key in self._clients:
            raise IllegalEvent(f"{request!r} is sent already")
        transaction = Transaction(machine, request, flow.reliable, self._timers)
        entry = _Entry(transaction, flow, owner)
        self._clients[key] = entry
        cancelled = self._clients.get((key[0], "INVITE")) if request.method == "CANCEL" else None
        if cancelled is not None:
            cancelled.transaction.cancelled(now)
            self._schedule(False, (key[0], "INVITE"), cancelled)
        effects = self._translate(key, entry, transaction.start(now))
        self._schedule(False, key, entry)
        return effects

    def _add_via(self, request: SipRequest, flow: Flow) -> None:
        if "via" not in request.headers:
            branch = MAGIC_COOKIE + self._new_branch()
            sent_by = self._sent_by(flow)
            request.headers.push("via", f"SIP/2.0/{flow.transport} {sent_by};rport;branch={branch}")

    def _response_arrived(self, response: SipResponse, now: float) -> list[LayerEffect]:
        if len(response.headers.values("via")) != 1:
            return []  # Not ours: a response to us has our Via and no other (section 8.1.3.3).
        key = (response.via.branch, response.cseq.method)
        entry = self._clients.get(key)
        if entry is None or entry.transaction.request.cseq.number != response.cseq.number:
            return []  # Stray responses are dropped (RFC 6026 section 8.9).
        return self._step(key, entry, Received(response), now)

    # --- common -------------------------------------------------------------------------------------------

    def _step(
        self, key: ServerKey, entry: _Entry, event: TransactionEvent | DeadlineReached, now: float
    ) -> list[LayerEffect]:
        effects = self._translate(key, entry, entry.transaction.handle(event, now))
        if entry.transaction.state is not State.TERMINATED:
            self._schedule(not entry.transaction.machine.client, key, entry)
        elif entry.transaction.machine.client:
            self._clients.pop((key[0], key[1]), None)
        else:
            self._drop_server(key, entry)
        return effects

    def _translate(self, key: ServerKey, entry: _Entry, effects: list[TransactionEffect]) -> list[LayerEffect]:
        out: list[LayerEffect] = []
        for effect in effects:
            match effect:
                case Transmit(message):
                    out.append(TransmitOver(message, entry.flow))
                case Tell(SipResponse() as response):
                    out.append(ResponseArrived(entry.owner, response, entry.transaction.request))
                case Tell(SipRequest() as request):
                    out.append(RequestArrived(None, request, entry.flow))
                case TellFailed(timed_out):
                    if entry.transaction.machine.client:
                        out.append(RequestFailed(entry.owner, entry.transaction.request, timed_out))
        return out

    def _drop_server(self, key: ServerKey, entry: _Entry) -> None:
        self._servers.pop(key, None)
        if entry.merge is not None and self._merged.get(entry.merge) == key:
            del self._merged[entry.merge]

    def _schedule(self, server: bool, key: ServerKey, entry: _Entry) -> None:
        due = entry.transaction.next_deadline()
        if due is not None and due != entry.due:
            heapq.heappush(self._heap, (due, next(self._serial), server, key))
        entry.due = due

    def _fire(self, now: float) -> list[LayerEffect]:
        effects: list[LayerEffect] = []
        while self._heap and self._heap[0][0] <= now:
            due, _, server, key = heapq.heappop(self._heap)
            entry = self._servers.get(key) if server else self._clients.get((key[0], key[1]))
            if entry is None or entry.due != due:
                continue  # It ended, or its timer was moved: then a later heap entry stands for it.
            entry.due = None
            effects += self._step(key, entry, DeadlineReached(), now)
        return effects

    def _flow_failed(self, flow: Flow, now: float) -> list[LayerEffect]:
        effects: list[LayerEffect] = []
        for key, entry in [item for item in self._clients.items() if item[1].flow == flow]:
            effects += self._step(key, entry, TransportFailed(), now)
        return effects


def server_key(request: SipRequest, method: str) -> ServerKey:
    """What a request has in common with its repetitions, its ACK and its CANCEL (section 17.2.3)."""
    via = request.via
    if via.branch.startswith(MAGIC_COOKIE) and len(via.branch) > len(MAGIC_COOKIE):
        return (via.branch, via.sent_by, method)
    return (
        request.call_id,
        str(request.cseq.number),
        request.from_.tag or "",
        request.uri_text,
        via.sent_by,
        method,
    )
