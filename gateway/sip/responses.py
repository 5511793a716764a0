"""Messages made from other messages: responses (RFC 3261 section 8.2.6), ACK and CANCEL (17.1.1.3, 9.1)."""

from __future__ import annotations

import hashlib

from gateway.errors import SipParseError
from gateway.sip.headers import Headers
from gateway.sip.message import SipRequest, SipResponse

#: Headers that lead a response back, and those that besides tell the way of later requests in the dialog.
_RETURNED = ("via",)
_ROUTED = ("via", "record-route")


def response_to(
    request: SipRequest,
    status: int,
    reason: str = "",
    *,
    to_tag: str = "",
    body: bytes = b"",
    content_type: str = "",
) -> SipResponse:
    """A response with the headers that every response repeats.

    ``to_tag`` is added where the request had none; a status above 100 without it gets :func:`stateless_tag`.
    """
    source, headers = request.headers, Headers()
    headers.take(source, _ROUTED if 180 <= status < 300 and request.method == "INVITE" else _RETURNED)
    headers.take(source, ("from",), only_first=True)  # Malformed requests, which may have more, are answered too.
    to = source.first("to") or ""
    if status > 100 and not _has_tag(request, to):
        to = f"{to};tag={to_tag or stateless_tag(request)}"
    headers.put("to", to)
    headers.take(source, ("call-id", "cseq"), only_first=True)
    if status == 100:
        headers.take(source, ("timestamp",))
    if body:
        headers.put("content-type", content_type or "application/sdp")
    response = SipResponse(status, reason, headers, body)
    response.repeat(request)
    return response


def _has_tag(request: SipRequest, to: str) -> bool:
    try:
        return "tag" in to and request.to.tag is not None
    except SipParseError:  # A malformed request is answered too.
        return False


def stateless_tag(request: SipRequest) -> str:
    """A To tag that is the same for every retransmission of a request (section 8.2.7)."""
    seed = f"{request.headers.first('via')}|{request.headers.first('call-id')}|{request.headers.first('cseq')}"
    return hashlib.blake2s(seed.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def ack_to_failure(invite: SipRequest, response: SipResponse) -> SipRequest:
    """The ACK of a non-2xx final response, part of the INVITE's own transaction (section 17.1.1.3)."""
    ack = _same_branch("ACK", invite)
    ack.headers.put_all("to", response.headers.all("to"))
    return ack


def cancel_of(invite: SipRequest) -> SipRequest:
    """The CANCEL of an INVITE that was sent (section 9.1)."""
    return _same_branch("CANCEL", invite)


def _same_branch(method: str, invite: SipRequest) -> SipRequest:
    source, headers = invite.headers, Headers()
    headers.put("via", source.all("via")[0])
    headers.put("max-forwards", "70")
    for key in ("route", "from", "to", "call-id"):
        headers.put_all(key, source.all(key))
    headers.put("cseq", f"{invite.cseq.number} {method}")
    return SipRequest(method, invite.uri_text, headers)


def retry_after(response: SipResponse) -> float | None:
    """The seconds of a Retry-After header; None without a usable one."""
    value = (response.headers.first("retry-after") or "").split(";")[0].split("(")[0].strip()
    return float(value) if value.isascii() and value.isdigit() and len(value) < 8 else None
