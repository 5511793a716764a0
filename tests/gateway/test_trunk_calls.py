"""Calls by trunks: accounts both ways, servers that fail, routes, numbers, states; a test plays the provider."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from ccplatform.contracts.facts import CallRefused, TrunkChannelsChanged
from ccplatform.contracts.legs import LegAnswered, LegEnded, LegOffered, LegRinging, NumberTarget
from ccplatform.contracts.words import ReleaseCause, TrunkId
from ccplatform.kernel.clock import VirtualClock
from gateway.sip.digest import DigestServer, Secrets, Verdict, hash_a1, parse_digest
from gateway.sip.digest_client import Credentials
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.number_rules import CallerRule, NumberRule
from gateway.sip.outbound_routes import OutboundRoute, TrunkChoice
from gateway.sip.parser import parse_message
from gateway.sip.responses import response_to
from gateway.sip.trunk import Asserted, CallerRules, Registration, Trunk, TrunkDirection, TrunkProof, TrunkState
from tests.gateway.sip.centre import Centre, to_trunk
from tests.gateway.sip.network import Network
from tests.gateway.sip.raw import SDP, RawPeer

ACCOUNT = Credentials(user="trunk7", password="very secret")
FAR = "10.0.0.9"


class Provider:
    """A server that a test plays: it answers each request by ``behave``, by default with 200."""

    def __init__(self, network: Network, clock: VirtualClock, host: str = FAR) -> None:
        self.host = host
        self.requests: list[SipRequest] = []
        self.behave: Callable[[SipRequest], SipResponse | None] = self.accepts
        self._clock = clock
        self._network = network
        self._inbox = network.stranger(host)

    def accepts(self, request: SipRequest) -> SipResponse:
        body = SDP.format(host=self.host, direction="sendrecv").encode() if request.method == "INVITE" else b""
        response = response_to(request, 200, body=body)
        response.headers.put("contact", f"<sip:far@{self.host}>")
        return response

    def says(self, status: int, **headers: str) -> Callable[[SipRequest], SipResponse]:
        def refuse(request: SipRequest) -> SipResponse:
            response = response_to(request, status)
            for name, value in headers.items():
                response.headers.put(name.replace("_", "-"), value)
            return response

        return refuse

    def play(self, seconds: float = 1.0) -> None:
        """Answer whatever comes within a time."""
        for _ in range(max(1, round(seconds / 0.1))):
            for text in self._inbox.heard():
                message = parse_message(text.encode())
                if not isinstance(message, SipRequest):
                    continue
                self.requests.append(message)
                answer = self.behave(message) if message.method != "ACK" else None
                if answer is not None:
                    self._inbox.send(answer.encode(), (message.via.host, message.via.port or 5060))

    def methods(self) -> list[str]:
        return [request.method for request in self.requests]

    def of(self, method: str) -> list[SipRequest]:
        return [request for request in self.requests if request.method == method]


class Guarded:
    """A provider's behaviour: every request needs the account."""

    def __init__(self, provider: Provider, clock: VirtualClock, *, status: int = 407) -> None:
        self.server = DigestServer(realm="provider", secret=b"s" * 32, random_bytes=lambda count: b"r" * count)
        self.verdicts: list[tuple[str, Verdict]] = []
        self._provider = provider
        self._clock = clock
        self._names = ("proxy-authenticate", "proxy-authorization")
        if status == 401:
            self._names = ("www-authenticate", "authorization")
        self._status = status

    def __call__(self, request: SipRequest) -> SipResponse | None:
        if request.method == "CANCEL":
            return response_to(request, 200)
        challenge, answer = self._names
        given = [parse_digest(value, answer) for value in request.headers.all(answer)]
        secrets = Secrets(
            ha1_md5=hash_a1("MD5", ACCOUNT.user, "provider", ACCOUNT.password),
            ha1_sha256=hash_a1("SHA-256", ACCOUNT.user, "provider", ACCOUNT.password),
        )
        now = self._clock.now()
        for credentials in filter(None, given):
            verdict = self.server.judge(
                credentials, method=request.method, request_uri=request.uri_text, secrets=secrets, now=now
            )
            self.verdicts.append((request.method, verdict))
            if verdict is Verdict.GOOD:
                return self._provider.accepts(request)
        response = response_to(request, self._status)
        response.headers.put_all(challenge, self.server.challenges(now))
        return response


async def centre_with(clock: VirtualClock, network: Network, trunks: Iterable[Trunk]) -> Centre:
    centre = Centre("10.0.0.1", clock, network.wire("10.0.0.1"), trunks=trunks)
    await centre.open()
    return centre


