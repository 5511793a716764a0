"""Who gets in and what the service answers, seen by peers that write their SIP by hand."""

from __future__ import annotations

import pytest

from ccplatform.contracts.facts import CallRefused, SeatRegistered, SeatUnregistered, SipMessageSeen
from ccplatform.contracts.legs import (
    AnswerLeg,
    LegAnswered,
    LegEnded,
    LegHeld,
    LegOffered,
    LegRinging,
    SeatTarget,
)
from ccplatform.contracts.words import ReleaseCause, SeatId
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.digest import parse_digest
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.passes import PASS_SECONDS
from gateway.sip.responses import response_to
from gateway.sip.settings import SipSettings
from tests.gateway.sip.centre import Centre, trunk
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import RawPeer


@pytest.fixture
def trunk_peer(network: Network) -> RawPeer:
    return RawPeer(network, "10.0.0.1", "10.0.0.2")


@pytest.fixture
def phone(network: Network) -> RawPeer:
    """The phone of seat 8001; its address is no trunk's."""
    return RawPeer(network, "10.0.9.1", "10.0.0.2", user="8001")


def registered(
    phone: RawPeer, password: str = "secret", *, choice: int | None = None, expires: int = 600
) -> SipResponse:
    to, uri, extra = f"<sip:{phone.user}@10.0.0.2>", "sip:10.0.0.2", f"Expires: {expires}"
    challenge = phone.ask(phone.request("REGISTER", uri=uri, to=to, extra=extra))
    assert challenge.status == 401
    return phone.ask(
        phone.with_credentials("REGISTER", challenge, password, uri=uri, to=to, extra=extra, choice=choice)
    )


# --- registration -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", [0, 1])
async def test_a_seat_registers_with_sha_256_and_with_md5(called: Centre, phone: RawPeer, choice: int) -> None:
    assert registered(phone, choice=choice).status == 200
    assert called.access.seats.reachable(SeatId("seat-01"))
    assert [fact.seat for fact in called.facts_of(SeatRegistered)] == ["seat-01"]


async def test_a_pass_registers_its_own_seat_until_it_ends(
    called: Centre, phone: RawPeer, network: Network, clock: VirtualClock
) -> None:
    issued = called.access.passes.issue("8001", clock.wall().timestamp())

    def attempt(peer: RawPeer, seat: str) -> int:
        to, uri = f"<sip:{seat}@10.0.0.2>", "sip:10.0.0.2"
        challenge = peer.ask(peer.request("REGISTER", uri=uri, to=to))
        peer.user = issued.user  # of digest
        return peer.ask(peer.with_credentials("REGISTER", challenge, issued.password, uri=uri, to=to)).status

    assert attempt(phone, "8001") == 200
    assert called.access.seats.reachable(SeatId("seat-01"))
    assert attempt(RawPeer(network, "10.0.9.2", "10.0.0.2"), "8002") == 401
    clock.advance(PASS_SECONDS)
    assert attempt(phone, "8001") == 401


@pytest.mark.parametrize(
    ("user_agent", "offered"),
    [
        ("Phone 3000", ["SHA-256", "MD5"]),
        ("baresip v1.0.0 (x86_64/linux)", ["MD5"]),  # gives up at any other algorithm
        ("", ["MD5", "SHA-256"]),  # mostly tools that read the first challenge only
    ],
)
async def test_a_phone_is_offered_the_algorithms_it_can_stand(
    called: Centre, phone: RawPeer, user_agent: str, offered: list[str]
) -> None:
    extra = f"User-Agent: {user_agent}" if user_agent else ""
    answer = phone.ask(phone.request("REGISTER", uri="sip:10.0.0.2", to="<sip:8001@10.0.0.2>", extra=extra))
    challenges = [parse_digest(value, "") for value in answer.headers.all("www-authenticate")]
    assert [challenge.get("algorithm") for challenge in challenges if challenge] == offered


