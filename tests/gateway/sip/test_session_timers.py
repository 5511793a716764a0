"""RFC 4028: sessions are refreshed by either side, and end when nobody refreshes them."""

from __future__ import annotations

import json

import pytest

from ccplatform.contracts.legs import LegOffered
from ccplatform.contracts.words import LegId, ReleaseCause
from ccplatform.kernel.clock import VirtualClock
from gateway.errors import SipParseError
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse_message
from gateway.sip.responses import response_to
from gateway.sip.session_timer import session_expires
from tests.gateway.sip.centre import Centre, to_trunk, trunk
from tests.gateway.sip.network import Network, in_order
from tests.gateway.sip.raw import RawPeer

TIMER = "Supported: timer"


@pytest.fixture
async def caller(called: Centre, network: Network) -> RawPeer:
    called.answers_everything()
    return RawPeer(network, "10.0.0.1", "10.0.0.2")


@pytest.fixture
def callee(calling: Centre, network: Network) -> RawPeer:
    return RawPeer(network, "10.0.0.2", "10.0.0.1")


def call(caller: RawPeer, *headers: str) -> SipResponse:
    answer = caller.ask(caller.request("INVITE", caller.sdp(), extra="\r\n".join(headers)))
    caller.ack()
    return answer


def requests(peer: RawPeer) -> list[SipRequest]:
    return [message for message in peer.heard() if isinstance(message, SipRequest)]


def reply(peer: RawPeer, request: SipRequest, status: int, *headers: tuple[str, str], body: str = "") -> None:
    response = response_to(request, status, to_tag="far", body=body.encode())
    for name, value in (("contact", f"<sip:far@{peer.host}:5060>"), *headers):
        response.headers.put(name, value)
    peer.send(response.encode())


def dial(calling: Centre, callee: RawPeer, *headers: tuple[str, str]) -> tuple[LegId, SipRequest]:
    leg = calling.dial(to_trunk("far"))
    (invite,) = requests(callee)
    reply(callee, invite, 200, *headers, body=callee.sdp())
    return leg, invite


async def test_a_caller_who_says_nothing_of_timers_gets_none(caller: RawPeer, clock: VirtualClock) -> None:
    answer = call(caller)
    assert "session-expires" not in answer.headers
    clock.advance(100_000)
    assert requests(caller) == []


async def test_a_caller_who_knows_timers_refreshes_or_loses_the_call(
    called: Centre, caller: RawPeer, clock: VirtualClock
) -> None:
    answer = call(caller, TIMER, "Session-Expires: 1800")
    assert answer.headers.first("session-expires") == "1800;refresher=uac"
    assert "timer" in answer.headers.tokens("require")
    clock.advance(1700)
    refreshed = caller.ask(caller.request("UPDATE", extra=f"{TIMER}\r\nSession-Expires: 1800;refresher=uac"))
    assert refreshed.headers.first("session-expires") == "1800;refresher=uac"
    clock.advance(1760)
    assert called.ended() == []
    clock.advance(10)
    assert {request.method for request in requests(caller)} == {"BYE"}
    assert called.ended() == [(ReleaseCause.TIMEOUT, True)]


async def test_a_re_invite_refreshes_too(called: Centre, caller: RawPeer, clock: VirtualClock) -> None:
    call(caller, TIMER, "Session-Expires: 90")
    for _ in range(5):
        clock.advance(50)
        assert call(caller, TIMER, "Session-Expires: 90;refresher=uac").status == 200
    assert called.ended() == []


async def test_too_short_a_session_is_refused_with_the_shortest(caller: RawPeer) -> None:
    answer = caller.ask(caller.request("INVITE", caller.sdp(), extra=f"{TIMER}\r\nSession-Expires: 30"))
    assert (answer.status, answer.headers.first("min-se")) == (422, "90")


async def test_we_refresh_by_update_when_the_caller_wants_that_of_us(
    called: Centre, caller: RawPeer, clock: VirtualClock
) -> None:
    answer = call(caller, TIMER, "Session-Expires: 600;refresher=uas", "Allow: INVITE, UPDATE")
    assert answer.headers.first("session-expires") == "600;refresher=uas"
    caller.heard()
    for _ in range(3):
        clock.advance(300)
        (update,) = requests(caller)
        assert (update.method, update.body) == ("UPDATE", b"")
        assert update.headers.first("session-expires") == "600;refresher=uac"
        reply(caller, update, 200, ("session-expires", "600;refresher=uac"))
        caller.heard()
    assert called.ended() == []


async def test_we_refresh_by_the_same_session_again_when_the_peer_has_no_update(
    called: Centre, caller: RawPeer, clock: VirtualClock
) -> None:
    answer = call(caller, TIMER, "Session-Expires: 600;refresher=uas", "Allow: INVITE")
    caller.heard()
    clock.advance(300)
    (invite,) = requests(caller)
    assert (invite.method, invite.body) == ("INVITE", answer.body)
    reply(caller, invite, 200, ("session-expires", "600;refresher=uac"), body=caller.sdp())
    assert [request.method for request in requests(caller)] == ["ACK"]
    assert len(called.media.connected) == 1  # nothing changed, nobody was told