def out(name: str = "far", host: str = FAR, **more: object) -> Trunk:
    return Trunk(id=TrunkId(name), host=host, direction=TrunkDirection.OUT, **more)  # type: ignore[arg-type]


@pytest.fixture
def provider(network: Network, clock: VirtualClock) -> Provider:
    return Provider(network, clock)


# --- accounts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 407])
async def test_every_request_of_a_call_is_sent_again_with_credentials(
    network: Network, clock: VirtualClock, provider: Provider, status: int
) -> None:
    guarded = Guarded(provider, clock, status=status)
    provider.behave = guarded
    centre = await centre_with(clock, network, [out(credentials=ACCOUNT)])
    leg = centre.dial(to_trunk("far"))
    provider.play()
    assert [event.leg for event in centre.of(LegAnswered)] == [leg]
    first, again = provider.of("INVITE")
    assert (first.cseq.number, again.cseq.number) == (1, 2)
    assert first.call_id == again.call_id
    assert first.via.branch != again.via.branch
    assert [ack.cseq.number for ack in provider.of("ACK")] == [1, 2]
    credentials = "authorization" if status == 401 else "proxy-authorization"
    assert provider.of("ACK")[1].headers.all(credentials) == again.headers.all(credentials)
    centre.release(leg)
    provider.play()
    (bye,) = provider.of("BYE")  # its credentials came with it: no second challenge
    assert bye.cseq.number == 3
    assert guarded.verdicts == [("INVITE", Verdict.GOOD), ("BYE", Verdict.GOOD)]
    clock.advance(40)
    assert centre.is_clean()