async def test_wrong_passwords_and_unknown_users_are_told_apart_by_nobody(
    called: Centre, phone: RawPeer, network: Network
) -> None:
    wrong = registered(phone, "wrong")
    nobody = registered(RawPeer(network, "10.0.9.3", "10.0.0.2", user="9999"))
    assert wrong.status == nobody.status == 401
    assert not called.access.seats.reachable(SeatId("seat-01"))


async def test_a_registration_ends_with_its_time(called: Centre, phone: RawPeer, clock: VirtualClock) -> None:
    registered(phone, expires=60)
    clock.advance(61)
    assert [fact.reason for fact in called.facts_of(SeatUnregistered)] == ["expired"]
    assert not called.access.seats.reachable(SeatId("seat-01"))


async def test_credentials_cannot_be_used_again(called: Centre, phone: RawPeer) -> None:
    challenge = phone.ask(phone.request("REGISTER", uri="sip:10.0.0.2", to="<sip:8001@10.0.0.2>"))

    def attempt() -> SipResponse:
        to = "<sip:8001@10.0.0.2>"
        return phone.ask(phone.with_credentials("REGISTER", challenge, "secret", uri="sip:10.0.0.2", to=to))

    assert attempt().status == 200
    again = attempt()
    assert again.status == 401
    assert "stale=true" in again.headers.all("www-authenticate")[0]


# --- calls in ---------------------------------------------------------------------------------------------


async def test_a_seats_name_is_challenged_even_from_a_trunk(called: Centre, network: Network) -> None:
    impostor = RawPeer(network, "10.0.0.1", "10.0.0.2", user="8001")
    assert impostor.ask(impostor.request("INVITE", impostor.sdp())).status == 401
    assert called.of(LegOffered) == []


async def test_a_seat_calls_with_its_password(called: Centre, phone: RawPeer) -> None:
    called.answers_everything()
    challenge = phone.ask(phone.request("INVITE", phone.sdp()))
    phone.ack()
    phone.to_tag = ""
    answer = phone.ask(phone.with_credentials("INVITE", challenge, "secret", body=phone.sdp()))
    assert answer.status == 200
    assert (called.of(LegOffered)[0].seat, called.of(LegOffered)[0].trunk) == ("seat-01", None)


def calls_again(phone: RawPeer, number: str, call_id: str) -> SipResponse:
    phone.call_id, phone.to_tag = call_id, ""
    uri = f"sip:{number}@10.0.0.2"
    challenge = phone.ask(phone.request("INVITE", phone.sdp(), uri=uri))
    phone.ack()
    phone.to_tag = ""
    return phone.ask(phone.with_credentials("INVITE", challenge, "secret", body=phone.sdp(), uri=uri))


async def test_the_phones_of_a_seat_have_so_many_lines_and_one_more_for_help(
    called: Centre, phone: RawPeer
) -> None:
    called.rings_everything()
    lines = SipSettings().lines_per_seat
    statuses = [calls_again(phone, "95000", f"line-{number}").status for number in range(lines + 1)]
    assert statuses == [180] * lines + [486]
    refused = called.facts_of(CallRefused)[-1]
    assert (refused.cause, refused.sip_status, refused.seat) == (ReleaseCause.BUSY, 486, "seat-01")
    assert calls_again(phone, "120", "help").status == 180
    for offer in called.of(LegOffered)[:2]:
        called.release(offer.leg)
    assert calls_again(phone, "95000", "another").status == 180


async def test_what_rings_a_phone_takes_a_line_and_is_refused_by_none(called: Centre, phone: RawPeer) -> None:
    called.rings_everything()
    registered(phone)
    for _ in range(SipSettings().lines_per_seat + 1):
        called.dial(SeatTarget(seat=SeatId("seat-01")))
    assert called.ended() == []
    assert calls_again(phone, "95000", "own").status == 486


