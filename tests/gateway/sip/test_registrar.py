"""The registrar: contacts of seats, their order, limits and end."""

from __future__ import annotations

import json
import secrets

from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.words import SeatId
from ccplatform.kernel.core import DEADLINE
from gateway.sip.flows import Flow
from gateway.sip.gruu import Gruus
from gateway.sip.headers import Headers
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.registrar import (
    MAX_CONTACTS,
    BindingsChanged,
    ConnectionLost,
    RegisterAnswered,
    RegisterArrived,
    Registrar,
    RegistrarEffect,
    RegistrarLimits,
    SeatAppeared,
    SeatDisappeared,
    SeatReset,
    SeatsRemoved,
)

SEAT = SeatId("seat-01")
PHONE = Flow("UDP", "192.0.2.7", 5060)


def register(
    *contacts: str, expires: str | None = None, sequence: int = 1, call_id: str = "reg@192.0.2.7"
) -> SipRequest:
    headers = Headers()
    headers.add("Via", f"SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK{sequence}")
    headers.add("From", "<sip:8001@centre>;tag=a")
    headers.add("To", "<sip:8001@centre>")
    headers.add("Call-ID", call_id)
    headers.add("CSeq", f"{sequence} REGISTER")
    headers.add("User-Agent", "Phone/1.0")
    for contact in contacts:
        headers.add("Contact", contact)
    if expires is not None:
        headers.add("Expires", expires)
    return SipRequest("REGISTER", "sip:centre", headers)


def send(
    registrar: Registrar, request: SipRequest, now: float = 0.0, flow: Flow = PHONE, seat: SeatId = SEAT
) -> tuple[SipResponse, list[RegistrarEffect]]:
    answered, *effects = registrar.handle(RegisterArrived(seat, ("key",), request, flow), now)
    assert isinstance(answered, RegisterAnswered)
    return answered.response, effects


def gruus() -> Gruus:
    return Gruus(domains=["centre"], key=b"k" * 32, random_bytes=secrets.token_bytes)


def make() -> Registrar:
    return Registrar(RegistrarLimits(), gruus())


def test_a_phone_registers_refreshes_and_goes() -> None:
    registrar = make()
    response, effects = send(registrar, register("<sip:8001@192.0.2.7>", expires="600"))
    assert response.headers.all("contact") == ["<sip:8001@192.0.2.7>;expires=600"]
    assert [type(effect) for effect in effects] == [BindingsChanged, SeatAppeared]
    _, effects = send(registrar, register("<sip:8001@192.0.2.7>", expires="600", sequence=2), 300)
    assert [type(effect) for effect in effects] == [BindingsChanged]
    response, effects = send(registrar, register("<sip:8001@192.0.2.7>;expires=0", sequence=3), 301)
    assert response.headers.all("contact") == []
    assert effects[1:] == [SeatDisappeared(SEAT, "removed")]


def test_lifetimes_are_kept_within_their_limits() -> None:
    registrar = make()
    response, _ = send(registrar, register("<sip:8001@192.0.2.7>", expires="59"))
    assert (response.status, response.headers.first("min-expires")) == (423, "60")
    assert registrar.contacts(SEAT) == ()
    for sequence, (asked, given_) in enumerate((("99999", 3600), ("nonsense", 3600), (None, 3600), ("60", 60)), 1):
        send(registrar, register("<sip:8001@192.0.2.7>", expires=asked, sequence=sequence))
        assert registrar.contacts(SEAT)[0].expires_at == given_


def test_contacts_expire() -> None:
    registrar = make()
    send(registrar, register("<sip:8001@192.0.2.7>", expires="60"))
    assert registrar.next_deadline() == 60
    assert registrar.handle(DEADLINE, 59.9) == []
    assert registrar.handle(DEADLINE, 60.0)[-1] == SeatDisappeared(SEAT, "expired")
    assert registrar.next_deadline() is None


def test_an_old_request_of_the_same_phone_changes_nothing() -> None:
    registrar = make()
    send(registrar, register("<sip:8001@192.0.2.7>", sequence=5))
    for request in (
        register("<sip:8001@192.0.2.7>;expires=0", sequence=4),
        register("<sip:8001@192.0.2.7>;expires=0", sequence=5),
        register("*", expires="0", sequence=4),
    ):
        response, effects = send(registrar, request)
        assert (response.status, effects) == (500, [])
    assert len(registrar.contacts(SEAT)) == 1
    response, _ = send(registrar, register("<sip:8001@192.0.2.7>;expires=0", sequence=1, call_id="restarted@x"))
    assert response.status == 200


def test_a_star_removes_everything_and_must_stand_alone() -> None:
    registrar = make()
    send(registrar, register("<sip:8001@192.0.2.7>", "<sip:8001@192.0.2.8>"))
    assert send(registrar, register("*", sequence=2))[0].status == 400
    assert send(registrar, register("*", "<sip:8001@192.0.2.7>", expires="0", sequence=2))[0].status == 400
    assert len(registrar.contacts(SEAT)) == 2
    assert send(registrar, register("*", expires="0", sequence=2))[1][-1] == SeatDisappeared(SEAT, "removed")


def test_a_register_without_contact_lists_them() -> None:
    registrar = make()
    send(registrar, register("<sip:8001@192.0.2.7>", expires="600"))
    response, effects = send(registrar, register(sequence=2), 100)
    assert (response.headers.all("contact"), effects) == (["<sip:8001@192.0.2.7>;expires=500"], [])