@pytest.mark.parametrize("status", [408, 481])
async def test_a_peer_that_knows_nothing_of_the_call_any_more_ends_it(
    called: Centre, caller: RawPeer, clock: VirtualClock, status: int
) -> None:
    call(caller, TIMER, "Session-Expires: 600;refresher=uas", "Allow: UPDATE")
    caller.heard()
    clock.advance(300)
    (update,) = requests(caller)
    reply(caller, update, status)
    assert [request.method for request in requests(caller)] == ["BYE"]
    assert called.ended() == [(ReleaseCause.TIMEOUT, True)]


async def test_a_refresh_that_nobody_answers_ends_the_call(
    called: Centre, caller: RawPeer, clock: VirtualClock
) -> None:
    call(caller, TIMER, "Session-Expires: 600;refresher=uas", "Allow: UPDATE")
    clock.advance(340)
    assert called.ended() == [(ReleaseCause.TIMEOUT, True)]
    clock.advance(100)
    assert called.is_clean()


async def test_we_ask_for_a_timer_and_keep_what_the_callee_says(
    calling: Centre, callee: RawPeer, clock: VirtualClock
) -> None:
    _, invite = dial(calling, callee, ("session-expires", "400;refresher=uac"), ("allow", "UPDATE"))
    assert (invite.headers.first("session-expires"), "timer" in invite.headers.tokens("supported")) == (
        "1800",
        True,
    )
    callee.heard()
    clock.advance(200)
    assert [request.method for request in requests(callee)] == ["UPDATE"]


async def test_a_callee_who_does_not_know_timers_is_left_in_peace(
    calling: Centre, callee: RawPeer, clock: VirtualClock
) -> None:
    dial(calling, callee)
    callee.heard()
    clock.advance(100_000)
    assert requests(callee) == []


async def test_the_invite_is_sent_again_with_the_interval_that_the_callee_wants(
    calling: Centre, callee: RawPeer
) -> None:
    calling.dial(to_trunk("far"))
    (first,) = requests(callee)
    reply(callee, first, 422, ("min-se", "3600"))
    ack, second = requests(callee)
    assert (ack.method, second.method, second.headers.first("session-expires")) == ("ACK", "INVITE", "3600")
    assert (second.call_id, second.cseq.number, second.body) == (first.call_id, 2, first.body)
    reply(callee, second, 200, ("session-expires", "3600;refresher=uas"), body=callee.sdp())
    assert [request.method for request in requests(callee)] == ["ACK"]
    assert len(calling.media.connected) == 1


async def test_two_of_us_keep_a_long_call(calling: Centre, called: Centre, clock: VirtualClock) -> None:
    called.answers_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(10_000)
    assert calling.ended() == called.ended() == []
    calling.release(leg)
    clock.advance(100)
    assert calling.is_clean()
    assert called.is_clean()


async def test_a_lost_bye_is_noticed(
    calling: Centre, called: Centre, clock: VirtualClock, network: Network
) -> None:
    called.answers_everything()
    leg = calling.dial(to_trunk("far"))
    clock.advance(10)
    network.fate = lambda _: []
    calling.release(leg)
    clock.advance(2000)
    assert called.ended() == [(ReleaseCause.TIMEOUT, True)]


async def test_after_a_restart_we_go_on_refreshing(
    called: Centre, caller: RawPeer, clock: VirtualClock, network: Network
) -> None:
    call(caller, TIMER, "Session-Expires: 600;refresher=uas", "Allow: UPDATE")
    leg = called.of(LegOffered)[0].leg
    kept = json.loads(json.dumps(called.legs.snapshot(leg)))
    network.fate = lambda _: []  # the old one dies without a word
    called.release(leg)
    await called.access.close()
    clock.advance(40)
    network.fate = in_order
    restarted = Centre(called.host, clock, network.wire(called.host), trunks=[trunk("near", "10.0.0.1")])
    await restarted.open()
    assert restarted.legs.restore(leg, kept, media=True)
    caller.heard()
    clock.advance(300)
    (update,) = requests(caller)
    assert (update.method, update.headers.first("session-expires")) == ("UPDATE", "600;refresher=uac")


async def test_a_callee_who_refuses_without_a_reason_is_not_asked_again(
    calling: Centre, callee: RawPeer, clock: VirtualClock
) -> None:
    for header in (("min-se", "soon"), ("min-se", "90"), ("subject", "none")):
        calling.dial(to_trunk("far"))
        (invite,) = requests(callee)
        reply(callee, invite, 422, header)
        assert [request.method for request in requests(callee)] == ["ACK"]
        clock.advance(100)
    assert len(calling.ended()) == 3
    assert calling.is_clean()


def test_a_useless_header_is_an_error_in_a_request_and_nothing_in_a_response(callee: RawPeer) -> None:
    request = parse_message(callee.request("INVITE", extra="Session-Expires: soon"))
    assert isinstance(request, SipRequest)
    with pytest.raises(SipParseError):
        session_expires(request)
    response = response_to(request, 200)
    response.headers.put("session-expires", "soon")
    assert session_expires(response) is None
