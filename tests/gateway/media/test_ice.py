"""ICE-lite: who proves to be the peer, and what strangers get."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.media import stun
from gateway.media.addresses import address_key
from gateway.media.ice import ANSWERS_PER_SECOND, ERRORS_PER_SECOND, MAX_CHECKED, IceLite

HERE = address_key("192.0.2.1", 32853)
ELSEWHERE = address_key("2001:db8::2", 40000)
PWD = "ours0123456789abcdefgh"


def agent() -> IceLite:
    return IceLite(ufrag="ours", pwd=PWD, remote_ufrag="peer")


def check(
    user: str = "ours:peer", pwd: str = PWD, nominate: bool = False, extra: dict[int, bytes] | None = None
) -> bytes:
    attributes = {stun.USERNAME: user.encode(), stun.PRIORITY: bytes(4), stun.ICE_CONTROLLING: bytes(8)}
    if nominate:
        attributes[stun.USE_CANDIDATE] = b""
    return stun.build(stun.BINDING_REQUEST, b"transaction!", attributes | (extra or {}), pwd.encode())


def code(answer: bytes | None) -> int:
    assert answer is not None
    message = stun.parse(answer)
    assert message.kind == stun.BINDING_ERROR
    value = message.attributes[stun.ERROR_CODE]
    return value[2] * 100 + value[3]


def test_a_right_check_is_answered_with_the_address_it_came_from() -> None:
    ice = agent()
    answer = ice.handle(check(), HERE, 0.0)
    assert answer is not None
    message = stun.parse(answer)
    assert message.kind == stun.BINDING_SUCCESS
    assert message.transaction == b"transaction!"
    assert message.attributes == {stun.XOR_MAPPED_ADDRESS: stun.xor_mapped(HERE, b"transaction!")}
    assert message.has_integrity(PWD.encode())
    assert ice.is_checked(HERE)
    assert not ice.is_checked(ELSEWHERE)
    assert ice.nominated is None


def test_the_pair_that_the_peer_nominates_is_used_and_may_change() -> None:
    ice = agent()
    ice.handle(check(nominate=True), HERE, 0.0)
    assert ice.nominated == HERE
    ice.handle(check(), ELSEWHERE, 1.0)
    assert ice.nominated == HERE
    ice.handle(check(nominate=True), ELSEWHERE, 2.0)
    assert ice.nominated == ELSEWHERE


def test_a_stranger_without_the_password_proves_nothing() -> None:
    ice = agent()
    assert code(ice.handle(check(pwd="wrong", nominate=True), HERE, 0.0)) == 401
    assert code(ice.handle(check(user="ours:other"), HERE, 0.0)) == 401
    assert not ice.is_checked(HERE)
    assert ice.nominated is None
    assert (ice.answered, ice.refused) == (0, 2)


def test_a_request_without_integrity_or_fingerprint_is_a_bad_request() -> None:
    unsigned = stun.build(stun.BINDING_REQUEST, bytes(12), {stun.USERNAME: b"ours:peer", 0x8022: bytes(20)})
    assert code(agent().handle(unsigned, HERE, 0.0)) == 400
    message = check()[:-8]
    without_fingerprint = message[:2] + (len(message) - 20).to_bytes(2, "big") + message[4:]
    assert code(agent().handle(without_fingerprint, HERE, 0.0)) == 400


def test_unknown_attributes_that_must_be_understood_are_named() -> None:
    answer = agent().handle(check(extra={0x0077: b"?"}), HERE, 0.0)
    assert code(answer) == 420
    assert answer is not None
    assert stun.parse(answer).attributes[stun.UNKNOWN_ATTRIBUTES] == bytes.fromhex("0077")


def test_a_peer_that_wants_to_be_controlled_is_told_of_the_conflict() -> None:
    assert code(agent().handle(check(extra={stun.ICE_CONTROLLED: bytes(8)}), HERE, 0.0)) == 487


def test_answers_never_outweigh_what_asks_for_them() -> None:
    smallest = stun.build(stun.BINDING_REQUEST, bytes(12), {})
    assert agent().handle(smallest, HERE, 0.0) is None
    for request in (check(), check(pwd="wrong"), check(extra={0x0077: b"?"})):
        answer = agent().handle(request, HERE, 0.0)
        assert answer is not None
        assert len(answer) <= len(request)


def test_strangers_use_up_their_own_share_only() -> None:
    ice = agent()
    answers = [ice.handle(check(pwd="wrong"), ELSEWHERE, 0.0) for _ in range(100)]
    assert sum(answer is not None for answer in answers) == ERRORS_PER_SECOND
    assert ice.handle(check(), HERE, 0.0) is not None
    assert ice.handle(check(pwd="wrong"), ELSEWHERE, 1.0) is not None


def test_even_the_peer_gets_only_so_many_answers() -> None:
    ice = agent()
    answers = [ice.handle(check(), HERE, 0.0) for _ in range(1000)]
    assert sum(answer is not None for answer in answers) == ANSWERS_PER_SECOND


def test_only_so_many_sources_are_remembered_and_the_nominated_stays() -> None:
    ice = agent()
    ice.handle(check(nominate=True), HERE, 0.0)
    for number in range(3 * MAX_CHECKED):
        ice.handle(check(), ELSEWHERE + number, number * 1.0)
    assert ice.is_checked(HERE)
    assert sum(ice.is_checked(ELSEWHERE + number) for number in range(3 * MAX_CHECKED)) == MAX_CHECKED - 1


def test_indications_and_responses_are_not_answered() -> None:
    ice = agent()
    for kind in (stun.BINDING_INDICATION, stun.BINDING_SUCCESS, stun.BINDING_ERROR):
        assert ice.handle(stun.build(kind, bytes(12), {}, PWD.encode()), HERE, 0.0) is None


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_garbage_is_counted_and_nothing_else(datagrams: list[bytes]) -> None:
    ice = agent()
    for datagram in datagrams:
        answer = ice.handle(datagram, HERE, 0.0)
        assert answer is None or len(answer) <= len(datagram)
    assert ice.answered == 0
    assert not ice.is_checked(HERE)


def test_the_password_is_not_shown() -> None:
    assert PWD not in repr(agent())