def test_one_contact_too_many_takes_the_place_of_the_oldest() -> None:
    registrar = make()
    for number in range(MAX_CONTACTS + 1):
        send(registrar, register(f"<sip:8001@192.0.2.{number}>", call_id=f"{number}@x"), float(number))
    hosts = [binding.uri for binding in registrar.contacts(SEAT)]
    assert hosts == [f"sip:8001@192.0.2.{number}" for number in range(MAX_CONTACTS, 0, -1)]
    many = [f"<sip:8001@198.51.100.{number}>" for number in range(MAX_CONTACTS + 1)]
    assert send(registrar, register(*many, call_id="many@x"))[0].status == 403


def test_the_total_is_bounded() -> None:
    registrar = Registrar(RegistrarLimits(max_bindings=1), gruus())
    send(registrar, register("<sip:8001@192.0.2.7>"))
    response, effects = send(registrar, register("<sip:8002@192.0.2.8>"), seat=SeatId("seat-02"))
    assert (response.status, effects) == (503, [])
    assert send(registrar, register("<sip:8001@192.0.2.7>", sequence=2))[0].status == 200


def test_calls_go_back_the_way_the_register_came() -> None:
    natted = Flow("UDP", "203.0.113.1", 40_000)
    connection = Flow("TCP", "203.0.113.1", 50_000, 9)
    for contact, source, expected in (
        ("<sip:8001@192.168.1.5:5060>", natted, natted),  # behind NAT
        ("<sip:8001@203.0.113.1:5099>", natted, Flow("UDP", "203.0.113.1", 5099)),  # listens on another port
        ("<sip:8001@phone.example.com>", natted, natted),
        ("<sip:8001@203.0.113.1:5060;transport=tcp>", connection, connection),
    ):
        registrar = make()
        send(registrar, register(contact), flow=source)
        assert registrar.contacts(SEAT)[0].flow == expected


def test_a_lost_connection_takes_its_contacts_along() -> None:
    registrar = make()
    connection = Flow("TCP", "203.0.113.1", 50_000, 9)
    send(registrar, register("<sip:8001@203.0.113.1;transport=tcp>"), flow=connection)
    assert registrar.handle(ConnectionLost(Flow("TCP", "203.0.113.1", 50_000, 8)), 1) == []
    assert registrar.handle(ConnectionLost(connection), 1)[-1] == SeatDisappeared(SEAT, "connection_lost")


def test_a_removed_seat_loses_its_contacts() -> None:
    registrar = make()
    send(registrar, register("<sip:8001@192.0.2.7>"))
    assert registrar.handle(SeatsRemoved(frozenset({SEAT})), 1)[-1] == SeatDisappeared(SEAT, "removed")


def test_a_seat_that_is_reset_has_no_contact_until_it_registers_again() -> None:
    registrar = make()
    send(registrar, register("<sip:8001@192.0.2.7>"))
    assert registrar.handle(SeatReset(SEAT), 1)[-1] == SeatDisappeared(SEAT, "reset")
    assert registrar.handle(SeatReset(SEAT), 1) == []
    assert registrar.contacts(SEAT) == ()
    send(registrar, register("<sip:8001@192.0.2.7>", sequence=2))
    assert len(registrar.contacts(SEAT)) == 1


def test_bad_contacts_are_refused() -> None:
    registrar = make()
    for contact in (
        "<mailto:a@b>",
        "<sips:8001@192.0.2.7>",
        "<sip:>",
        "nonsense",
    ):
        assert send(registrar, register(contact))[0].status == 400


def test_spellings_of_one_contact_are_one_contact() -> None:
    registrar = make()
    send(registrar, register("<sip:%38001@PHONE.example.com;Transport=UDP>"))
    send(registrar, register("sip:8001@phone.example.com;x=1", sequence=2))
    send(registrar, register("<sip:8001@phone.example.com;transport=udp;ob>", sequence=3))
    assert len(registrar.contacts(SEAT)) == 2


class Story:
    """What a phone does: registers (contact number, lifetime), lets time go by, removes all, loses a line."""

    steps = st.lists(
        st.one_of(
            st.tuples(st.just("register"), st.integers(0, 7), st.sampled_from([0, 60, 200, 5000])),
            st.tuples(st.just("wait"), st.integers(1, 300), st.just(0)),
            st.tuples(st.just("clear"), st.just(0), st.just(0)),
            st.tuples(st.just("lose"), st.integers(0, 7), st.just(0)),
        ),
        max_size=30,
    )


@given(Story.steps)
def test_facts_and_stored_contacts_always_agree_with_the_live_ones(story: list[tuple[str, int, int]]) -> None:
    registrar, now = make(), 0.0
    stored: tuple[object, ...] = ()
    present = False
    for sequence, (kind, number, lifetime) in enumerate(story, 1):
        flow = Flow("TCP", "203.0.113.1", 50_000 + number, number)
        if kind == "wait":
            now += number
            effects = list(registrar.handle(DEADLINE, now))
        elif kind == "lose":
            effects = registrar.handle(ConnectionLost(flow), now)
        else:
            contact = f"<sip:8001@192.168.0.{number}>;expires={lifetime}" if kind == "register" else "*"
            request = register(contact, expires="0" if kind == "clear" else None, sequence=sequence)
            effects = send(registrar, request, now, flow)[1]
        for effect in effects:
            if isinstance(effect, BindingsChanged):
                stored = effect.bindings
            elif isinstance(effect, SeatAppeared):
                assert not present
                present = True
            elif isinstance(effect, SeatDisappeared):
                assert present
                present = False
        live = registrar.contacts(SEAT)
        assert stored == live
        assert present == bool(live)
        assert len(live) <= MAX_CONTACTS
        assert all(binding.expires_at > now for binding in live)
    again = make()
    again.restore(json.loads(json.dumps(registrar.snapshot(now))), now + 10)
    kept = {binding.uri for binding in registrar.contacts(SEAT) if binding.expires_at > now}
    assert {binding.uri for binding in again.contacts(SEAT)} == kept