async def test_one_seat_cannot_pose_as_another(called: Centre, phone: RawPeer) -> None:
    challenge = phone.ask(phone.request("INVITE", phone.sdp()))
    phone.to_tag = ""
    data = phone.with_credentials("INVITE", challenge, "secret", body=phone.sdp())
    assert phone.ask(data.replace(b"From: <sip:8001@", b"From: <sip:8002@")).status == 401
    assert called.of(LegOffered) == []


async def test_strangers_are_refused_and_soon_ignored(called: Centre, network: Network) -> None:
    stranger = RawPeer(network, "203.0.113.5", "10.0.0.2")
    statuses = []
    for _ in range(60):
        stranger.send(stranger.request("INVITE", stranger.sdp()))
        stranger.call_id += "x"
    statuses = stranger.statuses()
    assert set(statuses) == {403}
    assert len(statuses) == 20
    assert called.of(LegOffered) == []
    assert called.facts_of(CallRefused) == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((b"application/sdp", b"text/plain"), 415),
        ((b"Content-Type:", b"Require: foo\r\nContent-Type:"), 420),
        ((b"Contact: <sip:", b"Contact: <mailto:"), 400),
        ((b"RTP/AVP 8 101", b"RTP/AVP 18 101"), 488),
        ((b"v=0", b"x=0"), 488),
        ((b"INVITE sip:", b"INVITE urn:"), 416),
        ((b"Content-Length: ", b"Content-Length: x"), 400),
    ],
)
async def test_unusable_invites_are_refused_with_a_reason(
    called: Centre, trunk_peer: RawPeer, clock: VirtualClock, change: tuple[bytes, bytes], status: int
) -> None:
    response = trunk_peer.ask(trunk_peer.request("INVITE", trunk_peer.sdp()).replace(*change))
    assert response.status == status
    clock.advance(100)
    assert called.of(LegOffered) == []
    assert called.is_clean()
    if status == 488:
        assert "399 ccplatform" in (response.headers.first("warning") or "")
        assert [fact.cause for fact in called.facts_of(CallRefused)] == [ReleaseCause.INCOMPATIBLE]


@pytest.mark.parametrize(
    ("headers", "caller", "name"),
    [
        (
            'P-Asserted-Identity: "Zhang Wei" <sip:+8613800000009@net>, <tel:+8613800000009>',
            "+8613800000009",
            "Zhang Wei",
        ),
        ("P-Asserted-Identity: <urn:x:y>, <tel:+8613800000009;ext=1>", "+8613800000009", ""),
        ("P-Asserted-Identity: <sip:139@net>\r\nPrivacy: critical;id", "13800000001", ""),
        ("P-Asserted-Identity: <sip:139@net>\r\nPrivacy: none", "139", ""),
        ("P-Asserted-Identity: nonsense <", "13800000001", ""),
    ],
)
async def test_what_a_trunk_asserts_of_the_caller_counts_unless_he_withholds_it(
    called: Centre, trunk_peer: RawPeer, headers: str, caller: str, name: str
) -> None:
    trunk_peer.send(trunk_peer.request("INVITE", trunk_peer.sdp(), extra=headers))
    trunk_peer.heard()
    (offered,) = called.of(LegOffered)
    assert (offered.caller, offered.caller_name) == (caller, name)


async def test_overload_is_a_503_with_retry_after(called: Centre, trunk_peer: RawPeer) -> None:
    called.refusing = ReleaseCause.OVERLOAD
    response = trunk_peer.ask(trunk_peer.request("INVITE", trunk_peer.sdp()))
    assert (response.status, response.headers.first("retry-after")) == (503, "5")


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("OPTIONS", 200),
        ("BYE", 481),
        ("INFO", 481),
        ("SUBSCRIBE", 401),
        ("PUBLISH", 405),
        ("MESSAGE", 405),
        ("FROBNICATE", 501),
    ],
)
async def test_requests_outside_dialogs(called: Centre, trunk_peer: RawPeer, method: str, status: int) -> None:
    response = trunk_peer.ask(trunk_peer.request(method))
    assert response.status == status
    if status in (200, 405):
        assert "INVITE" in (response.headers.first("allow") or "")


