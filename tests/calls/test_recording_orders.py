"""Pausing what is recorded, and going on: by whom, why, and with which recordings."""

from __future__ import annotations

import pytest

from ccplatform.calls.errors import NotRecorded
from ccplatform.calls.inputs import MessageClosed, RecordingBegan
from ccplatform.calls.model import ConsiderRecording
from ccplatform.contracts.commands import ControlRecording
from ccplatform.contracts.facts import RecordingPaused, RecordingResumed, RecordingStopped
from ccplatform.contracts.media import PauseRecording, RecordParties, ResumeRecording, StopRecording
from ccplatform.contracts.words import PartyAct, RecordingAct, RecordingId
from tests.calls.test_consulting import act, asked_of_agent, consult, own
from tests.calls.test_saga import ringing, talking
from tests.calls.world import CALL, CALLER, CONTACT, WALL, World


def order(world: World, what: RecordingAct, key: str = "", reason: str = "card") -> None:
    world.post(ControlRecording(call=CALL, act=what, by="1004", reason=reason, key=key))


def test_a_pause_is_told_with_who_and_why_and_ends_when_somebody_says_so() -> None:
    world = talking()
    order(world, RecordingAct.PAUSE)
    assert world.all_of(PauseRecording) == [PauseRecording(recording=RecordingId("rec-1"))]
    assert world.last(RecordingPaused) == RecordingPaused(
        contact=CONTACT, recording=RecordingId("rec-1"), by="1004", reason="card"
    )
    assert world.all_of(ResumeRecording) == []
    order(world, RecordingAct.RESUME, reason="")
    assert world.all_of(ResumeRecording) == [ResumeRecording(recording=RecordingId("rec-1"))]
    assert world.last(RecordingResumed).by == "1004"


def test_the_consultation_that_is_recorded_is_paused_too() -> None:
    world, _, _ = asked_of_agent()
    order(world, RecordingAct.PAUSE)
    paused = [(fact.contact, fact.recording) for fact in world.all_of(RecordingPaused)]
    assert paused == [(CONTACT, "rec-1"), (own(world), "rec-2")]


def test_what_begins_after_the_pause_is_not_paused_and_can_be() -> None:
    world = talking()
    order(world, RecordingAct.PAUSE)
    consult(world)
    world.answers(world.dialled_leg(), "13900000000")
    order(world, RecordingAct.PAUSE)
    assert [fact.recording for fact in world.all_of(RecordingPaused)] == ["rec-1", "rec-2"]
    act(world, PartyAct.CANCEL)
    order(world, RecordingAct.RESUME)
    assert [fact.recording for fact in world.all_of(RecordingResumed)] == ["rec-1"]


@pytest.mark.parametrize(
    ("before", "what", "code"),
    [
        ([], RecordingAct.RESUME, "not_paused"),
        ([RecordingAct.PAUSE], RecordingAct.PAUSE, "paused_already"),
        ([RecordingAct.PAUSE, RecordingAct.RESUME], RecordingAct.RESUME, "not_paused"),
    ],
)
def test_an_order_that_does_not_fit_is_refused_and_changes_nothing(
    before: list[RecordingAct], what: RecordingAct, code: str
) -> None:
    world = talking()
    for earlier in before:
        order(world, earlier)
    said = len(world.effects)
    with pytest.raises(NotRecorded) as refused:
        order(world, what)
    assert refused.value.code == code
    assert len(world.effects) == said


def test_what_is_not_recorded_cannot_be_paused() -> None:
    world = left_to_people()
    with pytest.raises(NotRecorded) as refused:
        order(world, RecordingAct.PAUSE)
    assert refused.value.code == "not_recorded"


def test_a_pause_is_known_after_a_restart() -> None:
    world = talking()
    order(world, RecordingAct.PAUSE)
    data = world.core.snapshot(CALL, world.now, WALL)
    world.core.forget(CALL)
    world.core.restore(data, world.now, WALL)
    order(world, RecordingAct.RESUME)
    assert len(world.all_of(ResumeRecording)) == 1


def left_to_people() -> World:
    """A talk that nobody records yet; the test says when the recorder does."""
    world = ringing()
    world.record = False
    world.answers(world.dialled_leg(), "seat-04")
    return world


def began(world: World, *, on_demand: bool = True) -> None:
    recording = RecordingId("rec-2")
    world.post(RecordingBegan(call=CALL, contact=CONTACT, recording=recording, on_demand=on_demand))


def test_a_talk_is_recorded_from_when_somebody_wants_it_to_when_nobody_does() -> None:
    world = left_to_people()
    order(world, RecordingAct.START)
    wish = world.last(ConsiderRecording)
    assert (wish.talk.by, wish.talk.asked, wish.left) == ("1004", False, CALLER)
    assert wish.right == world.talking_leg()
    began(world)
    order(world, RecordingAct.STOP, reason="done")
    assert world.last(StopRecording).recording == "rec-2"
    assert world.last(RecordingStopped) == RecordingStopped(
        contact=CONTACT, recording=RecordingId("rec-2"), by="1004", reason="done"
    )
    order(world, RecordingAct.START)
    assert len(world.all_of(ConsiderRecording)) == 3  # the talk's own, and two wishes


def test_what_the_policy_records_nobody_stops() -> None:
    world = left_to_people()
    began(world, on_demand=False)
    for what, code in ((RecordingAct.STOP, "not_on_demand"), (RecordingAct.START, "recorded_already")):
        with pytest.raises(NotRecorded) as refused:
            order(world, what)
        assert refused.value.code == code
    assert world.all_of(RecordingStopped) == []


def test_without_a_talk_nothing_starts() -> None:
    world = ringing()
    with pytest.raises(NotRecorded) as refused:
        order(world, RecordingAct.START)
    assert refused.value.code == "no_talk"


def test_in_a_conference_all_of_it_is_recorded_from_the_start() -> None:
    world, agent, expert = asked_of_agent()
    act(world, PartyAct.CONFERENCE)
    world.core.saga(CALL).state.recording = None
    world.core.saga(CALL).state.mixed = {}
    began(world)
    parties = world.last(RecordParties)
    assert (parties.recording, parties.left, set(parties.right)) == ("rec-2", (CALLER,), {agent, expert})


def test_a_recording_that_was_cut_can_be_started_again() -> None:
    world = left_to_people()
    began(world)
    world.post(MessageClosed(call=CALL, recording=RecordingId("rec-2"), seconds=1.0, error="disk full"))
    order(world, RecordingAct.START)
    assert world.last(ConsiderRecording).talk.by == "1004"
