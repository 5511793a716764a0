"""Our registration with a provider, and probes of its servers: the cores alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccplatform.contracts.words import TrunkId
from ccplatform.kernel.core import DEADLINE
from gateway.sip.dialogs import Identity
from gateway.sip.digest_client import Credentials, DigestClient
from gateway.sip.flows import Flow
from gateway.sip.headers import Headers
from gateway.sip.locating import Destination
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.probing import ProbeAnswered, Probing, SendProbe, TargetChanged
from gateway.sip.registering import (
    BACKOFF_SECONDS,
    Begin,
    Registering,
    RegisteringEffect,
    RegistrationChanged,
    RegistrationState,
    SendRegister,
    Withdraw,
)
from gateway.sip.responses import response_to
from gateway.sip.targets import MISSED_PROBES, TargetState, TrunkTargets
from gateway.sip.transaction_layer import RequestFailed, ResponseArrived
from gateway.sip.trunk import Registration, Trunk, TrunkState

FIRST, SECOND = Flow("UDP", "192.0.2.1", 5060), Flow("TCP", "192.0.2.2", 5060)
ACCOUNT = Credentials(user="0108888", password="secret")
TRUNK = Trunk(
    id=TrunkId("pstn"),
    host="192.0.2.1",
    domain="provider.example",
    credentials=ACCOUNT,
    registration=Registration(seconds=600),
    probe_seconds=10,
)


class Registrar:
    """The core under test, and its last request as the provider sees it."""

    def __init__(self) -> None:
        self.flows = [FIRST, SECOND]
        self.core = Registering(
            TRUNK,
            identity=Identity.at(["10.0.0.1"], {"UDP": 5060, "TCP": 5060}, "test"),
            client=DigestClient(ACCOUNT, random_bytes=bytes),
            call_id="c@10.0.0.1",
            tag="t",
            flows=lambda _: list(self.flows),
            random=lambda: 0.0,
        )
        self.sent: list[SendRegister] = []

    def tell(self, event: object, now: float) -> list[RegistrationState]:
        """The states it went to."""
        effects: list[RegisteringEffect] = self.core.handle(event, now)  # type: ignore[arg-type]
        self.sent += [effect for effect in effects if isinstance(effect, SendRegister)]
        return [effect.state for effect in effects if isinstance(effect, RegistrationChanged)]

    @property
    def last(self) -> SipRequest:
        return self.sent[-1].request

    def answers(self, status: int, now: float, **headers: str) -> list[RegistrationState]:
        self.last.headers.put("via", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1")
        response = response_to(self.last, status)
        for name, value in headers.items():
            response.headers.put(name.replace("_", "-"), value)
        return self.tell(ResponseArrived(None, response, self.last), now)

    def registered(self, now: float = 0.0, **headers: str) -> None:
        self.tell(Begin(), now)
        assert self.answers(200, now, **headers) == [RegistrationState.REGISTERED]


@pytest.fixture
def registrar() -> Registrar:
    return Registrar()


def test_the_request_names_account_and_domain_and_goes_to_the_first_server(registrar: Registrar) -> None:
    assert registrar.tell(Begin(), 0.0) == [RegistrationState.TRYING]
    request = registrar.last
    assert (request.method, request.uri_text, registrar.sent[-1].flow) == (
        "REGISTER",
        "sip:provider.example",
        FIRST,
    )
    assert request.to.uri_text == request.from_.uri_text == "sip:0108888@provider.example"
    assert request.headers.first("contact") == "<sip:0108888@10.0.0.1:5060>"
    assert request.headers.first("expires") == "600"
    assert request.headers.first("supported") == "path"


def test_it_is_refreshed_at_half_of_what_was_granted_with_the_same_call_id(registrar: Registrar) -> None:
    registrar.registered(contact="<sip:x@y>;expires=9, <sip:0108888@10.0.0.1:5060>;expires=300")
    assert registrar.core.next_deadline() == 150.0
    first = registrar.last
    assert registrar.tell(DEADLINE, 150.0) == []
    assert registrar.last.call_id == first.call_id
    assert registrar.last.cseq.number == first.cseq.number + 1
    assert registrar.answers(200, 151.0, expires="100") == []
    assert registrar.core.expires_at == 251.0


def test_a_challenge_is_answered_and_the_refresh_needs_none(registrar: Registrar) -> None:
    registrar.tell(Begin(), 0.0)
    registrar.answers(401, 0.0, www_authenticate='Digest realm="p", nonce="n", qop="auth", algorithm=SHA-256')
    assert "nc=00000001" in registrar.last.headers.all("authorization")[0]
    assert registrar.answers(200, 1.0) == [RegistrationState.REGISTERED]
    registrar.tell(DEADLINE, 400.0)
    assert "nc=00000002" in registrar.last.headers.all("authorization")[0]


def test_wrong_credentials_are_not_repeated_but_tried_later(registrar: Registrar) -> None:
    registrar.tell(Begin(), 0.0)
    challenge = 'Digest realm="p", nonce="n", qop="auth"'
    registrar.answers(401, 0.0, www_authenticate=challenge)
    assert registrar.answers(401, 0.0, www_authenticate=challenge) == [RegistrationState.LOST]
    assert registrar.core.reason == "401 Unauthorized"
    assert len(registrar.sent) == 2
    assert registrar.core.next_deadline() == BACKOFF_SECONDS[0]


def test_an_interval_that_is_too_brief_is_made_longer(registrar: Registrar) -> None:
    registrar.tell(Begin(), 0.0)
    registrar.answers(423, 0.0, min_expires="1800")
    assert registrar.last.headers.first("expires") == "1800"
    assert registrar.answers(200, 0.0) == [RegistrationState.REGISTERED]
    assert registrar.core.expires_at == 1800.0


def test_the_next_server_is_tried_when_one_does_not_serve(registrar: Registrar) -> None:
    registrar.tell(Begin(), 0.0)
    registrar.answers(503, 0.0)
    assert registrar.sent[-1].flow == SECOND
    assert registrar.last.headers.first("contact") == "<sip:0108888@10.0.0.1:5060;transport=tcp>"
    assert registrar.tell(RequestFailed(None, registrar.last, True), 32.0) == [RegistrationState.LOST]
    assert registrar.core.reason == "no answer"


def test_pauses_double_up_to_a_limit_and_retry_after_is_kept(registrar: Registrar) -> None:
    registrar.flows = [FIRST]
    now, pauses = 0.0, []
    registrar.tell(Begin(), now)
    for _ in range(9):
        registrar.answers(403, now)
        due = registrar.core.next_deadline()
        assert due is not None
        pauses.append(due - now)
        now = due
        registrar.tell(DEADLINE, now)
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    registrar.registered(now)
    registrar.tell(DEADLINE, now + 300)
    registrar.answers(503, now + 300, retry_after="120 (busy)")
    assert registrar.core.next_deadline() == now + 420


def test_it_stands_until_it_expires_and_then_it_is_lost(registrar: Registrar) -> None:
    registrar.flows = [FIRST]
    registrar.registered()
    assert registrar.tell(DEADLINE, 300.0) == []
    assert registrar.answers(500, 300.0) == []
    assert registrar.core.state is RegistrationState.REGISTERED
    assert registrar.tell(DEADLINE, 600.0) == [RegistrationState.LOST]
    registrar.tell(DEADLINE, 700.0)
    assert registrar.answers(200, 700.0) == [RegistrationState.REGISTERED]


def test_the_service_route_is_kept_while_it_is_registered(registrar: Registrar) -> None:
    registrar.registered(service_route="<sip:edge.provider.example;lr>, <sip:core.provider.example;lr>")
    assert registrar.core.service_route == ("<sip:edge.provider.example;lr>", "<sip:core.provider.example;lr>")
    assert registrar.tell(Withdraw(), 1.0) == [RegistrationState.OFF]
    assert registrar.last.headers.first("expires") == "0"
    assert not registrar.core.service_route
    assert registrar.core.next_deadline() is None


def test_it_is_taken_back_against_a_challenge_and_is_over_whatever_is_answered(registrar: Registrar) -> None:
    registrar.flows = [FIRST]
    registrar.registered()
    registrar.tell(Withdraw(), 1.0)
    registrar.answers(401, 1.0, www_authenticate='Digest realm="p", nonce="n", qop="auth"')
    assert "nc=00000001" in registrar.last.headers.all("authorization")[0]
    assert registrar.last.headers.first("expires") == "0"
    assert registrar.core.asking
    assert registrar.answers(200, 1.0) == []
    assert not registrar.core.asking
    for status in (423, 503):
        registrar.registered(2.0)
        registrar.tell(Withdraw(), 3.0)
        sent = len(registrar.sent)
        assert registrar.answers(status, 3.0, min_expires="700") == []
        assert (registrar.core.asking, len(registrar.sent)) == (False, sent)
    assert registrar.core.state is RegistrationState.OFF
    assert registrar.core.next_deadline() is None


def test_contacts_of_others_at_the_same_address_are_told(registrar: Registrar) -> None:
    ours, other = "<sip:0108888@10.0.0.1:5060>;expires=300", "<sip:0108888@10.0.0.9:5070>;expires=90"
    registrar.registered(contact=f"{other}, {ours}")
    assert registrar.core.others == ("sip:0108888@10.0.0.9:5070",)
    assert registrar.core.next_deadline() == 150.0
    registrar.tell(DEADLINE, 150.0)
    registrar.answers(200, 150.0, contact=ours)
    assert not registrar.core.others


def test_old_and_foreign_answers_change_nothing(registrar: Registrar) -> None:
    registrar.tell(Begin(), 0.0)
    old = registrar.last
    registrar.tell(Begin(), 1.0)
    headers = Headers()
    headers.put("cseq", str(old.cseq))
    assert registrar.tell(ResponseArrived(None, SipResponse(200, headers=headers), old), 1.0) == []
    assert registrar.answers(100, 1.0) == []
    assert registrar.answers(200, 1.0, contact="<sip:0108888@10.0.0.1:5060>;expires=x") == [RegistrationState.LOST]


# --- probes -----------------------------------------------------------------------------------------------


@pytest.fixture
def targets() -> TrunkTargets:
    made = TrunkTargets(lambda: 0.0)
    made.located(TRUNK.id, [(Destination(FIRST),), (Destination(SECOND),)])
    return made


def test_every_server_is_probed_at_the_trunks_pace(targets: TrunkTargets) -> None:
    probing = Probing(targets)
    probing.configure([TRUNK], 0.0)
    both = [SendProbe(trunk=TRUNK.id, flow=FIRST), SendProbe(trunk=TRUNK.id, flow=SECOND)]
    assert probing.handle(DEADLINE, 0.0) == both
    assert probing.next_deadline() == 10.0
    assert probing.handle(ProbeAnswered(trunk=TRUNK.id, flow=FIRST, status=404), 0.05) == [
        TargetChanged(trunk=TRUNK.id, flow=FIRST, state=TargetState.UP)
    ]
    assert targets.all(TRUNK.id)[0].round_trip == 0.05
    assert probing.handle(DEADLINE, 10.0) == both  # the other one missed its first probe
    assert [target.missed for target in targets.all(TRUNK.id)] == [0, 1]


def test_a_silent_server_is_not_asked_faster_than_it_may_answer(targets: TrunkTargets) -> None:
    probing = Probing(targets)
    probing.configure([replace(TRUNK, probe_seconds=1)], 0.0)
    sent = [len(probing.handle(DEADLINE, float(second))) for second in range(5)]
    assert sent == [2, 0, 0, 0, 2]


@pytest.mark.parametrize("status", [408, 503])
def test_a_server_goes_down_after_several_misses_and_comes_back_at_once(
    targets: TrunkTargets, status: int
) -> None:
    probing = Probing(targets)
    probing.configure([TRUNK], 0.0)
    states = []
    for number in range(MISSED_PROBES + 1):
        probing.handle(DEADLINE, number * 10.0)
        answered = status if number < MISSED_PROBES else 200
        states += probing.handle(ProbeAnswered(trunk=TRUNK.id, flow=FIRST, status=answered), number * 10.0)
    assert [effect.state for effect in states if isinstance(effect, TargetChanged)] == [
        TargetState.DOWN,
        TargetState.UP,
    ]


def test_an_isolated_trunk_is_not_probed(targets: TrunkTargets) -> None:
    probing = Probing(targets)
    probing.configure([Trunk(id=TRUNK.id, host="192.0.2.1", probe_seconds=5, state=TrunkState.ISOLATED)], 0.0)
    assert probing.next_deadline() is None
    assert probing.handle(ProbeAnswered(trunk=TRUNK.id, flow=FIRST, status=200), 1.0) == []
