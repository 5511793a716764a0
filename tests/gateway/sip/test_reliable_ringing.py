"""RFC 3262: provisional responses that are acknowledged by PRACK, both sides."""

from __future__ import annotations

import pytest

from ccplatform.contracts.legs import LegAnswered, LegOffered, LegRinging
from ccplatform.contracts.words import LegId, ReleaseCause
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.responses import response_to
from tests.gateway.sip.centre import Centre, to_trunk
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import RawPeer

INSISTS = "Require: 100rel"


@pytest.fixture
def caller(called: Centre, network: Network) -> RawPeer:
    called.rings_everything()
    return RawPeer(network, "10.0.0.1", "10.0.0.2")


@pytest.fixture
def callee(calling: Centre, network: Network) -> RawPeer:
    return RawPeer(network, "10.0.0.2", "10.0.0.1")


def ringing(caller: RawPeer) -> SipResponse:
    return caller.ask(caller.request("INVITE", caller.sdp(), extra=INSISTS))


def leg_of(called: Centre) -> LegId:
    return called.of(LegOffered)[0].leg


def requests(peer: RawPeer) -> list[SipRequest]:
    return [message for message in peer.heard() if isinstance(message, SipRequest)]


async def test_ringing_is_repeated_until_it_is_acknowledged(
    called: Centre, caller: RawPeer, clock: VirtualClock
) -> None:
    answer = ringing(caller)
    assert (answer.status, answer.headers.first("rseq")) == (180, "1")
    assert "100rel" in answer.headers.tokens("require")
    clock.advance(4)
    assert caller.statuses() == [180, 180, 180]
    assert caller.ask(caller.request("PRACK", extra="RAck: 1 1 INVITE")).status == 200
    clock.advance(20)
    assert caller.statuses() == []
    called.answers(leg_of(called))
    assert caller.statuses() == [200]
    caller.ack()
    assert called.ended() == []


async def test_an_answer_does_not_wait_for_the_prack(called: Centre, caller: RawPeer) -> None:
    ringing(caller)
    called.answers(leg_of(called))
    assert caller.statuses() == [200]
    assert caller.ask(caller.request("PRACK", extra="RAck: 1 1 INVITE")).status == 200


@pytest.mark.parametrize(("rack", "status"), [("2 1 INVITE", 481), ("1 2 INVITE", 481), ("x", 400), ("1 1", 400)])
async def test_a_prack_for_something_else_is_refused(caller: RawPeer, rack: str, status: int) -> None:
    ringing(caller)
    assert caller.ask(caller.request("PRACK", extra=f"RAck: {rack}")).status == status


async def test_a_second_prack_finds_nothing(caller: RawPeer) -> None:
    ringing(caller)
    statuses = [caller.ask(caller.request("PRACK", extra="RAck: 1 1 INVITE")).status for _ in range(2)]
    assert statuses == [200, 481]


async def test_without_a_prack_the_call_is_refused_in_the_end(
    called: Centre, caller: RawPeer, clock: VirtualClock
) -> None:
    ringing(caller)
    clock.advance(33)
    assert caller.statuses()[-1] == 504
    assert called.ended() == [(ReleaseCause.UNREACHABLE, True)]


async def test_who_does_not_insist_gets_plain_ringing(caller: RawPeer) -> None:
    answer = caller.ask(caller.request("INVITE", caller.sdp(), extra="Supported: 100rel"))
    assert (answer.status, "rseq" in answer.headers) == (180, False)


# --- we call ----------------------------------------------------------------------------------------------


def provisional(
    peer: RawPeer, invite: SipRequest, number: int, *, status: int = 183, tag: str = "far", body: str = ""
) -> None:
    response = response_to(invite, status, to_tag=tag, body=body.encode())
    headers = (("contact", "<sip:far@10.0.0.2:5060>"), ("require", "100rel"), ("rseq", str(number)))
    for name, value in headers:
        response.headers.put(name, value)
    peer.send(response.encode())


async def test_reliable_ringing_of_the_callee_is_acknowledged_once(calling: Centre, callee: RawPeer) -> None:
    calling.dial(to_trunk("far"))
    (invite,) = requests(callee)
    provisional(callee, invite, 7, status=180)
    (prack,) = requests(callee)
    assert (prack.method, prack.headers.first("rack"), prack.to.tag) == ("PRACK", "7 1 INVITE", "far")
    assert (prack.uri_text, prack.cseq.number) == ("sip:far@10.0.0.2:5060", 2)
    callee.send(response_to(prack, 200).encode())
    provisional(callee, invite, 7, status=180)  # the same once more
    provisional(callee, invite, 9, status=180)  # one was lost before it
    assert requests(callee) == []
    provisional(callee, invite, 8, status=180)
    assert [request.headers.first("rack") for request in requests(callee)] == ["8 1 INVITE"]
    assert len(calling.of(LegRinging)) == 1


async def test_a_session_that_came_with_the_ringing_counts_for_an_answer_without(
    calling: Centre, callee: RawPeer
) -> None:
    leg = calling.dial(to_trunk("far"))
    (invite,) = requests(callee)
    provisional(callee, invite, 1, body=callee.sdp())
    (prack,) = requests(callee)
    callee.send(response_to(prack, 200).encode())
    answer = response_to(invite, 200, to_tag="far")
    answer.headers.put("contact", "<sip:far@10.0.0.2:5060>")
    callee.send(answer.encode())
    assert [request.method for request in requests(callee)] == ["ACK"]
    assert [event.leg for event in calling.of(LegAnswered)] == [leg]
    calling.release(leg)
    (bye,) = requests(callee)
    assert bye.cseq.number == 3  # the PRACK was the second


async def test_each_branch_of_a_fork_is_acknowledged_in_its_own_dialog(calling: Centre, callee: RawPeer) -> None:
    calling.dial(to_trunk("far"))
    (invite,) = requests(callee)
    for number in range(20):
        provisional(callee, invite, 1, status=180, tag=f"branch{number}")
    pracks = requests(callee)
    assert [prack.to.tag for prack in pracks] == [f"branch{number}" for number in range(16)]
    assert {prack.cseq.number for prack in pracks} == {2}
