"""Phones behind proxies and NAT: Path (RFC 3327), flows of phones (RFC 5626), keep-alives by STUN."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.legs import SeatTarget
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.bindings import flows_by_phone
from gateway.sip.flows import Flow
from gateway.sip.keep_alive import binding_response, is_stun
from gateway.sip.message import SipRequest
from gateway.sip.outbound import MAX_PATH
from gateway.sip.registrar import Registrar
from tests.gateway.sip.centre import Centre
from tests.gateway.sip.network import Network
from tests.gateway.sip.test_registrar import SEAT, make, register, send
from tests.gateway.sip.test_transports import Ear, transports

INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'
EDGE = Flow("TCP", "192.0.2.99", 5060, 4)


def flow(uri: str, number: int | str = 1, *, sequence: int = 1, supported: str = "path, outbound") -> SipRequest:
    request = register(f"<{uri}>;{INSTANCE};reg-id={number}", expires="600", sequence=sequence)
    request.headers.put("supported", supported)
    return request


def uris(registrar: Registrar) -> list[str]:
    return sorted(binding.uri for binding in registrar.contacts(SEAT))


# --- flows ------------------------------------------------------------------------------------------------


def test_a_phone_that_comes_back_from_elsewhere_replaces_its_flow() -> None:
    registrar = make()
    response, _ = send(registrar, flow("sip:8001@192.0.2.7:1111"))
    assert response.headers.first("require") == "outbound"
    assert response.headers.first("flow-timer") == "120"
    assert response.headers.all("contact") == [f"<sip:8001@192.0.2.7:1111>;expires=600;{INSTANCE};reg-id=1"]
    send(registrar, flow("sip:8001@198.51.100.1:2222", sequence=2), flow=Flow("UDP", "198.51.100.1", 2222))
    assert uris(registrar) == ["sip:8001@198.51.100.1:2222"]
    send(registrar, flow("sip:8001@192.0.2.7:3333", 2, sequence=3))
    assert len(registrar.contacts(SEAT)) == 2


def test_without_the_extension_a_contact_is_known_by_its_uri() -> None:
    registrar = make()
    response, _ = send(registrar, flow("sip:8001@192.0.2.7:1111", supported="path"))
    assert "require" not in response.headers
    send(registrar, flow("sip:8001@192.0.2.7:2222", sequence=2, supported="path"))
    assert len(registrar.contacts(SEAT)) == 2


def test_two_flows_of_a_phone_may_have_one_contact_and_survive_a_restart_both() -> None:
    registrar = make()
    uri = "sip:8001@192.0.2.7;transport=tcp"
    for number in (1, 2):
        send(registrar, flow(uri, number), flow=Flow("TCP", "192.0.2.7", 4000 + number, number))
    assert [binding.phone and binding.phone.number for binding in registrar.contacts(SEAT)] == [1, 2]
    restored, reloaded = make(), make()
    restored.restore(registrar.snapshot(0.0), 0.0)
    reloaded.load(SEAT, registrar.contacts(SEAT))
    for after in (restored, reloaded):
        assert sorted(binding.flow.port for binding in after.contacts(SEAT)) == [4001, 4002]
    send(reloaded, flow(uri, 2, sequence=2), flow=Flow("TCP", "192.0.2.7", 4003, 3))
    assert sorted(binding.flow.port for binding in reloaded.contacts(SEAT)) == [4001, 4003]
    gone = flow(uri, 1, sequence=3)
    gone.headers.put("expires", "0")
    send(reloaded, gone)
    assert [binding.flow.port for binding in reloaded.contacts(SEAT)] == [4003]


@pytest.mark.parametrize("learns", [True, False])
def test_a_phone_that_manages_its_flows_from_now_on_or_no_longer_has_one_contact(learns: bool) -> None:
    registrar, uri = make(), "sip:8001@192.0.2.7"
    for sequence, outbound in enumerate((not learns, learns), start=1):
        send(registrar, flow(uri, sequence=sequence, supported="outbound" if outbound else "path"))
    (binding,) = registrar.contacts(SEAT)
    assert (binding.phone is not None) == learns


@pytest.mark.parametrize("number", [0, "x", 2**31, "1" * 50, "-1"])
def test_a_flow_needs_a_number(number: int | str) -> None:
    registrar = make()
    response, effects = send(registrar, flow("sip:8001@192.0.2.7", number))
    assert (response.status, effects, registrar.contacts(SEAT)) == (400, [], ())


def test_two_flows_cannot_be_registered_at_once() -> None:
    request = register(f"<sip:a@192.0.2.7>;{INSTANCE};reg-id=1", f"<sip:b@192.0.2.7>;{INSTANCE};reg-id=2")
    request.headers.put("supported", "outbound")
    assert send(make(), request)[0].status == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [((), 439), (("<sip:edge.example.com;lr>",), 439), (("<sip:in.example.com;lr>", "<sip:edge@x;lr;ob>"), 200)],
)
def test_a_flow_by_way_of_a_proxy_needs_one_that_keeps_it(path: tuple[str, ...], status: int) -> None:
    request = flow("sip:8001@192.0.2.7")
    request.headers.add("Via", "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKphone")
    for value in path:
        request.headers.add("Path", value)
    assert send(make(), request, flow=EDGE)[0].status == status


def test_a_phone_with_two_flows_rings_once() -> None:
    registrar = make()
    send(registrar, flow("sip:8001@192.0.2.7:1111"), 0.0)
    send(registrar, flow("sip:8001@192.0.2.7:2222", 2, sequence=2), 5.0)
    send(registrar, register("<sip:other@192.0.2.7>", call_id="other"), 1.0)
    phones = flows_by_phone(registrar.contacts(SEAT))
    assert sorted([binding.uri for binding in flows] for flows in phones) == [
        ["sip:8001@192.0.2.7:2222", "sip:8001@192.0.2.7:1111"],
        ["sip:other@192.0.2.7"],
    ]


# --- proxies ----------------------------------------------------------------------------------------------


def test_the_path_is_kept_repeated_and_survives_a_restart() -> None:
    registrar = make()
    request = register("<sip:8001@10.1.1.1>")
    request.headers.add("Path", "<sip:in.example.com;lr>, <sip:edge.example.com;lr>")
    response, _ = send(registrar, request, flow=EDGE)
    assert response.headers.values("path") == ["<sip:in.example.com;lr>", "<sip:edge.example.com;lr>"]
    restored = make()
    restored.restore(registrar.snapshot(0.0), 0.0)
    (binding,) = restored.contacts(SEAT)
    assert binding.path == ("<sip:in.example.com;lr>", "<sip:edge.example.com;lr>")
    assert (binding.flow.host, binding.phone) == (EDGE.host, None)


@pytest.mark.parametrize("path", ["nonsense <", "<http://x>", ", ".join(["<sip:x;lr>"] * (MAX_PATH + 1))])
def test_a_path_that_cannot_be_gone_is_refused(path: str) -> None:
    request = register("<sip:8001@10.1.1.1>")
    request.headers.add("Path", path)
    assert send(make(), request)[0].status == 400


async def test_calls_go_by_the_way_that_the_registration_came(
    called: Centre, network: Network, clock: VirtualClock
) -> None:
    edge = network.stranger("10.0.0.50", 5060)
    request = register("<sip:8001@192.168.1.7>")
    request.headers.add("Path", "<sip:10.0.0.50;lr>")
    registrar = make()
    send(registrar, request, clock.now(), flow=Flow("UDP", "10.0.0.50", 5060))
    called.access.registrations.load({SEAT: registrar.contacts(SEAT)})
    called.dial(SeatTarget(seat=SEAT))
    (invite,) = edge.heard()
    assert invite.startswith("INVITE sip:8001@192.168.1.7 SIP/2.0\r\n")
    assert "Route: <sip:10.0.0.50;lr>\r\n" in invite


# --- keep-alives ------------------------------------------------------------------------------------------

REQUEST = struct.pack("!HHI12s", 1, 0, 0x2112A442, b"transaction!")


async def test_a_phone_learns_its_address_by_stun_on_the_port_of_sip() -> None:
    ear, made = Ear(), transports()
    await made.open(ear)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(5)
        phone.sendto(REQUEST, ("127.0.0.1", made.ports["UDP"]))
        answer = await asyncio.to_thread(phone.recv, 100)
        kind, _, magic, transaction, _, _, _, family, port = struct.unpack_from("!HHI12sHHBBH", answer)
        assert (kind, magic, transaction, family) == (0x0101, 0x2112A442, b"transaction!", 1)
        assert port ^ 0x2112 == phone.getsockname()[1]
        assert bytes(a ^ b for a, b in zip(answer[28:32], b"\x21\x12\xa4\x42", strict=True)) == b"\x7f\0\0\x01"
        assert len(answer) <= 2 * len(REQUEST)
    assert made.malformed.total == 0
    await made.close()


def test_an_address_of_ipv6_is_hidden_with_the_transaction() -> None:
    answer = binding_response(REQUEST, "2001:db8::1", 5060)
    assert answer is not None
    mask = b"\x21\x12\xa4\x42transaction!"
    assert bytes(a ^ b for a, b in zip(answer[28:], mask, strict=True)) == socket.inet_pton(
        socket.AF_INET6, "2001:db8::1"
    )


@given(st.binary(max_size=60))
def test_nothing_but_a_bare_request_is_answered(data: bytes) -> None:
    if is_stun(data):
        answer = binding_response(data, "192.0.2.1", 1)
        assert answer is None or len(data) == 20
    wrong = struct.pack("!HHI12s", 1, len(data), 0x2112A442, b"transaction!") + data
    assert not data or binding_response(wrong, "192.0.2.1", 1) is None
