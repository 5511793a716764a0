"""Steps and causes between a span and the centre (RFC 3398), with neither of them there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ccplatform.kernel.clock import VirtualClock
from gateway.isdn.front import TRANSFER_SECONDS, Front
from gateway.isdn.numbering import NumberPlan
from gateway.isdn.span_calls import CallState, SpanCall, SpanCounters
from gateway.sip.headers import Headers
from gateway.sip.invite_events import (
    Answer,
    DialogEnded,
    DialogNews,
    Invite,
    ReferArrived,
    Release,
    RemoteAnswered,
    RemoteRinging,
    ReportRefer,
    Ring,
)
from gateway.sip.message import SipRequest
from gateway.sip.replaces import Replaces
from gateway.sip.uri import SipUri

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


class FakeDialog:
    def __init__(self, listener: Callable[[DialogNews], None] | None = None) -> None:
        self.told: list[Any] = []
        self.listener = listener
        self.dialog: Any = None  # what is known of it, once it is established

    def tell(self, event: Any) -> None:
        self.told.append(event)

    def news(self, news: DialogNews) -> None:
        assert self.listener is not None
        self.listener(news)


class FakePeer:
    """The SIP side."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.made: list[tuple[str, str, FakeDialog]] = []

    def new_call(self, number: str, party: str, headers: object, listener: Any) -> FakeDialog:
        dialog = FakeDialog(listener)
        self.made.append((number, party, dialog))
        return dialog


class FakeSpan:
    """The line's side; what it was told to do."""

    def __init__(self) -> None:
        self.counters = SpanCounters()
        self.did: list[tuple[Any, ...]] = []
        self.full = False
        self.calls: list[SpanCall] = []

    def call(self, number: str, **more: Any) -> SpanCall | None:
        self.did.append(("call", number, more))
        if self.full:
            return None
        self.calls.append(SpanCall(name="out-1", outgoing=True, called=number))
        return self.calls[-1]

    def proceed(self, call: SpanCall) -> None:
        call.state = CallState.PROCEEDING
        self.did.append(("proceed",))

    def ring(self, call: SpanCall, *, inband: bool) -> None:
        call.state = CallState.RINGING
        self.did.append(("ring", inband))

    def answer(self, call: SpanCall) -> None:
        call.state = CallState.CONNECTED
        self.did.append(("answer",))

    def transfer(self, call: SpanCall, other: SpanCall) -> None:
        self.did.append(("transfer", call.name, other.name))

    def hang_up(self, call: SpanCall, cause: int) -> None:
        call.state, call.cause = CallState.ENDING, cause
        self.did.append(("hang_up", cause))


class Scene:
    def __init__(self) -> None:
        self.clock, self.span, self.peer = VirtualClock(), FakeSpan(), FakePeer()
        self.front = Front(
            self.span,  # type: ignore[arg-type]
            self.peer,  # type: ignore[arg-type]
            plan=NumberPlan(),
            clock=self.clock,
            digits_seconds=4.0,
        )

    def arrive(self, called: str, *, complete: bool = True) -> SpanCall:
        call = SpanCall(name="in-1", outgoing=False, called=called, caller="13800000001", complete=complete)
        self.span.calls.append(call)
        self.front.call_arrived(call)
        return call

    def invited(self, number: str, body: bytes = OFFER) -> FakeDialog:
        headers = Headers()
        headers.put("from", "<sip:95000@127.0.0.1>;tag=a")
        headers.put("to", f"<sip:{number}@127.0.0.1>")
        headers.put("content-type", "application/sdp")
        dialog = FakeDialog()
        self.front.invited(SipRequest("INVITE", f"sip:{number}@127.0.0.1", headers, body), dialog)  # type: ignore[arg-type]
        return dialog


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    for call in made.span.calls:
        call.cause = call.cause or 16
        made.front.call_ended(call)