async def test_a_bye_that_is_challenged_is_sent_again(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    guarded = Guarded(provider, clock)
    provider.behave = lambda request: guarded(request) if request.method == "BYE" else provider.accepts(request)
    centre = await centre_with(clock, network, [out(credentials=ACCOUNT)])
    leg = centre.dial(to_trunk("far"))
    provider.play()
    centre.release(leg)
    provider.play()
    assert [bye.cseq.number for bye in provider.of("BYE")] == [2, 3]
    assert guarded.verdicts == [("BYE", Verdict.GOOD)]
    clock.advance(40)
    assert centre.is_clean()


async def test_wrong_credentials_end_the_call_after_one_retry(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    provider.behave = Guarded(provider, clock)
    wrong = Credentials(user="trunk7", password="wrong")
    centre = await centre_with(clock, network, [out(credentials=wrong)])
    centre.dial(to_trunk("far"))
    provider.play()
    assert len(provider.of("INVITE")) == 2
    assert centre.ended() == [(ReleaseCause.FAILED, True)]
    clock.advance(40)
    assert centre.is_clean()


@pytest.mark.parametrize(
    ("proof", "source", "password", "statuses"),
    [
        (TrunkProof.IP, FAR, "", [100, 200]),
        (TrunkProof.DIGEST, FAR, "very secret", [401, 100, 200]),
        (TrunkProof.DIGEST, "203.0.113.4", "very secret", [401, 100, 200]),
        (TrunkProof.DIGEST, "203.0.113.4", "wrong", [401, 401]),
        (TrunkProof.BOTH, FAR, "very secret", [401, 100, 200]),
        (TrunkProof.BOTH, FAR, "wrong", [401, 401]),
        (TrunkProof.BOTH, "203.0.113.4", "very secret", [403]),
        (TrunkProof.IP, "203.0.113.4", "", [403]),
    ],
)
async def test_a_trunk_proves_itself_as_it_is_asked_to(
    network: Network, clock: VirtualClock, proof: TrunkProof, source: str, password: str, statuses: list[int]
) -> None:
    trunk = Trunk(
        id=TrunkId("far"), peers=(f"{FAR}/32",), direction=TrunkDirection.IN, credentials=ACCOUNT, proof=proof
    )
    centre = await centre_with(clock, network, [trunk])
    centre.answers_everything()
    peer = RawPeer(network, source, "10.0.0.1", user="trunk7")
    peer.send(peer.request("INVITE", peer.sdp()))
    heard = [message for message in peer.heard() if isinstance(message, SipResponse)]
    if heard[-1].status == 401:
        peer.to_tag = ""
        peer.send(peer.with_credentials("INVITE", heard[-1], password, body=peer.sdp()))
        heard += [message for message in peer.heard() if isinstance(message, SipResponse)]
    assert [message.status for message in heard] == statuses
    assert bool(centre.of(LegOffered)) is (statuses[-1] == 200)


# --- servers that fail ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 503, None])
async def test_the_next_server_is_tried_when_one_does_not_take_the_call(
    network: Network, clock: VirtualClock, provider: Provider, status: int | None
) -> None:
    backup = Provider(network, clock, "10.0.0.10")
    provider.behave = provider.says(status) if status else lambda _: None
    centre = await centre_with(clock, network, [out(backups=("sip:10.0.0.10",))])
    leg = centre.dial(to_trunk("far"))
    provider.play(0.5 if status else 6.5)
    backup.play()
    assert [event.leg for event in centre.of(LegAnswered)] == [leg]
    assert len({request.call_id for request in provider.of("INVITE") + backup.of("INVITE")}) == 2
    if status != 500:  # it rests: the next call goes to the backup at once
        centre.dial(to_trunk("far"))
        backup.play()
        assert len(centre.of(LegAnswered)) == 2
    for event in centre.of(LegAnswered):
        centre.release(event.leg)
    provider.behave = provider.accepts
    backup.play()
    provider.play()
    clock.advance(60)
    assert centre.is_clean()
    assert centre.access.channels.in_use(TrunkId("far")) == 0


@pytest.mark.parametrize("status", [404, 486, 600])
async def test_what_the_called_party_says_is_final(
    network: Network, clock: VirtualClock, provider: Provider, status: int
) -> None:
    backup = Provider(network, clock, "10.0.0.10")
    provider.behave = provider.says(status)
    centre = await centre_with(clock, network, [out(backups=("sip:10.0.0.10",))])
    centre.dial(to_trunk("far"))
    provider.play()
    backup.play()
    assert backup.requests == []
    assert len(centre.of(LegEnded)) == 1


async def test_who_rang_is_not_tried_elsewhere(network: Network, clock: VirtualClock, provider: Provider) -> None:
    backup = Provider(network, clock, "10.0.0.10")
    provider.behave = provider.says(180)
    centre = await centre_with(clock, network, [out(backups=("sip:10.0.0.10",))])
    centre.dial(to_trunk("far"))
    provider.play()
    assert len(centre.of(LegRinging)) == 1
    invite = provider.of("INVITE")[0]
    network.stranger(FAR).send(response_to(invite, 503).encode(), ("10.0.0.1", 5060))
    clock.advance(1)
    backup.play()
    assert backup.requests == []
    assert centre.ended() == [(ReleaseCause.UNREACHABLE, True)]


async def test_a_call_follows_its_route_from_trunk_to_trunk(network: Network, clock: VirtualClock) -> None:
    first, second = Provider(network, clock, "10.0.0.11"), Provider(network, clock, "10.0.0.12")
    first.behave = first.says(403)
    blocked = out("blocked", "10.0.0.13", state=TrunkState.BLOCKED)
    trunks = [
        blocked,
        out("a", "10.0.0.11", backups=("sip:10.0.0.14",), numbers_out=(NumberRule(prefix="0", add="9"),)),
        out("b", "10.0.0.12"),
    ]
    centre = await centre_with(clock, network, trunks)
    choices = tuple(
        TrunkChoice(trunk=TrunkId(name), priority=rank) for rank, name in enumerate(("blocked", "a", "b"))
    )
    centre.access.routes.replace([OutboundRoute(prefix="0", choices=choices)])
    leg = centre.dial(NumberTarget(number="01088886666"))
    first.play(0.3)
    second.play(0.3)
    assert first.of("INVITE")[0].uri.name == "901088886666"
    assert second.of("INVITE")[0].uri.name == "01088886666"
    assert [event.leg for event in centre.of(LegAnswered)] == [leg]
    used = [(fact.trunk, fact.in_use) for fact in centre.facts_of(TrunkChannelsChanged)]
    assert used == [("a", 1), ("a", 0), ("b", 1)]


async def test_a_number_that_no_route_is_for_is_not_found(network: Network, clock: VirtualClock) -> None:
    centre = await centre_with(clock, network, [out()])
    centre.dial(NumberTarget(number="1"))
    assert centre.ended() == [(ReleaseCause.NOT_FOUND, False)]


# --- numbers, capacity, states ----------------------------------------------------------------------------


async def test_numbers_are_rewritten_both_ways_and_the_caller_is_asserted(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    trunk = Trunk(
        id=TrunkId("far"),
        peers=(f"{FAR}/32",),
        host=FAR,
        domain="provider.example",
        numbers_in=(NumberRule(prefix="+86", strip=3),),
        numbers_out=(NumberRule(prefix="1", add="+86"),),
        caller=CallerRules(number="+861088886666", only_own=True, asserted=Asserted.ASSERTED),
    )
    centre = await centre_with(clock, network, [trunk])
    centre.dial(to_trunk("far", "13800000002"), caller="1004")
    provider.play()
    (invite,) = provider.of("INVITE")
    assert invite.uri_text == "sip:+8613800000002@provider.example"
    assert invite.from_.uri_text == "sip:+861088886666@provider.example"
    assert invite.headers.first("p-asserted-identity") == "<sip:+861088886666@provider.example>"
    peer = RawPeer(network, FAR, "10.0.0.1", user="+8613800000001")
    peer.send(peer.request("INVITE", peer.sdp(), uri="sip:+8695000@10.0.0.1"))
    peer.heard()
    (offered,) = centre.of(LegOffered)
    assert (offered.caller, offered.dialled) == ("13800000001", "95000")


async def test_a_caller_who_wants_it_stays_unknown(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    caller = CallerRules(number="01088886666", asserted=Asserted.ASSERTED)
    centre = await centre_with(clock, network, [out(caller=caller)])
    centre.dial(to_trunk("far"), caller="anonymous")
    provider.play()
    (invite,) = provider.of("INVITE")
    assert invite.from_.uri_text == "sip:anonymous@anonymous.invalid"
    assert invite.headers.first("privacy") == "id"
    assert "01088886666" in (invite.headers.first("p-asserted-identity") or "")


CALLERS_OUT = (
    CallerRule(dialled="00", hidden=True),
    CallerRule(dialled="120", hidden=True),
    CallerRule(dialled="13", prefix="80xx", number="4008001234"),
    CallerRule(dialled="13", prefix="0", strip=1, add="+86"),
)


@pytest.mark.parametrize(
    ("number", "caller", "shown", "privacy"),
    [
        ("0014155550100", "8001", "anonymous", "id"),  # of the route abroad nobody shows his number
        ("13800000002", "8001", "4008001234", None),  # seats show the centre's to mobile phones
        ("13800000002", "01088886666", "+861088886666", None),  # others theirs, as that network writes it
        ("13800000002", "4001", "4001", None),
        ("13800000002", "", "95000", None),  # the trunk's, as nobody said who calls
        ("13800000002", "anonymous", "anonymous", "id"),
        ("88886666", "8001", "8001", None),
        ("120", "8001", "8001", None),  # who helps must know who calls
    ],
)
async def test_who_calls_is_said_as_the_route_wants_it(
    network: Network, clock: VirtualClock, provider: Provider, number: str, caller: str, shown: str, privacy: str
) -> None:
    caller_rules = CallerRules(number="95000", asserted=Asserted.ASSERTED)
    centre = await centre_with(clock, network, [out(caller=caller_rules, callers_out=CALLERS_OUT)])
    centre.access.routes.replace([OutboundRoute(prefix="", choices=(TrunkChoice(trunk=TrunkId("far")),))])
    centre.dial(NumberTarget(number=number), caller=caller)
    provider.play()
    (invite,) = provider.of("INVITE")
    assert (invite.from_.uri.name, invite.headers.first("privacy")) == (shown, privacy)
    asserted = "95000" if privacy else shown
    assert f"sip:{asserted}@".replace("+", "%2B" if "%2B" in invite.from_.uri_text else "+") in (
        invite.headers.first("p-asserted-identity") or ""
    )


async def test_each_way_has_a_capacity_of_its_own(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    trunk = Trunk(id=TrunkId("far"), peers=(f"{FAR}/32",), host=FAR, capacity=3, capacity_in=1, capacity_out=2)
    centre = await centre_with(clock, network, [trunk])
    for _ in range(3):
        centre.dial(to_trunk("far"))
    assert centre.ended() == [(ReleaseCause.BUSY, False)]
    statuses = []
    for call in range(2):
        peer = RawPeer(network, FAR, "10.0.0.1", port=6000 + call)
        peer.call_id = f"in-{call}"
        peer.send(peer.request("INVITE", peer.sdp()))
        statuses.append(peer.statuses()[-1])
    assert statuses == [100, 486]
    assert centre.access.channels.by_way(TrunkId("far")) == (1, 2)


async def test_a_blocked_trunk_takes_no_new_call_and_an_isolated_one_loses_its_calls(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    trunk = Trunk(id=TrunkId("far"), peers=(f"{FAR}/32",), host=FAR)
    centre = await centre_with(clock, network, [trunk])
    leg = centre.dial(to_trunk("far"))
    provider.play()
    centre.access.configure_trunks([Trunk(id=trunk.id, peers=trunk.peers, host=FAR, state=TrunkState.BLOCKED)])
    centre.dial(to_trunk("far"))
    assert centre.ended() == [(ReleaseCause.UNREACHABLE, False)]
    peer = RawPeer(network, FAR, "10.0.0.1", port=6000)
    refusal = peer.ask(peer.request("INVITE", peer.sdp()))
    assert (refusal.status, refusal.headers.first("retry-after")) == (503, "5")
    assert centre.facts_of(CallRefused)[-1].trunk == "far"
    centre.access.configure_trunks([Trunk(id=trunk.id, peers=trunk.peers, host=FAR, state=TrunkState.ISOLATED)])
    provider.play()
    assert len(provider.of("BYE")) == 1
    assert [event.leg for event in centre.of(LegEnded)][-1] == leg
    centre.access.configure_trunks([trunk])
    centre.dial(to_trunk("far"))
    provider.play()
    assert len(centre.of(LegAnswered)) == 2


# --- registration and probes ------------------------------------------------------------------------------


async def test_a_trunk_registers_and_calls_to_its_contact_reach_the_number_in_to(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    guarded = Guarded(provider, clock, status=401)

    def behave(request: SipRequest) -> SipResponse | None:
        response = guarded(request)
        if response is not None and response.status == 200 and request.method == "REGISTER":
            response.headers.put("contact", f"{request.headers.first('contact')};expires=100")
            response.headers.put("service-route", f"<sip:{FAR};lr>")
        return response

    provider.behave = behave
    trunk = Trunk(
        id=TrunkId("far"), host=FAR, credentials=ACCOUNT, registration=Registration(seconds=600), probe_seconds=20
    )
    centre = await centre_with(clock, network, [trunk])
    provider.play()
    state = centre.access.trunk_service.describe(trunk)
    assert state["registration"]["state"] == "registered"
    assert state["registration"]["server"] == f"{FAR}:5060"
    assert state["targets"][0]["state"] == "up"
    assert 0.02 <= state["targets"][0]["round_trip_seconds"] <= 0.3  # the provider of the test looks every 0.1 s
    clock.advance(50)
    provider.play()
    registers = {request.cseq.number for request in provider.of("REGISTER")}
    assert registers == {1, 2, 3}  # challenge, answer, refresh at half of 100 s
    peer = RawPeer(network, FAR, "10.0.0.1", port=7000)
    peer.send(peer.request("INVITE", peer.sdp(), uri="sip:trunk7@10.0.0.1", to="<sip:95000@provider.example>"))
    peer.heard()
    assert centre.of(LegOffered)[0].dialled == "95000"
    centre.dial(to_trunk("far"))
    provider.play()
    assert provider.of("INVITE")[-1].headers.first("route") == f"<sip:{FAR};lr>"


async def test_a_trunk_whose_servers_are_silent_is_blocked_until_one_answers(
    network: Network, clock: VirtualClock, provider: Provider
) -> None:
    provider.behave = lambda _: None
    centre = await centre_with(clock, network, [out(probe_seconds=5)])
    clock.advance(30)
    assert centre.access.trunk_service.flows(TrunkId("far")) == []
    centre.dial(to_trunk("far"))
    assert centre.ended() == [(ReleaseCause.UNREACHABLE, False)]
    provider.behave = provider.accepts
    provider.play(40)
    leg = centre.dial(to_trunk("far"))
    provider.play()
    assert [event.leg for event in centre.of(LegAnswered)] == [leg]
    assert centre.crashes == []


@pytest.mark.parametrize("change", ["removed", "other server", "reset"])
async def test_alarms_of_a_silent_server_end_with_what_they_are_about(
    network: Network, clock: VirtualClock, provider: Provider, change: str
) -> None:
    provider.behave = lambda _: None
    centre = await centre_with(clock, network, [out(probe_seconds=5)])
    clock.advance(30)
    assert {kind for kind, _ in centre.alarms.up} == {"trunk_server_down", "trunk_down"}
    match change:
        case "removed":
            centre.access.configure_trunks([])
        case "other server":
            centre.access.configure_trunks([out(host="192.0.2.77", probe_seconds=5)])
        case _:
            centre.access.trunk_service.reset(TrunkId("far"))
    assert not centre.alarms.up
