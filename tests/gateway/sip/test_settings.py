"""Settings that cannot work are refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ccplatform.kernel.clock import SystemClock
from gateway.sip.settings import SipSettings
from tests.gateway.sip.centre import Centre


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"tls_certificate": "cert.pem"}, "give both or none"),
        ({"tls_key": "key.pem"}, "give both or none"),
        ({"ws_port": 5060}, "must differ"),
        ({"bind_ip": "localhost"}, "does not appear to be an IPv4 or IPv6 address"),
        ({"bind_ip": "0.0.0.0"}, "advertised_address must be set"),
        ({"bind_ip": "::"}, "advertised_address must be set"),
        ({"bind_ip6": "::"}, "advertised_address6 must be set"),
        ({"bind_ip6": "127.0.0.2"}, "bind_ip6 and advertised_address6 must be of IPv6"),
        ({"bind_ip": "::1", "bind_ip6": "::1"}, "must be of IPv4 when bind_ip6 is set"),
        ({"advertised_address6": "2001:db8::1"}, "advertised_address6 is for bind_ip6"),
        ({"port": 70_000}, "less than or equal to 65535"),
        ({"min_register_seconds": 600, "max_register_seconds": 300}, "above max_register_seconds"),
        ({"nonsense": 1}, "Extra inputs"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        SipSettings(**values)


def test_behind_nat_the_advertised_address_is_shown() -> None:
    assert SipSettings(bind_ip="0.0.0.0", advertised_address="203.0.113.1").public_host == "203.0.113.1"
    assert SipSettings().public_host == "127.0.0.1"


def test_a_node_is_at_one_address_or_at_one_of_each_version_of_ip() -> None:
    assert SipSettings(bind_ip="::1").public_hosts == SipSettings(bind_ip="::1").bound == ("::1",)
    both = SipSettings(bind_ip="0.0.0.0", advertised_address="192.0.2.1", bind_ip6="::1")
    assert (both.bound, both.public_hosts) == (("0.0.0.0", "::1"), ("192.0.2.1", "::1"))


async def test_websocket_can_be_switched_off() -> None:
    centre = Centre("127.0.0.1", SystemClock(), None, settings=SipSettings(port=0, ws=False))
    await centre.open()
    assert set(centre.access.sip.ports) == {"UDP", "TCP"}
    await centre.access.close()
    await centre.tasks.close()
