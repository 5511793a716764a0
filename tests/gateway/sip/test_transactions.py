"""Transactions: the four machines alone, and two layers back to back over a bad network."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccplatform.kernel.clock import VirtualClock
from ccplatform.kernel.core import DEADLINE, EffectRunner
from gateway.errors import IllegalEvent
from gateway.sip.flows import Flow
from gateway.sip.headers import Headers
from gateway.sip.message import SipMessage, SipRequest, SipResponse
from gateway.sip.parser import parse_message
from gateway.sip.responses import cancel_of, response_to
from gateway.sip.transaction_layer import (
    FlowFailed,
    LayerEffect,
    LayerEvent,
    MessageArrived,
    ReplyStatelessly,
    RequestArrived,
    RequestFailed,
    ResponseArrived,
    SendAck,
    SendRequest,
    SendResponse,
    TransactionLayer,
    TransmitOver,
)
from gateway.sip.transaction_tables import (
    INVITE_CLIENT,
    INVITE_SERVER,
    MACHINES,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    Machine,
    State,
    drawn,
)
from gateway.sip.transactions import (
    Received,
    Respond,
    Tell,
    TellFailed,
    TimerValues,
    Transaction,
    Transmit,
    TransportFailed,
)

TIMERS = TimerValues()


def make(method: str, *, sequence: int = 1, via: bool = True) -> SipRequest:
    headers = Headers()
    if via:
        headers.add("Via", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx")
    headers.add("From", "<sip:a@10.0.0.1>;tag=a")
    headers.add("To", "<sip:b@10.0.0.2>")
    headers.add("Call-ID", "call@10.0.0.1")
    headers.add("CSeq", f"{sequence} {method}")
    return SipRequest(method, "sip:b@10.0.0.2", headers)


def started(machine: Machine, *, reliable: bool = False) -> Transaction:
    transaction = Transaction(machine, make("INVITE" if "INVITE" in machine.name else "BYE"), reliable, TIMERS)
    transaction.start(0.0)
    return transaction


def run(transaction: Transaction, until: float) -> list[tuple[float, str]]:
    """Fire every timer up to an instant; what was sent or told, and when."""
    log: list[tuple[float, str]] = []
    while (due := transaction.next_deadline()) is not None and due <= until:
        for effect in transaction.handle(DEADLINE, due):
            log.append((due, "failed" if isinstance(effect, TellFailed) else "sent"))
    return log


# --- timers -----------------------------------------------------------------------------------------------


def test_timer_a_doubles_without_bound_until_timer_b() -> None:
    log = run(started(INVITE_CLIENT), 100)
    assert [at for at, what in log if what == "sent"] == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert log[-1] == (32.0, "failed")


def test_timer_e_doubles_up_to_t2_until_timer_f() -> None:
    log = run(started(NON_INVITE_CLIENT), 100)
    assert [at for at, what in log if what == "sent"] == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert log[-1] == (32.0, "failed")


def test_timer_e_is_t2_once_a_provisional_response_came() -> None:
    transaction = started(NON_INVITE_CLIENT)
    transaction.handle(Received(response_to(transaction.request, 100)), 0.1)
    assert [at for at, what in run(transaction, 20) if what == "sent"][:3] == [0.5, 4.5, 8.5]


def test_timer_g_repeats_a_refusal_until_timer_h() -> None:
    transaction = started(INVITE_SERVER)
    transaction.handle(Respond(response_to(transaction.request, 486)), 0.0)
    log = run(transaction, 100)
    assert [at for at, _ in log][:5] == [0.5, 1.5, 3.5, 7.5, 11.5]
    assert transaction.state is State.TERMINATED


@pytest.mark.parametrize("machine", [INVITE_CLIENT, NON_INVITE_CLIENT])
def test_reliable_transports_repeat_nothing(machine: Machine) -> None:
    assert run(started(machine, reliable=True), 100) == [(32.0, "failed")]


@pytest.mark.parametrize(("machine", "status"), [(INVITE_CLIENT, 486), (NON_INVITE_CLIENT, 200)])
def test_reliable_transports_need_not_wait_for_repetitions(machine: Machine, status: int) -> None:
    transaction = started(machine, reliable=True)
    transaction.handle(Received(response_to(transaction.request, status)), 1.0)
    assert transaction.state is State.TERMINATED


def test_every_state_is_left_some_day() -> None:
    for machine in MACHINES:
        for state in {state for state, _ in machine.rules}:
            cues = [cue for (of, cue) in machine.rules if of is state]
            waits_for_user_or_peer = {"1xx", "2xx", "3xx-6xx"} & {cue.value for cue in cues}
            assert machine.timers.get(state) or waits_for_user_or_peer, (machine.name, state)


def test_tables_can_be_drawn() -> None:
    assert "calling     timer A" in drawn(INVITE_CLIENT)


# --- behaviour --------------------------------------------------------------------------------------------


def test_a_user_that_answers_twice_is_told_and_nothing_changes() -> None:
    transaction = started(NON_INVITE_SERVER)
    transaction.handle(Respond(response_to(transaction.request, 200)), 0.0)
    before = (transaction.state, transaction.next_deadline())
    with pytest.raises(IllegalEvent):
        transaction.handle(Respond(response_to(transaction.request, 500)), 1.0)
    assert (transaction.state, transaction.next_deadline()) == before


def test_a_repeated_refusal_gets_a_repeated_ack_but_is_told_once() -> None:
    transaction = started(INVITE_CLIENT)
    refusal = response_to(transaction.request, 486, to_tag="b")
    first = transaction.handle(Received(refusal), 1.0)
    second = transaction.handle(Received(refusal), 2.0)
    assert [type(effect) for effect in first] == [Transmit, Tell]
    assert [type(effect) for effect in second] == [Transmit]
    ack = second[0]
    assert isinstance(ack, Transmit)
    assert isinstance(ack.message, SipRequest)
    assert (ack.message.method, ack.message.to.tag) == ("ACK", "b")
    assert ack.message.via.branch == transaction.request.via.branch


def test_every_2xx_of_an_accepted_invite_is_told() -> None:
    transaction = started(INVITE_CLIENT)
    for tag in ("b", "b", "c"):
        effects = transaction.handle(Received(response_to(transaction.request, 200, to_tag=tag)), 1.0)
        assert [type(effect) for effect in effects] == [Tell]


def test_a_transport_failure_is_told_as_such() -> None:
    transaction = started(INVITE_CLIENT)
    assert transaction.handle(TransportFailed(), 0.1) == [TellFailed(False)]


def test_who_rings_may_answer_over_another_connection_in_the_time_of_a_cancel() -> None:
    transaction = started(INVITE_CLIENT)
    transaction.handle(Received(response_to(transaction.request, 180, to_tag="b")), 1.0)
    assert transaction.handle(TransportFailed(), 2.0) == []
    assert transaction.next_deadline() == 2.0 + 32.0
    answer = transaction.handle(Received(response_to(transaction.request, 200, to_tag="b")), 3.0)
    assert [type(effect) for effect in answer] == [Tell]

    transaction = started(INVITE_CLIENT)
    transaction.handle(Received(response_to(transaction.request, 180, to_tag="b")), 1.0)
    transaction.handle(TransportFailed(), 2.0)
    assert transaction.handle(DEADLINE, 34.0) == [TellFailed(True)]


def test_who_only_tries_is_given_up_with_his_connection() -> None:
    transaction = started(INVITE_CLIENT)
    transaction.handle(Received(response_to(transaction.request, 100)), 1.0)
    assert transaction.handle(TransportFailed(), 2.0) == [TellFailed(False)]


@given(
    st.sampled_from(MACHINES), st.lists(st.sampled_from([100, 180, 200, 202, 302, 486, "again", "ack", "time"]))
)
def test_what_a_peer_sends_never_raises(machine: Machine, story: list[int | str]) -> None:
    transaction, now = started(machine), 0.0
    for event in story:
        now += 0.3
        if event == "time":
            transaction.handle(DEADLINE, now)
        elif isinstance(event, int):
            if machine.client:
                transaction.handle(Received(response_to(transaction.request, event)), now)
        else:
            transaction.handle(Received(make("ACK" if event == "ack" else transaction.request.method)), now)
    assert transaction.state in State


# --- two layers back to back ------------------------------------------------------------------------------


class Side:
    """A transaction layer whose user answers every request with one final response and counts."""

    def __init__(self, name: str, clock: VirtualClock, final: int) -> None:
        counter = itertools.count()
        self.layer = TransactionLayer(
            sent_by=lambda _: name, new_branch=lambda: f"{name}{next(counter)}", timers=TIMERS
        )
        self.runner: EffectRunner[LayerEvent, LayerEffect] = EffectRunner(self.layer, self._perform, clock)
        self.clock = clock
        self.final = final
        self.peer: Side | None = None
        self.flow = Flow("UDP", name, 5060)
        self.fates: Iterator[list[float]] = itertools.repeat([0.01])
        self.requests: list[SipRequest] = []
        self.finals: list[int] = []
        self.failures: list[bool] = []

    def _perform(self, effect: LayerEffect) -> None:
        match effect:
            case TransmitOver(message, _):
                self._carry(message)
            case RequestArrived(key, request):
                self.requests.append(request)
                if key is not None:
                    if request.method == "INVITE":
                        self.runner.post(SendResponse(key, response_to(request, 180, to_tag="b")))
                    response = response_to(request, self.final, to_tag="b")
                    self.runner.post(SendResponse(key, response))
            case ResponseArrived(_, response):
                if response.final:
                    self.finals.append(response.status)
            case RequestFailed(_, _, timed_out):
                self.failures.append(timed_out)

    def _carry(self, message: SipMessage) -> None:
        assert self.peer is not None
        peer, data = self.peer, message.encode()
        for delay in next(self.fates):
            self.clock.call_at(
                self.clock.now() + delay,
                lambda: peer.runner.post(MessageArrived(parse_message(data), self.flow)),
            )


#: Delays of the copies of each datagram. The seventh INVITE goes out half a second before its transactions end:
#: it must not arrive later, or it would be a new one (the RFC's timers suppose that packets die in time).
fates = st.builds(
    list.__add__,
    st.lists(st.lists(st.floats(0.0, 3.0), max_size=3), max_size=6),
    st.lists(st.lists(st.floats(0.0, 0.4), max_size=3), max_size=6),
)


@given(
    method=st.sampled_from(["INVITE", "BYE", "OPTIONS"]),
    final=st.sampled_from([200, 302, 486, 603]),
    there=fates,
    back=fates,
)
def test_over_any_network_a_request_is_seen_once_and_ends_once(
    method: str, final: int, there: list[list[float]], back: list[list[float]]
) -> None:
    clock = VirtualClock()
    client, server = Side("10.0.0.1", clock, final), Side("10.0.0.2", clock, final)
    client.peer, server.peer = server, client
    client.fates = itertools.chain(iter(there), itertools.repeat([0.01]))
    server.fates = itertools.chain(iter(back), itertools.repeat([0.01]))
    client.runner.post(SendRequest(make(method, via=False), server.flow, "owner"))
    clock.advance(200)
    assert len([request for request in server.requests if request.method == method]) <= 1
    if method == "INVITE" and final == 200:
        # Each 2xx is the user's business; here nobody repeats it, so a lost one may go missing.
        assert set(client.finals) <= {200}
    else:
        assert len(client.finals) + len(client.failures) == 1
        assert client.finals in ([], [final])
    assert len(client.layer) == 0 or method == "INVITE"
    clock.advance(200)
    assert len(server.layer) == 0
    assert server.layer.next_deadline() is None


def layer(name: str = "10.0.0.2") -> TransactionLayer:
    counter = itertools.count()
    return TransactionLayer(sent_by=lambda _: name, new_branch=lambda: f"b{next(counter)}", timers=TIMERS)


FLOW = Flow("UDP", "10.0.0.1", 5060)


def test_a_cancel_finds_its_invite() -> None:
    server = layer()
    invite = server.handle(MessageArrived(make("INVITE"), FLOW), 0.0)[0]
    assert isinstance(invite, RequestArrived)
    cancel = server.handle(MessageArrived(cancel_of(make("INVITE")), FLOW), 0.1)[0]
    assert isinstance(cancel, RequestArrived)
    assert cancel.cancels == invite.transaction
    assert cancel.transaction != invite.transaction


def test_the_same_request_by_two_ways_is_a_loop() -> None:
    server = layer()
    server.handle(MessageArrived(make("INVITE"), FLOW), 0.0)
    other = make("INVITE")
    other.headers.put("via", "SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKother")
    effects = server.handle(MessageArrived(other, FLOW), 0.1)
    assert [effect.message.status for effect in effects if isinstance(effect, TransmitOver)] == [482]  # type: ignore[union-attr]


def test_a_peer_of_rfc_2543_is_matched_without_the_magic_cookie() -> None:
    server = layer()
    old = make("INVITE")
    old.headers.put("via", "SIP/2.0/UDP 10.0.0.1")
    assert len(server.handle(MessageArrived(old, FLOW), 0.0)) == 1
    again = make("INVITE")
    again.headers.put("via", "SIP/2.0/UDP 10.0.0.1")
    assert server.handle(MessageArrived(again, FLOW), 0.1) == []


def test_stray_responses_are_dropped() -> None:
    assert layer().handle(MessageArrived(response_to(make("INVITE"), 200), FLOW), 0.0) == []


def test_a_stateless_answer_leaves_nothing_behind() -> None:
    server = layer()
    arrived = server.handle(MessageArrived(make("OPTIONS"), FLOW), 0.0)[0]
    assert isinstance(arrived, RequestArrived)
    assert arrived.transaction is not None
    effects = server.handle(ReplyStatelessly(arrived.transaction, response_to(arrived.request, 403)), 0.0)
    assert [type(effect) for effect in effects] == [TransmitOver]
    assert len(server) == 0


def test_answers_go_to_the_source_with_rport_and_to_the_via_without() -> None:
    for via, port in (("10.0.0.1:5070;rport", 40_000), ("10.0.0.1:5070", 5070), ("10.0.0.1", 5060)):
        server = layer()
        request = make("OPTIONS")
        request.headers.put("via", f"SIP/2.0/UDP {via};branch=z9hG4bKx")
        arrived = server.handle(MessageArrived(request, Flow("UDP", "203.0.113.9", 40_000)), 0.0)[0]
        assert isinstance(arrived, RequestArrived)
        assert arrived.transaction is not None
        sent = server.handle(SendResponse(arrived.transaction, response_to(request, 200)), 0.0)[0]
        assert isinstance(sent, TransmitOver)
        assert (sent.flow.host, sent.flow.port) == ("203.0.113.9", port)
        assert sent.message.via.params["received"] == "203.0.113.9"


def test_a_lost_connection_fails_its_requests_at_once() -> None:
    client = layer()
    flow = Flow("TCP", "10.0.0.1", 5060, 7)
    client.handle(SendRequest(make("BYE", via=False), flow, "owner"), 0.0)
    effects = client.handle(FlowFailed(flow), 0.1)
    assert [effect.timed_out for effect in effects if isinstance(effect, RequestFailed)] == [False]
    assert len(client) == 0


def test_an_ack_of_a_2xx_is_sent_without_a_transaction() -> None:
    client = layer()
    effects = client.handle(SendAck(make("ACK", via=False), FLOW), 0.0)
    assert [type(effect) for effect in effects] == [TransmitOver]
    assert len(client) == 0
    assert isinstance(effects[0], TransmitOver)
    assert isinstance(effects[0].message, SipRequest)
    assert not isinstance(effects[0].message, SipResponse)
