"""What an unknown source gets is at most twice what it sent: nobody is flooded in another's name."""

from __future__ import annotations

import pytest

from ccplatform.kernel.clock import VirtualClock
from gateway.sip.settings import SipSettings
from gateway.sip.strangers import STRANGER_BURST
from tests.gateway.sip.centre import Centre, seat, trunk
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import RawPeer

STRANGER = ("203.0.113.9", 5060)
CENTRE = ("10.0.0.2", 5060)

#: The least that is still answered: compact forms, no body, short names.
_SMALLEST = (
    "{method} sip:{user}@10.0.0.2 SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK{number}\r\nf:<sip:a@a>;tag=a\r\n"
    "t:<sip:{user}@10.0.0.2>\r\ni:{number}\r\nCSeq:1 {method}\r\nMax-Forwards:9\r\nm:<sip:a@a>\r\n{more}\r\n"
)
_MORE = {
    "SUBSCRIBE": "o:dialog\r\n",
    "NOTIFY": "o:dialog\r\nSubscription-State:active\r\n",
    "REFER": "r:<sip:b@b>\r\n",
    "PRACK": "RAck:1 1 INVITE\r\n",
}
METHODS = (
    *("INVITE", "REGISTER", "OPTIONS", "BYE", "CANCEL", "ACK", "SUBSCRIBE", "NOTIFY", "REFER", "PRACK", "UPDATE"),
    *("INFO", "MESSAGE", "PUBLISH", "NONSENSE"),
)


@pytest.fixture
async def centre(clock: VirtualClock, network: Network) -> Centre:
    made = Centre(
        "10.0.0.2",
        clock,
        network.wire("10.0.0.2"),
        trunks=[trunk("near", "10.0.0.1")],
        seats=[seat(1)],
        settings=SipSettings(bind_ip="10.0.0.2"),
    )
    await made.open()
    return made


@pytest.mark.parametrize("user", ["95000", "8001", "1001", "nobody"])
@pytest.mark.parametrize("method", METHODS)
async def test_one_request_is_answered_by_at_most_twice_its_octets(
    centre: Centre, network: Network, clock: VirtualClock, method: str, user: str
) -> None:
    stranger = network.stranger(*STRANGER)
    request = _SMALLEST.format(method=method, user=user, number=1, more=_MORE.get(method, "")).encode()
    stranger.send(request, CENTRE)
    clock.advance(64)  # every repetition that RFC 3261 knows
    answers = stranger.heard()
    assert sum(len(answer.encode()) for answer in answers) <= 2 * len(request), answers


@pytest.mark.parametrize(
    "broken",
    [
        "OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK1\r\nf:a\r\nt:b\r\ni:1\r\nCSeq:x\r\n\r\n",
        "INVITE sip:a SIP/2.0\r\nv:SIP/2.0/UDP a;branch=z9hG4bK1\r\nf:<sip:a>;tag=a\r\nt:<sip:a>\r\ni:1\r\n\r\n",
        "REGISTER sip:a SIP/2.0\r\nv:SIP/2.0/UDP a\r\nl:999999999999\r\n\r\n",
        "\r\n\r\n",
        "x",
    ],
)
async def test_what_is_no_request_is_answered_by_at_most_twice_its_octets(
    centre: Centre, network: Network, clock: VirtualClock, broken: str
) -> None:
    stranger = network.stranger(*STRANGER)
    stranger.send(broken.encode(), CENTRE)
    clock.advance(64)
    answers = stranger.heard()
    assert sum(len(answer.encode()) for answer in answers) <= 2 * len(broken), answers


async def test_real_requests_of_strangers_are_answered(centre: Centre, network: Network) -> None:
    phone = RawPeer(network, "203.0.113.9", "10.0.0.2", user="8001")
    assert phone.ask(phone.request("REGISTER", uri="sip:10.0.0.2", to="<sip:8001@10.0.0.2>")).status == 401
    assert phone.ask(phone.request("SUBSCRIBE", extra="Event: dialog")).status == 401
    assert phone.ask(phone.request("INVITE", phone.sdp())).status == 401
    nobody = RawPeer(network, "203.0.113.8", "10.0.0.2")
    assert nobody.ask(nobody.request("INVITE", nobody.sdp())).status == 403


async def test_challenges_to_one_source_have_a_rate_until_a_phone_of_ours_is_there(
    centre: Centre, network: Network
) -> None:
    def challenged(phone: RawPeer, count: int) -> int:
        for _ in range(count):
            phone.send(phone.request("REGISTER", uri="sip:10.0.0.2", to="<sip:8001@10.0.0.2>"))
        return phone.statuses().count(401)

    stranger = RawPeer(network, "203.0.113.9", "10.0.0.2", user="8001")
    burst = 10 * int(STRANGER_BURST)
    assert challenged(stranger, burst + 50) == burst
    office = RawPeer(network, "203.0.113.10", "10.0.0.2", user="8001")
    to, uri = "<sip:8001@10.0.0.2>", "sip:10.0.0.2"
    challenge = office.ask(office.request("REGISTER", uri=uri, to=to))
    office.send(office.with_credentials("REGISTER", challenge, "secret", uri=uri, to=to))
    assert office.statuses()[-1] == 200
    assert challenged(office, burst + 50) == burst + 50
