"""Pausing what is recorded, and going on: by whom, why, and with which recordings."""

from __future__ import annotations

import pytest

from ccplatform.calls.errors import NotRecorded
from ccplatform.contracts.commands import ControlRecording
from ccplatform.contracts.facts import RecordingPaused, RecordingResumed
from ccplatform.contracts.media import PauseRecording, ResumeRecording
from ccplatform.contracts.words import PartyAct, RecordingAct, RecordingId
from tests.calls.test_consulting import act, asked_of_agent, consult, own
from tests.calls.test_saga import talking
from tests.calls.world import CALL, CONTACT, WALL, World


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
    world = talking()
    world.core.saga(CALL).state.recording = None
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
