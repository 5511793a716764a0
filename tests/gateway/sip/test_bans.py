"""Who is not listened to any more."""

from __future__ import annotations

import pytest

from ccplatform.contracts.words import Severity
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.bans import BanRules, Fault, SourceBans
from gateway.sip.settings import SipSettings
from tests.gateway.sip.centre import Centre, seat, trunk
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import RawPeer

RULES = BanRules(faults=3, window_seconds=10, ban_seconds=100)


def test_too_many_faults_within_the_window_are_a_ban_that_ends() -> None:
    bans = SourceBans(RULES)
    assert not bans.is_too_much("a", Fault.DIGEST, 0.0)
    assert not bans.is_too_much("a", Fault.DIGEST, 1.0)
    assert not bans.is_too_much("a", Fault.DIGEST, 10.5)  # the first is forgotten
    assert bans.is_too_much("a", Fault.DIGEST, 10.9)
    bans.impose("a", Fault.DIGEST, 10.9)
    assert bans.drops("a", 110.8)
    assert not bans.drops("b", 20.0)
    assert not bans.drops("a", 110.9)
    assert bans.active(110.9) == []
    assert (bans.dropped, bans.imposed[Fault.DIGEST]) == (1, 1)


def test_a_ban_can_be_lifted_once() -> None:
    bans = SourceBans(RULES)
    bans.impose("a", Fault.STRANGER, 0.0)
    assert bans.lift("a")
    assert not bans.lift("a")
    assert not bans.drops("a", 1.0)


@pytest.fixture
async def centre(clock: VirtualClock, network: Network) -> Centre:
    made = Centre(
        "10.0.0.2",
        clock,
        network.wire("10.0.0.2"),
        trunks=[trunk("near", "10.0.0.1")],
        seats=[seat(1)],
        settings=SipSettings(bind_ip="10.0.0.2", ban_faults=3, ban_seconds=60),
    )
    await made.open()
    return made


def register(phone: RawPeer, password: str) -> int:
    to, uri = "<sip:8001@10.0.0.2>", "sip:10.0.0.2"
    challenge = phone.ask(phone.request("REGISTER", uri=uri, to=to))
    assert challenge.status == 401
    phone.send(phone.with_credentials("REGISTER", challenge, password, uri=uri, to=to))
    return (phone.statuses() or [0])[-1]


async def test_who_guesses_passwords_is_banned_until_the_ban_is_lifted_or_over(
    centre: Centre, network: Network, clock: VirtualClock
) -> None:
    guesser = RawPeer(network, "203.0.113.9", "10.0.0.2", user="8001")
    assert [register(guesser, f"guess {attempt}") for attempt in range(3)] == [401, 401, 0]
    guesser.send(guesser.request("OPTIONS"))
    assert guesser.statuses() == []
    bans = centre.access.sip.strangers.describe()
    assert [(ban["source"], ban["fault"]) for ban in bans["active"]] == [("203.0.113.9", "digest")]
    assert bans["dropped"] == 1
    assert centre.access.sip.strangers.lift("203.0.113.9")
    assert register(guesser, "secret") == 200


async def test_that_somebody_is_banned_is_an_alarm_until_nobody_is(
    centre: Centre, network: Network, clock: VirtualClock
) -> None:
    for host in ("203.0.113.9", "203.0.113.10"):
        scanner = RawPeer(network, host, "10.0.0.2")
        scanner.send(scanner.request("OPTIONS", extra="User-Agent: friendly-scanner"))
        clock.advance(10)
    severity, text = centre.alarms.up["source_banned", ""]
    assert (severity, text.split()[0]) == (Severity.NON_URGENT, "203.0.113.10")
    assert centre.access.sip.strangers.lift("203.0.113.9")
    assert centre.alarms.up
    clock.advance(60)
    assert centre.alarms.up == {}


async def test_one_bad_password_among_good_phones_of_the_same_address_bans_nobody(
    centre: Centre, network: Network
) -> None:
    good = RawPeer(network, "203.0.113.9", "10.0.0.2", user="8001")
    assert register(good, "secret") == 200
    bad = RawPeer(network, "203.0.113.9", "10.0.0.2", user="8001", port=5070)
    bad.call_id = "bad@203.0.113.9"
    assert [register(bad, "wrong") for _ in range(5)] == [401] * 5


async def test_a_trunk_is_never_banned(centre: Centre, network: Network) -> None:
    peer = RawPeer(network, "10.0.0.1", "10.0.0.2")
    for _ in range(10):
        peer.send(b"INVITE sip:x SIP/2.0\r\n\r\n")
    assert peer.ask(peer.request("OPTIONS")).status == 200


@pytest.mark.parametrize("first", ["OPTIONS", "REGISTER", "INVITE"])
@pytest.mark.parametrize("agent", ["friendly-scanner", "sipvicious", "sipcli/v1.8"])
async def test_a_scanner_gets_no_answer_at_all(centre: Centre, network: Network, agent: str, first: str) -> None:
    scanner = RawPeer(network, "203.0.113.9", "10.0.0.2")
    for method in (first, "OPTIONS", "REGISTER", "INVITE"):
        scanner.send(scanner.request(method, extra=f"User-Agent: {agent}"))
    assert scanner.statuses() == []
    assert centre.access.sip.strangers.describe()["imposed"]["scanner"] == 1
    assert centre.access.sip.transactions == 0


async def test_what_is_no_sip_counts_too(centre: Centre, network: Network) -> None:
    fuzzer = RawPeer(network, "203.0.113.9", "10.0.0.2")
    for _ in range(3):
        fuzzer.send(b"\xff\xfe garbage\r\n\r\n")
    fuzzer.statuses()
    fuzzer.send(fuzzer.request("OPTIONS"))
    assert fuzzer.statuses() == []
