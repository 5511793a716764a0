"""Refusing before reading: what a glance sees, what the 503 says, what it is measured by."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.commands import Done, Refused
from ccplatform.contracts.facts import CallRefused, CallsRefused
from ccplatform.contracts.legs import LegOffered
from ccplatform.contracts.words import ReleaseCause, TrunkId
from ccplatform.kernel.clock import VirtualClock
from gateway.errors import SipParseError
from gateway.sip.admission import RETRY_AFTER_SECONDS
from gateway.sip.flows import Flow
from gateway.sip.invite_glance import glance
from gateway.sip.load import LoadMeter, memory_in_use, waiting_messages
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.outbound_routes import OutboundRoute, OutboundRoutes, TrunkChoice
from gateway.sip.overload import Level, LevelChanged
from gateway.sip.overload_guard import PERIOD_SECONDS, OverloadGuard
from gateway.sip.overload_settings import OverloadSettings
from gateway.sip.parser import parse_message
from gateway.sip.refusals import MAX_SOURCES, Refusals
from gateway.sip.seats import SeatDirectory
from gateway.sip.settings import SipSettings
from gateway.sip.trunks import TrunkDirectory
from tests.calls.test_placing import Centre as Agents
from tests.calls.test_placing import Held
from tests.gateway.sip.centre import Centre, FactList, seat, trunk
from tests.gateway.sip.messages import INVALID, VALID, torture
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import RawPeer

PEER, PHONE = "192.0.2.4", "192.0.2.7"
FLOW = Flow("UDP", PEER, 5060)


BITS = (b"", b"\r\n", b";", b",", b"<", b">", b'"', b"@", b"%", b" ", b":", b"\0", b"\xff", b"tag=")


class Node:
    """A guard, and a load that the test decides."""

    def __init__(self, settings: OverloadSettings | None = None) -> None:
        self.clock = VirtualClock()
        self.waiting = 0
        self.cpu = 0.0
        self.changes: list[LevelChanged] = []
        self.facts = FactList()
        self.trunks = TrunkDirectory([trunk("in", PEER)])
        self.routes = OutboundRoutes(lambda: 0.0)
        self.guard = OverloadGuard(
            settings=settings or OverloadSettings(),
            clock=self.clock,
            seats=SeatDirectory(lambda _: True, [seat(1)]),
            trunks=self.trunks,
            routes=self.routes,
            facts=self.facts,
            waiting=lambda: 0,
            meter=LoadMeter(waiting=lambda: self.waiting, cpu_seconds=lambda: self.cpu, memory=lambda: 0.1),
            random_below=lambda below: below - 1,
        )
        self.guard.on_change = self.changes.append
        self.guard.start()

    def overloaded(self) -> Node:
        self.let_in(invite(caller="8001", call="a-seat"), caller="8001")
        self.let_in(invite(call="somebody"))
        self.waiting = 10_000
        self.clock.advance(5)
        assert self.guard.level is Level.ESSENTIAL
        return self

    def let_in(self, data: bytes, *, caller: str = "13800000001") -> None:
        """A call that the guard and admission let in: while nothing is refused, it is judged when it was read."""
        assert self.guard.answers(data, FLOW) is None
        request, source = parse_message(data), self.trunks.of_source(FLOW)
        assert isinstance(request, SipRequest)
        seat = caller == "8001"
        assert self.guard.refuses(request, caller=caller, seat=seat, trunk=None if seat else source) is None


def invite(
    *,
    dialled: str = "95000",
    caller: str = "13800000001",
    to: str = "<sip:95000@192.0.2.1>",
    via: str = "",
    call: str = "c1",
) -> bytes:
    via = via or f"SIP/2.0/UDP {PEER}:5060;branch=z9hG4bK1;rport"
    return (
        f"INVITE sip:{dialled}@192.0.2.1 SIP/2.0\r\nVia: {via}\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK0\r\n"
        f'f: "A, B" <sip:{caller}@{PEER}>;tag=a\r\nTo: {to}\r\ni: {call}@{PEER}\r\nCSeq: 7 INVITE\r\n'
        "Contact: <sip:a@192.0.2.4>\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def test_a_glance_sees_who_calls_whom() -> None:
    seen = glance(invite())
    assert seen is not None
    assert (seen.dialled, seen.caller, seen.call_id) == ("95000", "13800000001", f"c1@{PEER}")


@pytest.mark.parametrize(
    "data",
    [
        invite(to="<sip:95000@192.0.2.1>;tag=ours"),
        invite(to="<sip:95000@192.0.2.1> ; tag=ours"),
        invite(via=f"SIP/2.0/UDP {PEER};branch=z9hG4bK1"),
        invite(dialled="%31%31%30"),
        invite().replace(b"INVITE sip", b"OPTIONS sip"),
        invite().replace(b"CSeq", b"CSeq: 8 INVITE\r\nCSeq"),
        invite().replace(b"CSeq", b"X"),
        invite().replace(b"Contact:", b" folded\r\nContact:"),
        invite().replace(b"tag=a", b"tag=\xe4"),
        invite().replace(b"sip:13800000001@", b"tel:+8613800000001;x="),
        invite()[:-2],
        b"",
    ],
)
def test_what_is_unusual_is_read_in_full(data: bytes) -> None:
    assert glance(data) is None


def test_a_refusal_is_what_a_stateless_server_answers() -> None:
    seen = glance(invite())
    assert seen is not None
    answer = parse_message(seen.refusal(PEER, 40_000, tag="x", retry_after_seconds=9))
    asked = parse_message(invite())
    assert isinstance(answer, SipResponse)
    assert (answer.status, answer.headers.first("retry-after"), answer.to.tag) == (503, "9", "x")
    assert answer.via.params == {"branch": "z9hG4bK1", "received": PEER, "rport": "40000"}
    assert len(answer.headers.all("via")) == 2
    for key in ("from", "call-id", "cseq"):
        assert answer.headers.all(key) == asked.headers.all(key)
    assert answer.headers.first("reason") == 'Q.850;cause=42;text="Switching equipment congestion"'


def check_sound(data: bytes) -> None:
    """Of what can be read, a glance sees the same; its refusal is a well-formed answer to it."""
    seen = glance(data)
    if seen is None:
        return
    try:
        message = parse_message(data)
    except SipParseError:
        return
    assert isinstance(message, SipRequest)
    assert (message.method, message.call_id, message.to.tag) == ("INVITE", seen.call_id, None)
    assert seen.dialled in (message.uri.name, message.uri.user)
    answer = parse_message(seen.refusal("192.0.2.9", 1, tag="x", retry_after_seconds=1))
    assert answer.cseq == message.cseq
    assert answer.via.branch == message.via.branch


@pytest.mark.parametrize("name", [*VALID, *INVALID])
def test_torture_is_seen_as_it_is_read(name: str) -> None:
    check_sound(torture(name))


@given(st.data())
def test_whatever_the_bytes_a_glance_is_sound(data: st.DataObject) -> None:
    raw = bytearray(invite())
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.sampled_from(BITS))
    check_sound(bytes(raw))


def test_a_number_in_no_script_of_sip_is_left_to_the_parser() -> None:
    assert glance(invite().replace(b"INVITE sip:95", "INVITE sip:九".encode("gb18030"), 1)) is None


def test_while_there_is_no_overload_all_is_read() -> None:
    node = Node()
    node.clock.advance(10)
    assert node.guard.answers(invite(), FLOW) is None
    assert node.changes == []


def test_overload_refuses_before_reading_and_throws_the_ack_away() -> None:
    node = Node().overloaded()
    data = node.guard.answers(invite(), FLOW)
    assert data
    answer = parse_message(data)
    assert isinstance(answer, SipResponse)
    assert (answer.status, answer.headers.first("retry-after")) == (503, "10")
    ack = f"ACK sip:95000@192.0.2.1 SIP/2.0\r\nTo: {answer.headers.first('to')}\r\n\r\n".encode()
    assert node.guard.answers(ack, FLOW) == b""
    assert node.guard.answers(ack.replace(b"tag=", b"tag=1"), FLOW) is None
    assert node.guard.refused == {"ordinary": 1}
    assert node.guard.answers(invite(), FLOW) is not None
    assert node.guard.refused == {"ordinary": 1}  # the same call, repeated


@pytest.mark.parametrize("number", ["110", "112", "119", "120", "122"])
def test_emergency_calls_are_read_at_every_level(number: str) -> None:
    node = Node().overloaded()
    assert node.guard.answers(invite(dialled=number), FLOW) is None
    assert node.guard.answers(invite(dialled=number, caller="8001"), Flow("UDP", PHONE, 5060)) is None


def test_a_number_that_a_seat_dials_for_help_by_a_route_of_calls_out_is_read() -> None:
    node = Node().overloaded()
    help_route = OutboundRoute(
        prefix="0911", choices=(TrunkChoice(trunk=TrunkId("in")),), exact=True, emergency=True
    )
    phone = Flow("UDP", PHONE, 5060)
    assert node.guard.answers(invite(dialled="0911", caller="8001", call="before"), phone)
    node.routes.replace([help_route])
    assert node.guard.answers(invite(dialled="0911", caller="8001"), phone) is None
    assert node.guard.answers(invite(dialled="09110", caller="8001", call="longer"), phone)
    assert node.guard.answers(invite(dialled="0911", call="from outside"), FLOW)


def test_a_vip_is_one_only_where_the_trunk_is_trusted_to_say_who_calls() -> None:
    vip = "13800000009"
    node = Node(OverloadSettings(vip_numbers=(vip,))).overloaded()
    assert node.guard.answers(invite(caller=vip, call="claimed"), FLOW)
    node.trunks.replace([replace(trunk("in", PEER), trusted=True)])
    assert node.guard.answers(invite(caller=vip, call="believed"), FLOW) is None
    assert node.guard.answers(invite(call="ordinary"), FLOW)


def test_calls_refused_unread_are_one_fact_a_second_and_source() -> None:
    node = Node().overloaded()
    for number in range(40):
        node.guard.answers(invite(call=f"c{number}"), FLOW)
    node.guard.answers(invite(call="c1"), FLOW)  # repeated
    node.guard.answers(invite(caller="8001", call="a phone's"), Flow("UDP", PHONE, 5060))
    assert node.facts.all == []
    node.clock.advance(1)
    facts = [fact for fact in node.facts.all if isinstance(fact, CallsRefused)]
    assert [(fact.trunk, fact.source, fact.calls) for fact in facts] == [("in", PEER, 40), (None, PHONE, 1)]
    assert {(fact.cause, fact.sip_status) for fact in facts} == {(ReleaseCause.OVERLOAD, 503)}
    node.clock.advance(10)
    assert len(node.facts.all) == 2


def test_whoever_sends_from_many_addresses_makes_no_more_facts_than_the_limit() -> None:
    facts = FactList()
    clock = VirtualClock()
    refusals = Refusals(clock=clock, facts=facts)
    for number in range(3 * MAX_SOURCES):
        refusals.count("", f"192.0.2.{number}")
    clock.advance(1)
    told = [fact for fact in facts.all if isinstance(fact, CallsRefused)]
    assert len(told) == MAX_SOURCES + 1
    assert (told[-1].source, told[-1].calls) == ("", 2 * MAX_SOURCES)
    assert sum(fact.calls for fact in told) == 3 * MAX_SOURCES


def test_strangers_are_left_to_who_knows_how_much_they_may_have() -> None:
    node = Node().overloaded()
    assert node.guard.answers(invite(), Flow("UDP", "203.0.113.9", 5060)) is None
    assert node.guard.answers(invite(caller="8001"), Flow("UDP", PHONE, 5060)) is not None


def test_levels_are_told_and_end() -> None:
    node = Node().overloaded()
    assert [change.level for change in node.changes] == [2, 3]
    assert "messages wait to be read" in node.changes[-1].reason
    node.waiting = 0
    node.clock.advance(60)
    assert node.changes[-1].level is Level.NONE
    node.guard.stop()
    node.waiting = 10_000
    node.clock.advance(60)
    assert node.guard.level is Level.NONE


def test_calls_that_are_clicked_for_are_the_first_to_go_but_those_for_help_and_vips() -> None:
    node = Node(OverloadSettings(vip_numbers=("13911111111",)))
    assert node.guard.refuses_order("13800000001", "before") is None
    node.waiting = 10_000
    node.clock.advance(4)
    assert node.guard.level > Level.NONE
    assert node.guard.refuses_order("13800000001", "order") == 10
    assert node.guard.answers(invite(caller="8001"), FLOW) is None
    assert node.guard.answers(invite(), FLOW) is None
    for number in ("120", "13911111111"):
        assert node.guard.refuses_order(number, number) is None
    assert node.guard.refused["low_priority"] == 1


def test_switched_off_nothing_is_measured_or_refused() -> None:
    node = Node(OverloadSettings(enabled=False))
    node.waiting = 10_000
    node.clock.advance(60)
    assert node.guard.answers(invite(), FLOW) is None


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


async def test_an_order_to_call_is_refused_while_no_calls_are_taken_but_for_help(called: Centre) -> None:
    called.refusing = ReleaseCause.UNAVAILABLE
    assert called.access.refuses_order("13800000001", "x") == RETRY_AFTER_SECONDS
    assert called.access.refuses_order("120", "x") is None
    called.refusing = None
    assert called.access.refuses_order("13800000001", "x") is None


async def test_a_click_under_overload_is_refused_until_it_is_over(called: Centre) -> None:
    """By the part that takes clicks, with the access layer as it is: REST makes 503 with Retry-After of it."""
    held = Held(Agents(), throttle=called.access)
    called.access.overload._core.restriction = 1.0
    refused = held.order("13800000001")
    assert isinstance(refused, Refused)
    assert refused.code == "unavailable"
    assert refused.retry_after is not None
    assert [fact.sip_status for fact in held.facts if isinstance(fact, CallRefused)] == [503]
    assert isinstance(held.order("120"), Done)
    called.access.overload._core.restriction = 0.0
    assert isinstance(held.order("13800000001"), Done)


async def test_invites_that_were_read_are_refused_too(clock: VirtualClock) -> None:
    network = Network(clock)
    centre = Centre(
        "192.0.2.1",
        clock,
        network.wire("192.0.2.1"),
        trunks=[trunk("in", PEER)],
        settings=SipSettings(bind_ip="192.0.2.1", overload=OverloadSettings(lag_seconds=0.005, calm_seconds=0)),
    )
    await centre.open()
    centre.access.overload._core.restriction = 3.0
    peer = RawPeer(network, PEER, "192.0.2.1")
    answer = peer.ask(peer.request("INVITE", peer.sdp()))
    assert answer.status == 503
    assert 5 <= int(answer.headers.first("retry-after") or 0) <= 10
    (fact,) = centre.facts_of(CallRefused)
    assert (fact.cause, fact.trunk) == (ReleaseCause.OVERLOAD, "in")
    peer.call_id, peer.to_tag = "emergency", ""
    peer.send(peer.request("INVITE", peer.sdp(), uri="sip:110@192.0.2.1"))
    assert peer.statuses() == [100]
    assert centre.of(LegOffered)[0].dialled == "110"
    assert centre.crashes == []


# --- what is measured -------------------------------------------------------------------------------------


def test_the_share_of_a_processor_is_a_mean_over_some_periods() -> None:
    cpu = 0.0
    meter = LoadMeter(waiting=lambda: 3, cpu_seconds=lambda: cpu, memory=lambda: 0.5)
    for period in range(40):
        load = meter.measure(period * PERIOD_SECONDS, 0.02)
        cpu += 0.6 * PERIOD_SECONDS
    assert (load.waiting, load.memory) == (3, 0.5)
    assert load.cpu == pytest.approx(0.6, abs=0.01)
    assert load.lag_seconds == pytest.approx(0.02, abs=0.001)


def test_waiting_messages_are_counted_in_the_sockets_buffer() -> None:
    kind = (socket.AF_INET, socket.SOCK_DGRAM)
    with socket.socket(*kind) as ours, socket.socket(*kind) as peer:
        ours.bind(("127.0.0.1", 0))
        assert waiting_messages(ours) == 0
        for _ in range(50):
            peer.sendto(b"x" * 600, ours.getsockname())
        assert 10 <= waiting_messages(ours) <= 100


def test_memory_is_the_machines_or_the_containers(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   400 kB\n")
    assert memory_in_use(meminfo, tmp_path) == pytest.approx(0.6)
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("900\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 100\n")
    assert memory_in_use(meminfo, tmp_path) == pytest.approx(0.8)
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_in_use(meminfo, tmp_path) == pytest.approx(0.6)
    assert memory_in_use(tmp_path / "none", tmp_path) == 0.0
    assert 0.0 < memory_in_use() < 1.0