async def test_a_repeated_invite_is_one_call(called: Centre, trunk_peer: RawPeer) -> None:
    data = trunk_peer.request("INVITE", trunk_peer.sdp())
    for _ in range(3):
        trunk_peer.send(data)
    assert trunk_peer.statuses() == [100, 100, 100]
    assert len(called.of(LegOffered)) == 1


# --- inside a dialog --------------------------------------------------------------------------------------


@pytest.fixture
async def talking(called: Centre, trunk_peer: RawPeer) -> RawPeer:
    called.answers_everything()
    assert trunk_peer.ask(trunk_peer.request("INVITE", trunk_peer.sdp())).status == 200
    trunk_peer.ack()
    trunk_peer.heard()
    return trunk_peer


async def test_hold_and_retrieve_by_re_invite(called: Centre, talking: RawPeer) -> None:
    for direction, answered, receives in (("sendonly", "recvonly", False), ("sendrecv", "sendrecv", True)):
        response = talking.ask(talking.request("INVITE", talking.sdp(direction)))
        talking.ack()
        assert f"a={answered}".encode() in response.body
        assert called.media.connected[-1][1].receives is receives
    assert talking.statuses() == []


async def test_a_phones_own_hold_is_told_once_and_so_is_its_end(called: Centre, talking: RawPeer) -> None:
    for direction in ("sendonly", "sendonly", "inactive", "sendrecv", "recvonly"):
        talking.ask(talking.request("INVITE", talking.sdp(direction)))
        talking.ack()
    talking.ask(talking.request("UPDATE", talking.sdp("inactive")))
    assert [event.held for event in called.of(LegHeld)] == [True, False, True]


async def test_an_unusable_re_invite_leaves_the_call_as_it_is(called: Centre, talking: RawPeer) -> None:
    connected = list(called.media.connected)
    assert talking.ask(talking.request("INVITE", talking.sdp().replace("AVP 8", "AVP 18"))).status == 488
    talking.ack()
    assert called.media.connected == connected
    assert talking.ask(talking.request("BYE")).status == 200


async def test_a_re_invite_without_offer_gets_ours_and_its_ack_counts(called: Centre, talking: RawPeer) -> None:
    response = talking.ask(talking.request("INVITE"))
    assert b"m=audio" in response.body
    talking.ack(talking.sdp().replace("4000", "4444"))
    talking.heard()
    assert called.media.connected[-1][1].port == 4444


async def test_an_update_changes_the_session(called: Centre, talking: RawPeer) -> None:
    assert talking.ask(talking.request("UPDATE", talking.sdp("inactive"))).status == 200
    assert not called.media.connected[-1][1].sends
    assert talking.ask(talking.request("UPDATE")).status == 200


@pytest.mark.parametrize(
    ("content_type", "body", "digit"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", "Signal= *\r\n", "*"),
        ("application/dtmf-relay", "signal=11\r\n", "#"),
        ("application/dtmf", "7", "7"),
    ],
)
async def test_info_brings_digits_and_the_trace_hides_them(
    called: Centre, talking: RawPeer, content_type: str, body: str, digit: str
) -> None:
    assert talking.ask(talking.request("INFO", body, content_type=content_type)).status == 200
    assert called.media.keys[-1][1] == digit
    text = next(fact.text for fact in called.facts_of(SipMessageSeen) if fact.text.startswith("INFO"))
    assert text.split("\r\n\r\n")[1].replace("Duration=160", "").strip().strip("sSignal=").strip() == "***"


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("INFO", "", 200),
        ("INFO", "x", 415),
        ("OPTIONS", "", 200),
        ("REFER", "", 400),  # to nobody
        ("MESSAGE", "x", 405),
        ("FROBNICATE", "", 501),
    ],
)
async def test_other_requests_inside_a_dialog(talking: RawPeer, method: str, body: str, status: int) -> None:
    assert talking.ask(talking.request(method, body)).status == status


