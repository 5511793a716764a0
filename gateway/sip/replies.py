"""Answers that need no dialog: to what is malformed, asks too much, or is not for us (RFC 3261 section 8.2)."""

from __future__ import annotations

from typing import Final

from gateway.errors import SipParseError
from gateway.sip.event_packages import ALLOW_EVENTS
from gateway.sip.message import (
    ALLOWED_METHODS,
    EXTENSIONS,
    KNOWN_METHODS,
    SUPPORTED,
    SipRequest,
    SipResponse,
)
from gateway.sip.responses import response_to

#: Whoever writes another's address into a datagram shall not get him more than so many times what he sent himself.
_AMPLIFICATION: Final = 2


def is_no_amplifier(request: SipRequest, response: SipResponse) -> bool:
    """Whether an answer is short enough for a source that has proved nothing yet. What a real phone or trunk sends
    is longer than half of it."""
    return len(response.encode()) <= _AMPLIFICATION * len(request.received)


def answer_to_malformed(request: SipRequest, error: SipParseError) -> SipResponse:
    """The refusal that says what is wrong, as far as a status line can."""
    text = "".join(c if c.isascii() and c.isprintable() else "?" for c in str(error))
    return response_to(request, error.status, f"Bad Request: {text}"[:120] if error.status == 400 else "")


def challenged(request: SipRequest, challenges: list[str]) -> SipResponse:
    """401 with these challenges."""
    response = response_to(request, 401)
    response.headers.put_all("www-authenticate", challenges)
    return response


def answer_outside_dialog(request: SipRequest) -> SipResponse:
    """200 to OPTIONS; 405 or 501 to what is not served."""
    if request.method == "OPTIONS":
        response = response_to(request, 200)
        response.headers.put("accept", "application/sdp")
        response.headers.put("supported", SUPPORTED)
        response.headers.put("allow-events", ALLOW_EVENTS)
    else:
        response = response_to(request, 405 if request.method in KNOWN_METHODS else 501)
    response.headers.put("allow", ALLOWED_METHODS)
    return response


def with_abilities(response: SipResponse, user_agent: str) -> SipResponse:
    """The response with what we understand, and our name."""
    response.headers.put("allow", ALLOWED_METHODS)
    response.headers.put("supported", SUPPORTED)
    response.headers.put("server", user_agent)
    return response


def refusal_of_extensions(request: SipRequest, to_tag: str = "") -> SipResponse | None:
    """The refusal of a request that requires an extension that we do not have; None when it does not."""
    unknown = [value for value in request.headers.values("require") if value.lower() not in EXTENSIONS]
    if not unknown:
        return None
    response = response_to(request, 420, to_tag=to_tag)
    response.headers.put("unsupported", ", ".join(unknown))
    return response


def refusal_of_unusable(request: SipRequest) -> SipResponse | None:
    """The refusal of an INVITE with a body that we cannot read, or that wants answers that we do not give."""
    accepted = request.headers.values("accept")
    if accepted and not any(_is_sdp(value) for value in accepted):
        return response_to(request, 406)
    encoding = (request.headers.first("content-encoding") or "identity").strip().lower()
    if request.body and (request.content_type != "application/sdp" or encoding != "identity"):
        response = response_to(request, 415)
        response.headers.put("accept", "application/sdp")
        return response
    return None


def _is_sdp(media_range: str) -> bool:
    return media_range.partition(";")[0].strip().lower() in ("application/sdp", "application/*", "*/*")
