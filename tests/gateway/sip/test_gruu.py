"""URIs that reach one phone of a seat (RFC 5627): given by the registrar, found again, over a restart too."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.legs import LegOffered, SeatTarget
from ccplatform.contracts.words import ReleaseCause, SeatId
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.flows import Flow
from gateway.sip.gruu import Gruus
from gateway.sip.headers import NameAddr
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.parser import parse_message
from gateway.sip.registrar import RegisterArrived, Registrar, RegistrarLimits
from gateway.sip.responses import response_to
from gateway.sip.uri import parse_uri
from tests.gateway.sip.centre import Centre
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import SDP, RawPeer
from tests.gateway.sip.test_registrar import SEAT, gruus, make, register, send

DESK, SOFT = "urn:uuid:00000000-0000-1000-8000-000a95a0e128", "urn:uuid:00000000-0000-1000-8000-000a95a0e129"
SEAT_02 = SeatId("seat-02")


def naming(
    contact: str, instance: str = DESK, *, sequence: int = 1, call_id: str = "r1", supported: str = "gruu"
) -> SipRequest:
    request = register(f'<{contact}>;+sip.instance="<{instance}>"', sequence=sequence, call_id=call_id)
    request.headers.put("supported", supported)
    return request


def given_to(registrar: Registrar, request: SipRequest) -> NameAddr:
    response, _ = send(registrar, request)
    assert response.status == 200
    return response.addresses("contact")[0]


def unquoted(contact: NameAddr, name: str) -> str:
    return (contact.params.get(name) or "").strip('"')


def who(registrar: Registrar, uri: str) -> tuple[SeatId, str] | None:
    return registrar.phone_of(parse_uri(uri), lambda user: SEAT if user == "8001" else None)


# --- the registrar ----------------------------------------------------------------------------------------


def test_a_phone_that_asks_is_given_both_kinds() -> None:
    registrar = make()
    contact = given_to(registrar, naming("sip:8001@192.0.2.7"))
    assert unquoted(contact, "pub-gruu") == f"sip:8001@centre;gr={DESK}"
    temporary = parse_uri(unquoted(contact, "temp-gruu"))
    assert (temporary.host, temporary.param("gr")) == ("centre", "")
    assert "8001" not in str(temporary)
    assert "reg-id" not in contact.params
    assert who(registrar, unquoted(contact, "pub-gruu")) == (SEAT, DESK)
    assert who(registrar, unquoted(contact, "temp-gruu")) == (SEAT, DESK)


def test_a_phone_that_does_not_ask_is_given_none() -> None:
    contact = given_to(make(), naming("sip:8001@192.0.2.7", supported="path"))
    assert set(contact.params) == {"expires"}


def test_each_refresh_gives_another_temporary_one_and_all_of_them_last() -> None:
    registrar = make()
    given = {
        unquoted(given_to(registrar, naming("sip:8001@192.0.2.7", sequence=number)), "temp-gruu")
        for number in range(1, 4)
    }
    assert len(given) == 3
    assert {who(registrar, uri) for uri in given} == {(SEAT, DESK)}


def test_temporary_ones_end_with_the_registration_that_gave_them() -> None:
    registrar = make()
    before = unquoted(given_to(registrar, naming("sip:8001@192.0.2.7")), "temp-gruu")
    after = unquoted(given_to(registrar, naming("sip:8001@192.0.2.7", call_id="rebooted")), "temp-gruu")
    assert (who(registrar, before), who(registrar, after)) == (None, (SEAT, DESK))
    send(registrar, register("*", expires="0", call_id="rebooted", sequence=9))
    assert who(registrar, after) is None


def test_the_name_of_a_phone_has_no_case() -> None:
    registrar = make()
    given_to(registrar, naming("sip:8001@192.0.2.7"))
    assert who(registrar, f"sip:8001@centre;gr={DESK.upper()}") == (SEAT, DESK)


@pytest.mark.parametrize("uri", [f"sip:8001@elsewhere;gr={DESK}", f"sip:9999@centre;gr={DESK}", "sip:8001@centre"])
def test_what_is_no_name_of_ours_is_nobody(uri: str) -> None:
    registrar = make()
    given_to(registrar, naming("sip:8001@192.0.2.7"))
    assert who(registrar, uri) is None


def test_a_contact_that_leads_back_to_the_registrar_is_refused() -> None:
    registrar = make()
    response, effects = send(registrar, naming(f"sip:8001@centre;gr={DESK}"))
    assert (response.status, effects, registrar.contacts(SEAT)) == (403, [], ())


@pytest.mark.parametrize("instance", ["<é>", "", "x" * 300])
def test_an_instance_that_is_no_urn_names_nobody(instance: str) -> None:
    request = register(f'<sip:8001@192.0.2.7>;+sip.instance="{instance}"')
    request.headers.put("supported", "gruu")
    response, _ = send(make(), request)
    assert response.status == (200 if not instance else 400)


def test_both_kinds_survive_a_restart() -> None:
    key = secrets.token_bytes(32)

    def started() -> Registrar:
        made = Gruus(domains=["centre"], key=key, random_bytes=secrets.token_bytes)
        return Registrar(RegistrarLimits(), made)

    before, after = started(), started()
    contact = given_to(before, naming("sip:8001@192.0.2.7"))
    after.restore(before.snapshot(0.0), 10.0)
    assert who(after, unquoted(contact, "pub-gruu")) == (SEAT, DESK)
    assert who(after, unquoted(contact, "temp-gruu")) == (SEAT, DESK)


@given(mark=st.binary(min_size=8, max_size=8), made_up=st.text(max_size=40))
def test_a_temporary_one_says_what_it_was_made_of_and_nothing_else_does(mark: bytes, made_up: str) -> None:
    names = gruus()
    assert names.mark(parse_uri(names.temporary(mark)).user) == mark
    found = names.mark(f"tgruu.{made_up}")
    assert found is None or len(found) == 8
    assert names.mark(made_up) is None or made_up.startswith("tgruu.")


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1, max_size=60))
def test_any_name_that_a_phone_may_have_survives_its_uri(instance: str) -> None:
    uri = parse_uri(gruus().public("8001", instance))
    assert make().phone_of(uri, lambda _: SEAT) == (SEAT, instance.lower())


# --- calls ------------------------------------------------------------------------------------------------

FLOWS = {DESK: ("10.0.0.71", 5060), SOFT: ("10.0.0.72", 5060)}


class Phones:
    """The two phones of seat-02, registered; ``temporary`` are the GRUUs that they were given."""

    def __init__(self, network: Network, centre: Centre) -> None:
        self._centre = centre
        self._heard: dict[str, list[SipRequest]] = {}
        self.edges = {instance: network.stranger(*flow) for instance, flow in FLOWS.items()}
        self.temporary: dict[str, str] = {}
        for instance, flow in FLOWS.items():
            self.register(instance, flow)

    def register(self, instance: str, flow: tuple[str, int], call_id: str = "") -> None:
        request = naming(f"sip:8002@{flow[0]}:{flow[1]}", instance, call_id=call_id or instance)
        registrations, answers = self._centre.access.registrations, list[SipResponse]()
        registrations.answer_with(lambda _, response: answers.append(response))
        registrations.tell(RegisterArrived(SEAT_02, ("key",), request, Flow("UDP", *flow)))
        for contact in answers[0].addresses("contact"):
            if instance in str(contact.params.get("+sip.instance")):
                self.temporary[instance] = unquoted(contact, "temp-gruu")

    def heard(self, instance: str, method: str) -> list[SipRequest]:
        heard = self._heard.setdefault(instance, [])
        messages = [parse_message(text.encode()) for text in self.edges[instance].heard()]
        heard += [message for message in messages if isinstance(message, SipRequest)]
        return [request for request in heard if request.method == method]

    def rung(self) -> list[str]:
        return [instance for instance in self.edges if self.heard(instance, "INVITE")]


@pytest.fixture
async def phones(network: Network, called: Centre) -> Phones:
    return Phones(network, called)


async def test_the_phone_that_is_named_rings_alone(called: Centre, phones: Phones) -> None:
    called.dial(SeatTarget(seat=SEAT_02, phone=SOFT))
    assert phones.rung() == [SOFT]
    called.dial(SeatTarget(seat=SEAT_02))
    assert phones.rung() == [DESK, SOFT]


async def test_a_phone_that_is_not_there_is_out_of_reach(called: Centre, phones: Phones) -> None:
    called.dial(SeatTarget(seat=SEAT_02, phone="urn:uuid:another"))
    assert called.ended() == [(ReleaseCause.UNREACHABLE, False)]
    assert phones.rung() == []


@pytest.mark.parametrize("kind", ["public", "temporary"])
async def test_a_call_to_a_gruu_is_for_that_phone(
    called: Centre, network: Network, phones: Phones, kind: str
) -> None:
    uri = f"sip:8002@10.0.0.2;gr={SOFT}" if kind == "public" else phones.temporary[SOFT]
    peer = RawPeer(network, "10.0.0.9", "10.0.0.2", user="8001")
    challenge = peer.ask(peer.request("INVITE", peer.sdp(), uri=uri))
    peer.to_tag = ""
    peer.send(peer.with_credentials("INVITE", challenge, "secret", body=peer.sdp(), uri=uri))
    peer.heard()
    (offer,) = called.of(LegOffered)
    assert (offer.dialled, offer.dialled_phone) == ("8002", SOFT)


async def test_a_trunk_names_no_phones(called: Centre, network: Network, phones: Phones) -> None:
    peer = RawPeer(network, "10.0.0.1", "10.0.0.2")
    peer.send(peer.request("INVITE", peer.sdp(), uri=f"sip:8002@10.0.0.2;gr={SOFT}"))
    peer.heard()
    (offer,) = called.of(LegOffered)
    assert (offer.dialled, offer.dialled_phone) == ("8002", "")


@pytest.mark.parametrize("moves", [False, True])
async def test_requests_inside_a_dialog_go_to_where_the_phone_is_now(
    called: Centre, network: Network, clock: VirtualClock, phones: Phones, moves: bool
) -> None:
    """Its Contact was its GRUU; it is told of the end by the contact that it registered last."""
    leg = called.dial(SeatTarget(seat=SEAT_02, phone=SOFT))
    (invite,) = phones.heard(SOFT, "INVITE")
    sdp = SDP.format(host="10.0.0.72", direction="sendrecv").encode()
    answer = response_to(invite, 200, to_tag="phone", body=sdp)
    answer.headers.put("contact", f"<sip:8002@10.0.0.2;gr={SOFT}>")
    phones.edges[SOFT].send(answer.encode(), ("10.0.0.2", 5060))
    assert [ack.uri_text for ack in phones.heard(SOFT, "ACK")] == ["sip:8002@10.0.0.72:5060"]
    if moves:
        clock.advance(1)
        phones.register(SOFT, ("10.0.0.71", 5060), "moved")
    called.release(leg)
    there, elsewhere = (DESK, SOFT) if moves else (SOFT, DESK)
    (bye,) = phones.heard(there, "BYE")
    assert bye.uri_text == f"sip:8002@{FLOWS[there][0]}:5060"
    assert phones.heard(elsewhere, "BYE") == []
    phones.edges[there].send(response_to(bye, 200).encode(), ("10.0.0.2", 5060))
    clock.advance(1)
    assert called.is_clean()