async def test_requests_out_of_order_or_of_another_dialog_are_refused(talking: RawPeer) -> None:
    assert talking.ask(talking.request("OPTIONS", sequence=0)).status == 500
    assert talking.ask(talking.request("BYE").replace(b";tag=raw", b";tag=other")).status == 481
    talking.to_tag = "nobody"
    assert talking.ask(talking.request("BYE")).status == 481


async def test_a_bye_frees_everything_and_a_second_one_finds_nothing(
    called: Centre, talking: RawPeer, clock: VirtualClock
) -> None:
    assert talking.ask(talking.request("BYE", extra='Reason: Q.850;cause=16;text="Bye"')).status == 200
    assert called.ended() == [(ReleaseCause.NORMAL, True)]
    assert talking.ask(talking.request("BYE")).status == 481
    clock.advance(100)
    assert called.is_clean()


async def test_a_late_offer_is_answered_with_ours_and_waits_for_the_ack(
    called: Centre, trunk_peer: RawPeer
) -> None:
    called.answers_everything()
    response = trunk_peer.ask(trunk_peer.request("INVITE"))
    assert b"m=audio" in response.body
    assert called.of(LegAnswered) == []
    trunk_peer.ack(trunk_peer.sdp())
    trunk_peer.heard()
    assert len(called.of(LegAnswered)) == 1
    assert called.media.connected[0][1].port == 4000


async def test_a_late_offer_that_is_never_answered_ends_with_a_bye(
    called: Centre, trunk_peer: RawPeer, clock: VirtualClock
) -> None:
    called.answers_everything()
    trunk_peer.ask(trunk_peer.request("INVITE"))
    trunk_peer.ack()
    byes = [message for message in trunk_peer.heard() if isinstance(message, SipRequest)]
    assert [message.method for message in byes] == ["BYE"]
    assert called.ended() == [(ReleaseCause.INCOMPATIBLE, False)]


async def test_routes_are_followed_back(called: Centre, trunk_peer: RawPeer) -> None:
    called.answers_everything()
    routes = "Record-Route: <sip:10.0.0.1:5060;lr>, <sip:10.0.7.7;lr>"
    assert trunk_peer.ask(trunk_peer.request("INVITE", trunk_peer.sdp(), extra=routes)).status == 200
    trunk_peer.ack()
    trunk_peer.heard()
    called.release(called.of(LegOffered)[0].leg)
    bye = next(message for message in trunk_peer.heard() if isinstance(message, SipRequest))
    assert bye.headers.values("route") == ["<sip:10.0.0.1:5060;lr>", "<sip:10.0.7.7;lr>"]
    assert bye.uri_text == "sip:13800000001@10.0.0.1:5060"


async def test_a_cancel_ends_the_leg(called: Centre, trunk_peer: RawPeer) -> None:
    called.rings_everything()
    trunk_peer.send(trunk_peer.request("INVITE", trunk_peer.sdp(), branch="z9hG4bKinvite"))
    assert trunk_peer.statuses() == [100, 180]
    trunk_peer.to_tag = ""
    trunk_peer.send(trunk_peer.request("CANCEL", sequence=1, branch="z9hG4bKinvite"))
    assert trunk_peer.statuses()[:2] == [200, 487]
    assert called.ended() == [(ReleaseCause.CANCELLED, True)]


async def test_a_bye_of_an_early_dialog_ends_the_leg(called: Centre, trunk_peer: RawPeer) -> None:
    called.rings_everything()
    trunk_peer.send(trunk_peer.request("INVITE", trunk_peer.sdp()))
    trunk_peer.heard()
    trunk_peer.send(trunk_peer.request("BYE"))
    assert trunk_peer.statuses()[:2] == [200, 487]
    assert called.ended() == [(ReleaseCause.CANCELLED, True)]


