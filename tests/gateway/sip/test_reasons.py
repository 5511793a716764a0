"""Reason headers that peers send (RFC 3326)."""

from __future__ import annotations

import pytest

from gateway.sip.causes import q850_of
from gateway.sip.headers import Headers
from gateway.sip.message import SipRequest


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ('Q.850;cause=17;text="User busy"', 17),
        ("q.850 ; cause = 16", 16),
        ('SIP;cause=486;text="Busy", Q.850;cause=34', 34),
        ("SIP;cause=486", 17),
        ("SIP;cause=503", 41),
        ('SIP;cause=200;text="Call completed elsewhere"', None),
        ("Q.850;cause=1234", None),
        ("Q.850;cause=x", None),
        ("Q.850", None),
        ('"', None),
        ("", None),
    ],
)
def test_the_cause_is_that_of_q850_or_one_that_means_the_same(reason: str, cause: int | None) -> None:
    headers = Headers()
    headers.put("reason", reason)
    assert q850_of(SipRequest("BYE", "sip:x@y", headers)) == cause
