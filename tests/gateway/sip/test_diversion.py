"""Calls that were forwarded to us, and calls that we forward (RFC 5806, RFC 7044)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.legs import DialLeg, LegOffered
from ccplatform.contracts.words import CallId, ContactId, LegId, LegRole
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.diversion import REASONS, Forwarded, diversion_headers, forwarded
from gateway.sip.headers import Headers
from gateway.sip.message import SipRequest
from tests.gateway.sip.centre import Centre, to_trunk, trunk
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import RawPeer


def invite(**headers: str) -> SipRequest:
    made = Headers()
    for name, value in headers.items():
        made.put(name.replace("_", "-"), value)
    return SipRequest("INVITE", "sip:95000@10.0.0.2", made)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, Forwarded()),
        ({"diversion": "<sip:8888@x>;reason=user-busy;counter=1"}, Forwarded("8888", "user-busy")),
        (
            {"diversion": '<sip:7777@x>;reason=no-answer, "Li" <tel:+86108888>;reason=unconditional'},
            Forwarded("+86108888", "unconditional"),
        ),
        ({"diversion": '<sip:8888@x>;reason="away"'}, Forwarded("8888", "away")),
        ({"diversion": "<sip:8888@x>;reason=whim"}, Forwarded("8888", "unknown")),
        ({"diversion": "<sip:8888@x>;privacy=full"}, Forwarded()),
        ({"diversion": "<sip:95000@x>"}, Forwarded()),
        ({"diversion": "nonsense"}, Forwarded()),
        ({"history_info": "<sip:95000@x>;index=1"}, Forwarded()),
        (
            {"history_info": "<sip:8888@x?Reason=SIP%3Bcause%3D486>;index=1, <sip:95000@y>;index=1.1;mp=1"},
            Forwarded("8888", "user-busy"),
        ),
        (
            {"history_info": "<sip:8888@x>;index=1, <sip:95000@y;cause=408>;index=1.1"},
            Forwarded("8888", "no-answer"),
        ),
        (
            {"history_info": "<sip:8888@x?Privacy=history>;index=1, <sip:95000@y>;index=1.1"},
            Forwarded(),
        ),
        (
            {"history_info": "<sip:8888@x>;index=1, <sip:95000@y>;index=1.1", "privacy": "history"},
            Forwarded(),
        ),
        (
            {"history_info": "nonsense", "diversion": "<sip:8888@x>;reason=unavailable"},
            Forwarded("8888", "unavailable"),
        ),
        (
            {
                "history_info": "<sip:1@x?Reason=SIP%3Bcause%3D302>;index=1, <sip:95000@y>;index=1.1",
                "diversion": "<sip:2@x>;reason=away",
            },
            Forwarded("1", "unconditional"),
        ),
    ],
)
def test_the_number_that_was_called_first_is_found(headers: dict[str, str], found: Forwarded) -> None:
    assert forwarded(invite(**headers)) == found


@given(st.text(max_size=200), st.sampled_from(["diversion", "history_info"]))
def test_nothing_that_is_said_does_harm(text: str, name: str) -> None:
    found = forwarded(invite(**{name: text.replace("\r", "").replace("\n", "")}))
    assert found.reason in {*REASONS, ""}


def test_what_we_forward_says_so_both_ways_and_is_read_back_alike() -> None:
    headers = dict(diversion_headers(("95000", "8888"), "sip:1391@192.0.2.1", "10.0.0.2"))
    assert headers["diversion"] == (
        "<sip:95000@10.0.0.2>;reason=unconditional;counter=1, <sip:8888@10.0.0.2>;reason=unconditional;counter=1"
    )
    assert headers["history-info"] == (
        "<sip:8888@10.0.0.2?Reason=SIP%3Bcause%3D302>;index=1, "
        "<sip:95000@10.0.0.2?Reason=SIP%3Bcause%3D302>;index=1.1, <sip:1391@192.0.2.1>;index=1.1.1"
    )
    for name, value in headers.items():
        assert forwarded(invite(**{name: value})) == Forwarded("8888", "unconditional")
    assert diversion_headers(("", ""), "sip:1@x", "h") == ()


@pytest.fixture
def trunk_peer(network: Network) -> RawPeer:
    return RawPeer(network, "10.0.0.1", "10.0.0.2")


async def test_a_trunk_is_believed(called: Centre, trunk_peer: RawPeer) -> None:
    told = "Diversion: <sip:8888@x>;reason=user-busy"
    trunk_peer.send(trunk_peer.request("INVITE", trunk_peer.sdp(), extra=told))
    trunk_peer.heard()
    offered = called.of(LegOffered)[0]
    assert (offered.forwarded_from, offered.forwarded_because) == ("8888", "user-busy")


async def test_a_phone_is_not(called: Centre, network: Network) -> None:
    peer = RawPeer(network, "10.0.0.9", "10.0.0.2", user="8001")
    challenge = peer.ask(peer.request("INVITE", peer.sdp()))
    peer.ack()
    peer.to_tag = ""
    told = "Diversion: <sip:8888@x>;reason=user-busy"
    peer.send(peer.with_credentials("INVITE", challenge, "secret", body=peer.sdp(), extra=told))
    peer.heard()
    assert called.of(LegOffered)[0].forwarded_from == ""


async def test_a_call_that_goes_on_to_a_trunk_says_whom_it_was_for(clock: VirtualClock, network: Network) -> None:
    centre = Centre("10.0.0.2", clock, network.wire("10.0.0.2"), trunks=[trunk("far", "10.0.0.7")])
    await centre.open()
    far = network.stranger("10.0.0.7", 5060)
    centre.legs.perform(
        DialLeg(
            leg=LegId("l"),
            call=CallId("c"),
            contact=ContactId("x"),
            role=LegRole.PARTY,
            target=to_trunk("far", "1391"),
            caller="138",
            forwarded_from=("95000", ""),
        )
    )
    (sent,) = far.heard()
    assert "Diversion: <sip:95000@10.0.0.2>;reason=unconditional;counter=1\r\n" in sent
    assert (
        "History-Info: <sip:95000@10.0.0.2?Reason=SIP%3Bcause%3D302>;index=1, <sip:1391@10.0.0.7:5060>;index=1.1"
        in sent
    )