async def test_nobody_answers_for_ever(called: Centre, trunk_peer: RawPeer, clock: VirtualClock) -> None:
    called.rings_everything()
    trunk_peer.send(trunk_peer.request("INVITE", trunk_peer.sdp()))
    clock.advance(400)
    assert len(called.of(LegEnded)) == 1
    assert called.is_clean()


# --- phones are called ------------------------------------------------------------------------------------


def answer(phone: RawPeer, invite: SipRequest, status: int, tag: str) -> bytes:
    response = response_to(invite, status, to_tag=tag, body=phone.sdp().encode() if status == 200 else b"")
    response.headers.put("contact", f"<sip:{phone.user}@{phone.host}:{phone.port}>")
    return response.encode()


async def test_all_phones_of_a_seat_ring_the_first_to_answer_wins(
    called: Centre, phone: RawPeer, network: Network, clock: VirtualClock
) -> None:
    other = RawPeer(network, "10.0.9.2", "10.0.0.2", user="8001")
    registered(phone)
    registered(other)
    leg = called.dial(SeatTarget(seat=SeatId("seat-01")), caller="13800000001")
    first = next(m for m in phone.heard() if isinstance(m, SipRequest))
    second = next(m for m in other.heard() if isinstance(m, SipRequest))
    assert first.headers.first("x-contact-id")
    assert first.from_.uri.name == "13800000001"
    phone.send(answer(phone, first, 180, "p"))
    other.send(answer(other, second, 180, "o"))
    phone.heard()
    phone.send(answer(phone, first, 200, "p"))
    assert [m.method for m in phone.heard() if isinstance(m, SipRequest)] == ["ACK"]
    cancel = next(m for m in other.heard() if isinstance(m, SipRequest))
    assert (cancel.method, cancel.headers.first("reason")) == (
        "CANCEL",
        'SIP;cause=200;text="Call completed elsewhere"',
    )
    other.send(answer(other, second, 487, "o"))
    clock.advance(1)
    assert [type(event) for event in called.told] == [LegRinging, LegAnswered]
    called.release(leg)
    bye = next(m for m in phone.heard() if isinstance(m, SipRequest))
    phone.send(response_to(bye, 200).encode())
    clock.advance(100)
    assert called.is_clean()


async def test_two_answers_at_once_leave_one_call(
    called: Centre, phone: RawPeer, network: Network, clock: VirtualClock
) -> None:
    other = RawPeer(network, "10.0.9.2", "10.0.0.2", user="8001")
    registered(phone)
    registered(other)
    called.dial(SeatTarget(seat=SeatId("seat-01")))
    first = next(m for m in phone.heard() if isinstance(m, SipRequest))
    second = next(m for m in other.heard() if isinstance(m, SipRequest))
    phone.send(answer(phone, first, 200, "p"))
    other.send(answer(other, second, 200, "o"))
    assert [m.method for m in phone.heard() if isinstance(m, SipRequest)] == ["ACK"]
    assert [m.method for m in other.heard() if isinstance(m, SipRequest)][:2] == ["ACK", "BYE"]
    assert len(called.of(LegAnswered)) == 1


async def test_a_forking_proxy_may_answer_twice(called: Centre, phone: RawPeer, clock: VirtualClock) -> None:
    registered(phone)
    called.dial(SeatTarget(seat=SeatId("seat-01")))
    invite = next(m for m in phone.heard() if isinstance(m, SipRequest))
    phone.send(answer(phone, invite, 200, "one"))
    phone.send(answer(phone, invite, 200, "two"))
    methods = [(m.method, m.to.tag) for m in phone.heard() if isinstance(m, SipRequest)]
    assert methods == [("ACK", "one"), ("ACK", "two"), ("BYE", "two")]