def test_a_whole_number_is_called_at_once_without_telephone_events(scene: Scene) -> None:
    scene.arrive("95000")
    ((number, party, dialog),) = scene.peer.made
    assert (number, party) == ("95000", "<sip:13800000001@127.0.0.1>")
    (invite,) = dialog.told
    assert isinstance(invite, Invite)
    assert b"PCMA" in invite.offer
    assert b"telephone-event" not in invite.offer
    assert scene.span.did == [("proceed",)]


def test_digits_are_awaited_and_the_last_of_them_is_waited_for(scene: Scene) -> None:
    call = scene.arrive("9", complete=False)
    for digit in "5000":
        scene.clock.advance(3.9)
        assert not scene.peer.made
        call.called += digit
        scene.front.digits_arrived(call)
    scene.clock.advance(4.1)
    assert [made[0] for made in scene.peer.made] == ["95000"]
    call.called += "1"
    scene.front.digits_arrived(call)  # too late
    assert len(scene.peer.made) == 1


def test_a_number_that_becomes_complete_is_called_at_once(scene: Scene) -> None:
    call = scene.arrive("9500", complete=False)
    call.called, call.complete = "95000", True
    scene.front.digits_arrived(call)
    assert [made[0] for made in scene.peer.made] == ["95000"]
    scene.clock.advance(10)
    assert len(scene.peer.made) == 1


def test_who_dials_nothing_is_told_so(scene: Scene) -> None:
    scene.arrive("", complete=False)
    scene.clock.advance(4.1)
    assert scene.span.did == [("hang_up", 28)]
    assert not scene.peer.made


def test_who_hangs_up_while_dialling_is_no_call(scene: Scene) -> None:
    call = scene.arrive("9", complete=False)
    call.state = CallState.ENDING
    scene.front.call_ended(call)
    scene.clock.advance(10)
    assert not scene.peer.made


def test_ringing_and_answer_go_to_the_line(scene: Scene) -> None:
    scene.arrive("95000")
    dialog = scene.peer.made[0][2]
    dialog.news(RemoteRinging(180, b""))
    dialog.news(RemoteRinging(180, b""))
    dialog.news(RemoteAnswered(OFFER))
    assert scene.span.did == [("proceed",), ("ring", False), ("answer",)]


@pytest.mark.parametrize(
    ("status", "q850", "cause"), [(486, None, 17), (404, None, 1), (503, 42, 42), (0, None, 16), (480, 19, 19)]
)
def test_an_end_in_the_centre_has_its_cause_on_the_line(
    scene: Scene, status: int, q850: int | None, cause: int
) -> None:
    scene.arrive("95000")
    scene.peer.made[0][2].news(DialogEnded(True, status, q850))
    assert scene.span.did[-1] == ("hang_up", cause)


def test_an_end_on_the_line_has_its_cause_in_the_centre(scene: Scene) -> None:
    dialog = scene.invited("01088886666")
    (call,) = scene.span.calls
    call.state = CallState.RINGING
    scene.front.call_progressed(call, inband=False)
    call.cause = 19
    scene.front.call_ended(call)
    ring, release = dialog.told
    assert ring == Ring(b"")
    assert (release.status, release.reason) == (480, 'Q.850;cause=19;text="No answer from user (user alerted)"')


def test_an_answer_on_the_line_answers_the_invite(scene: Scene) -> None:
    dialog = scene.invited("7001")
    assert scene.span.did[0][:2] == ("call", "7001")
    assert scene.span.did[0][2]["caller"] == "95000"
    (call,) = scene.span.calls
    scene.front.call_answered(call)
    (answer,) = dialog.told
    assert isinstance(answer, Answer)
    assert b"PCMA" in answer.sdp


@pytest.mark.parametrize("state", [CallState.PROCEEDING, CallState.RINGING])
def test_what_the_line_says_before_the_answer_is_heard_by_the_centre(scene: Scene, state: CallState) -> None:
    dialog = scene.invited("7001")
    call = scene.span.calls[0]
    call.state = state
    scene.front.call_progressed(call, inband=True)
    (ring,) = [event for event in dialog.told if isinstance(event, Ring)]
    assert b"m=audio" in ring.sdp


