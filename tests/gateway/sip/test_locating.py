"""Servers by DNS (RFC 3263), and which of them is used when."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.contracts.words import TrunkId
from gateway.sip.flows import Flow
from gateway.sip.locating import (
    AddressRecord,
    Destination,
    Located,
    NaptrRecord,
    Question,
    RecordKind,
    Reply,
    Server,
    SrvRecord,
    locate,
)
from gateway.sip.selection import in_order
from gateway.sip.targets import MISSED_PROBES, REST_SECONDS, TargetState, TrunkTargets

ZONE: dict[Question, Reply] = {
    Question(RecordKind.NAPTR, "both.example"): Reply(
        (
            NaptrRecord(50, 50, "s", "SIP+D2T", "_sip._tcp.both.example"),
            NaptrRecord(90, 50, "s", "SIP+D2U", "_sip._udp.both.example"),
            NaptrRecord(10, 50, "u", "E2U+sip", ""),
        ),
        300,
    ),
    Question(RecordKind.SRV, "_sip._tcp.both.example"): Reply((SrvRecord(1, 1, 5070, "a.example"),), 60),
    Question(RecordKind.SRV, "_sip._udp.srv.example"): Reply(
        (SrvRecord(20, 0, 5090, "b.example"), SrvRecord(10, 3, 5080, "a.example"), SrvRecord(0, 0, 1, ".")), 120
    ),
    Question(RecordKind.A, "a.example"): Reply((AddressRecord("192.0.2.1"), AddressRecord("192.0.2.2")), 30),
    Question(RecordKind.A, "b.example"): Reply((AddressRecord("192.0.2.3"),), 600),
    Question(RecordKind.AAAA, "b.example"): Reply((AddressRecord("2001:db8::3"),), 600),
}


def found(server: Server, **limits: tuple[int, ...]) -> tuple[Located, list[Question]]:
    asked: list[Question] = []
    search = locate(server, **limits)  # type: ignore[arg-type]
    try:
        question = next(search)
        while True:
            asked.append(question)
            question = search.send(ZONE.get(question, Reply((), 60)))
    except StopIteration as end:
        return end.value, asked


def flows(server: Server, **limits: tuple[int, ...]) -> list[tuple[str, str, int, int]]:
    located, _ = found(server, **limits)
    return [(one.flow.transport, one.flow.host, one.flow.port, one.priority) for one in located.destinations]


def test_an_address_needs_no_look_up() -> None:
    located, asked = found(Server("192.0.2.9", None, None))
    assert asked == []
    assert located == Located((Destination(Flow("UDP", "192.0.2.9", 5060)),), math.inf)
    assert flows(Server("2001:db8::1", None, "TLS")) == [("TLS", "2001:db8::1", 5061, 0)]


def test_naptr_chooses_the_transport_and_srv_the_port() -> None:
    located, asked = found(Server("both.example", None, None))
    assert [question.kind for question in asked] == ["NAPTR", "SRV", "A", "AAAA"]
    assert [(one.flow.transport, one.flow.host, one.flow.port) for one in located.destinations] == [
        ("TCP", "192.0.2.1", 5070),
        ("TCP", "192.0.2.2", 5070),
    ]
    assert located.ttl == 30
    assert {one.flow.name for one in located.destinations} == {"a.example"}


def test_a_transport_that_is_given_asks_for_no_naptr_and_priorities_are_kept() -> None:
    assert flows(Server("srv.example", None, "UDP")) == [
        ("UDP", "192.0.2.1", 5080, 10),
        ("UDP", "192.0.2.2", 5080, 10),
        ("UDP", "192.0.2.3", 5090, 20),
        ("UDP", "2001:db8::3", 5090, 20),
    ]


def test_without_naptr_the_transports_are_tried_in_turn() -> None:
    _, asked = found(Server("srv.example", None, None))
    assert [str(question.kind) for question in asked][:2] == ["NAPTR", "SRV"]
    assert asked[1].name == "_sip._udp.srv.example"


def test_a_port_that_is_given_asks_for_addresses_alone() -> None:
    _, asked = found(Server("b.example", 5062, None))
    assert [question.kind for question in asked] == ["A", "AAAA"]
    assert flows(Server("b.example", 5062, "TCP"), families=(4,)) == [("TCP", "192.0.2.3", 5062, 0)]


def test_without_srv_the_name_itself_is_the_server() -> None:
    assert flows(Server("b.example", None, "TLS"), families=(6,)) == [("TLS", "2001:db8::3", 5061, 0)]
    assert flows(Server("nowhere.example")) == []


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=8), st.randoms())
def test_every_alternative_comes_once_and_by_priority(ranks: list[tuple[int, int]], random: object) -> None:
    alternatives = [
        Destination(Flow("UDP", "192.0.2.1", port), priority, weight)
        for port, (priority, weight) in enumerate(ranks, 1)
    ]
    ordered = in_order(alternatives, random.random)  # type: ignore[attr-defined]
    assert Counter(ordered) == Counter(alternatives)
    assert [one.priority for one in ordered] == sorted(one.priority for one in ordered)


def test_weights_share_the_first_place() -> None:
    heavy, light = (Destination(Flow("UDP", "192.0.2.1", port), 0, weight) for port, weight in ((1, 3), (2, 1)))
    first = Counter(in_order([light, heavy], lambda at=at: at / 100)[0].flow.port for at in range(100))  # type: ignore[misc]
    assert first == {1: 75, 2: 25}


# --- health -----------------------------------------------------------------------------------------------

TRUNK = TrunkId("pstn")
FIRST, SECOND, BACKUP = (Flow("UDP", "192.0.2.1", port) for port in (1, 2, 3))


@pytest.fixture
def targets() -> TrunkTargets:
    made = TrunkTargets(lambda: 0.0)
    made.located(TRUNK, [(Destination(FIRST, 0, 1), Destination(SECOND, 9, 1)), (Destination(BACKUP),)])
    return made


def test_backups_come_after_every_address_of_the_first_server(targets: TrunkTargets) -> None:
    assert targets.flows(TRUNK, 0.0) == [FIRST, SECOND, BACKUP]


def test_a_server_that_failed_a_call_is_used_last_for_a_while(targets: TrunkTargets) -> None:
    targets.call_failed(TRUNK, FIRST, 100.0)
    assert targets.flows(TRUNK, 101.0) == [SECOND, BACKUP, FIRST]
    assert targets.flows(TRUNK, 100.0 + REST_SECONDS) == [FIRST, SECOND, BACKUP]


def test_missed_probes_take_a_server_out_and_one_answer_brings_it_back(targets: TrunkTargets) -> None:
    told = [targets.probed(TRUNK, FIRST, None) for _ in range(MISSED_PROBES)]
    assert told == [False] * (MISSED_PROBES - 1) + [True]
    assert targets.flows(TRUNK, 0.0) == [SECOND, BACKUP]
    assert targets.serves(TRUNK)
    assert targets.probed(TRUNK, FIRST, 0.02)
    assert targets.flows(TRUNK, 0.0) == [FIRST, SECOND, BACKUP]
    assert targets.all(TRUNK)[0].round_trip == 0.02


def test_a_new_look_up_keeps_what_is_known_of_those_that_stay(targets: TrunkTargets) -> None:
    for _ in range(MISSED_PROBES):
        targets.probed(TRUNK, FIRST, None)
    targets.located(TRUNK, [(Destination(BACKUP), Destination(FIRST))])
    assert targets.flows(TRUNK, 0.0) == [BACKUP]
    assert [(one.flow, one.state) for one in targets.all(TRUNK)] == [
        (BACKUP, TargetState.UNKNOWN),
        (FIRST, TargetState.DOWN),
    ]
    targets.forget(TRUNK)
    assert targets.flows(TRUNK, 0.0) == [BACKUP, FIRST]