@pytest.mark.parametrize(
    ("statuses", "cause"),
    [((486, 404), ReleaseCause.BUSY), ((603, 486), ReleaseCause.REJECTED), ((500, 480), ReleaseCause.NO_ANSWER)],
)
async def test_when_all_phones_refuse_a_persons_word_counts(
    called: Centre, phone: RawPeer, network: Network, statuses: tuple[int, int], cause: ReleaseCause
) -> None:
    other = RawPeer(network, "10.0.9.2", "10.0.0.2", user="8001")
    registered(phone)
    registered(other)
    called.dial(SeatTarget(seat=SeatId("seat-01")))
    for peer, status in zip((phone, other), statuses, strict=True):
        invite = next(m for m in peer.heard() if isinstance(m, SipRequest))
        peer.send(answer(peer, invite, status, "x"))
        peer.heard()
    assert called.ended() == [(cause, True)]


async def test_an_answer_without_a_usable_session_is_acknowledged_and_cleared(
    called: Centre, phone: RawPeer
) -> None:
    registered(phone)
    called.dial(SeatTarget(seat=SeatId("seat-01")))
    invite = next(m for m in phone.heard() if isinstance(m, SipRequest))
    phone.send(answer(phone, invite, 200, "p").replace(b"AVP 8", b"AVP 18"))
    assert [m.method for m in phone.heard() if isinstance(m, SipRequest)] == ["ACK", "BYE"]
    assert called.ended() == [(ReleaseCause.INCOMPATIBLE, False)]


# --- malformed input --------------------------------------------------------------------------------------


async def test_garbage_is_counted_answered_when_it_can_be_and_harms_nobody(
    called: Centre, network: Network, trunk_peer: RawPeer
) -> None:
    stranger = network.stranger("203.0.113.5")
    for text in ("", "garbage", "INVITE\n\n", "\0" * 100, "INVITE sip:a SIP/2.0\nVia: nonsense\n\n"):
        stranger.send(text, ("10.0.0.2", 5060))
    assert stranger.heard() == []
    bad = trunk_peer.request("OPTIONS", extra="Max-Forwards: 999")
    assert trunk_peer.ask(bad).status == 400
    assert trunk_peer.ask(trunk_peer.request("OPTIONS")).status == 200
    assert called.is_clean()


async def test_secrets_do_not_reach_the_trace(called: Centre, phone: RawPeer) -> None:
    called.rings_everything()
    challenge = phone.ask(phone.request("INVITE", phone.sdp()))
    phone.to_tag = ""
    data = phone.with_credentials("INVITE", challenge, "secret", body=phone.sdp(), choice=1)
    phone.ask(data)
    secret = data.decode().partition('response="')[2].partition('"')[0]
    text = "".join(fact.text for fact in called.facts_of(SipMessageSeen))
    assert len(secret) == 64
    assert 'response="***"' in text
    assert secret not in text


async def test_the_trace_can_be_switched_off(clock: VirtualClock, network: Network) -> None:
    quiet = Centre(
        "10.0.0.3",
        clock,
        network.wire("10.0.0.3"),
        trunks=[trunk("near", "10.0.0.1")],
        settings=SipSettings(bind_ip="10.0.0.3", trace=False),
    )
    await quiet.open()
    quiet.answers_everything()
    peer = RawPeer(network, "10.0.0.1", "10.0.0.3")
    assert peer.ask(peer.request("INVITE", peer.sdp())).status == 200
    assert quiet.facts_of(SipMessageSeen) == []


async def test_an_answer_leg_after_the_end_is_dropped(called: Centre, trunk_peer: RawPeer) -> None:
    called.rings_everything()
    trunk_peer.send(trunk_peer.request("INVITE", trunk_peer.sdp()))
    trunk_peer.heard()
    leg = called.of(LegOffered)[0].leg
    called.release(leg, ReleaseCause.BUSY)
    called.legs.perform(AnswerLeg(leg=leg))
    called.release(leg)
    assert called.ended() == [(ReleaseCause.BUSY, False)]