def test_what_cannot_be_called_is_refused_with_its_reason(scene: Scene) -> None:
    (refusal,) = scene.invited("alice").told
    assert (refusal.status, "cause=28" in refusal.reason) == (484, True)
    scene.span.full = True
    (refusal,) = scene.invited("7001").told
    assert isinstance(refusal, Release)
    assert (refusal.status, "cause=34" in refusal.reason) == (503, True)


def test_a_codec_that_the_line_has_not_is_refused_on_both_sides(scene: Scene) -> None:
    (refusal,) = scene.invited("7001", OFFER.replace(b"8 PCMA", b"8 G729").replace(b"AVP 8", b"AVP 18")).told
    assert refusal.status == 488
    assert scene.span.did[-1] == ("hang_up", 88)


# --- two calls that the switch is to join -------------------------------------------------------------------

PARTY = Replaces("other@centre", "theirs", "ours")


def brought_together(scene: Scene) -> tuple[SpanCall, FakeDialog, SpanCall]:
    """A caller, his dialog, and the party outside whom he shall talk with; both have answered."""
    caller = scene.arrive("95001")
    dialog = scene.peer.made[0][2]
    scene.invited("7001")
    party = scene.span.calls[1]
    caller.state = party.state = CallState.CONNECTED
    party.context.dialog.dialog = SimpleNamespace(call_id="other@centre", local_tag="ours", remote_tag="theirs")
    return caller, dialog, party


def reports(dialog: FakeDialog) -> list[int]:
    return [event.status for event in dialog.told if isinstance(event, ReportRefer)]


def test_the_switch_is_asked_to_join_two_calls_and_ends_them(scene: Scene) -> None:
    caller, dialog, party = brought_together(scene)
    dialog.news(ReferArrived(SipUri("sip", "7001", "127.0.0.1"), PARTY))
    assert scene.span.did[-1] == ("transfer", caller.name, party.name)
    assert reports(dialog) == [202]
    for call in (party, caller):
        call.cause = 16
        scene.front.call_ended(call)
    assert reports(dialog) == [202, 200]
    assert isinstance(dialog.told[-1], Release)


@pytest.mark.parametrize("cause", [27, 38, 41])
def test_calls_that_end_otherwise_were_not_joined(scene: Scene, cause: int) -> None:
    _, dialog, party = brought_together(scene)
    dialog.news(ReferArrived(SipUri("sip", "7001", "127.0.0.1"), PARTY))
    party.cause = cause
    scene.front.call_ended(party)
    assert reports(dialog) == [202, 503]


def test_a_switch_that_says_nothing_leaves_the_two_to_the_centre(scene: Scene) -> None:
    caller, dialog, _ = brought_together(scene)
    dialog.news(ReferArrived(SipUri("sip", "7001", "127.0.0.1"), PARTY))
    scene.clock.advance(TRANSFER_SECONDS)
    assert reports(dialog) == [202, 503]
    assert caller.state is CallState.CONNECTED
    dialog.news(ReferArrived(SipUri("sip", "7001", "127.0.0.1"), PARTY))
    assert reports(dialog) == [202, 503, 202]


@pytest.mark.parametrize(("replaces", "status"), [(None, 501), (Replaces("nobody@centre", "theirs", "ours"), 603)])
def test_whom_the_switch_cannot_join_the_centre_keeps(
    scene: Scene, replaces: Replaces | None, status: int
) -> None:
    _, dialog, _ = brought_together(scene)
    dialog.news(ReferArrived(SipUri("sip", "7001", "127.0.0.1"), replaces))
    assert reports(dialog) == [status]


def test_a_party_who_has_not_answered_is_not_joined(scene: Scene) -> None:
    _, dialog, party = brought_together(scene)
    party.state = CallState.RINGING
    dialog.news(ReferArrived(SipUri("sip", "7001", "127.0.0.1"), PARTY))
    assert reports(dialog) == [603]
