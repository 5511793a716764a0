"""Requests of ours outside any dialog, and who hears of their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from gateway.sip.dialogs import MAX_FORWARDS, Identity
from gateway.sip.digest_client import DigestClient
from gateway.sip.flows import Flow
from gateway.sip.headers import Headers
from gateway.sip.message import ALLOWED_METHODS, SUPPORTED, SipRequest
from gateway.sip.transaction_layer import RequestFailed, ResponseArrived, SendRequest
from gateway.sip.uri import host_text

Told: TypeAlias = Callable[[ResponseArrived | RequestFailed], None]


class RequestRunner:
    """The owner of one request outside a dialog: a challenge is answered by ``digest``, all else is ``told``."""

    def __init__(
        self,
        told: Told,
        send: Callable[[SendRequest], None],
        flow: Flow,
        digest: DigestClient | None,
    ) -> None:
        self._told = told
        self._send = send
        self._flow = flow
        self._digest = digest

    def tell(self, news: ResponseArrived | RequestFailed) -> None:
        """Take what became of the request."""
        if isinstance(news, ResponseArrived) and news.request is not None and self._digest is not None:
            again = self._digest.answer(news.request, news.response, news.request.cseq.number + 1)
            if again is not None:
                self._send(SendRequest(again, self._flow, self))
                return
        self._told(news)


def options(identity: Identity, flow: Flow, new_token: Callable[[], str], *, domain: str = "") -> SipRequest:
    """An OPTIONS that asks a server whether it is there (RFC 3261 section 11)."""
    ours = identity.address(flow)
    transport = "" if flow.transport == "UDP" else f";transport={flow.transport.lower()}"
    uri = f"sip:{host_text(domain) if domain else flow.address()}{transport}"
    headers = Headers()
    headers.put("max-forwards", MAX_FORWARDS)
    headers.put("from", f"<sip:{identity.user}@{ours}>;tag={new_token()}")
    headers.put("to", f"<{uri}>")
    headers.put("call-id", f"{new_token()}@{host_text(identity.host(flow))}")
    headers.put("cseq", "1 OPTIONS")
    headers.put("contact", identity.contact(flow))
    headers.put("accept", "application/sdp")
    headers.put("allow", ALLOWED_METHODS)
    headers.put("supported", SUPPORTED)
    headers.put("user-agent", identity.user_agent)
    return SipRequest("OPTIONS", uri, headers)
