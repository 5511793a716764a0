"""A recogniser hears the caller: his leg is tapped while the flow asks for it, and its end is told."""

from __future__ import annotations

import pytest

from ccplatform.contracts.flows import FlowTapEnded, FlowVoiceChanged, PlayPrompt, TapCaller, UntapCaller
from ccplatform.contracts.media import StartTap, StopTap, TapEnded, VoiceChanged, WatchVoice
from ccplatform.contracts.words import LegId, PlaybackId
from tests.calls.world import CALL, CALLER, World

TAP = TapCaller(tap="tap-1", path="/run/ear", rate=8000)


def ended(tap: str, error: str = "the reader is gone", leg: LegId = CALLER) -> TapEnded:
    return TapEnded(leg=leg, tap=tap, seconds=1.0, lost_seconds=0.0, error=error)


@pytest.fixture
def world() -> World:
    """A caller who is heard."""
    world = World()
    world.arrive()
    world.asks(PlayPrompt(playback=PlaybackId("p"), items=()))
    world.answers(CALLER)
    world.asks(TAP)
    return world


def test_his_leg_is_tapped_and_watched(world: World) -> None:
    assert world.last(StartTap) == StartTap(leg=CALLER, tap="tap-1", path="/run/ear", rate=8000)
    assert world.last(WatchVoice).on
    world.post(VoiceChanged(leg=CALLER, speaking=True, at=1.0))
    assert world.last(FlowVoiceChanged).speaking


def test_a_tap_waits_for_the_answer_of_his_leg() -> None:
    world = World()
    world.arrive()
    world.asks(PlayPrompt(playback=PlaybackId("p"), items=()))
    world.asks(TAP)
    assert not world.all_of(StartTap)
    world.answers(CALLER)
    assert world.last(StartTap).tap == "tap-1"


def test_he_is_heard_no_more_when_the_flow_says_so(world: World) -> None:
    world.asks(UntapCaller())
    assert world.last(StopTap) == StopTap(leg=CALLER, tap="tap-1")
    assert not world.last(WatchVoice).on
    before = len(world.all_of(FlowVoiceChanged))
    world.post(VoiceChanged(leg=CALLER, speaking=True, at=1.0))
    assert len(world.all_of(FlowVoiceChanged)) == before


def test_another_tap_takes_the_place_of_the_first(world: World) -> None:
    world.asks(TapCaller(tap="tap-2", path="/run/ear-2", rate=16000))
    assert world.last(StopTap).tap == "tap-1"
    assert world.last(StartTap).tap == "tap-2"
    world.post(ended("tap-1"))
    assert not world.all_of(FlowTapEnded)


def test_a_tap_that_ends_by_itself_is_told(world: World) -> None:
    world.post(ended("tap-1", leg=LegId("another")))
    assert not world.all_of(FlowTapEnded)
    world.post(ended("tap-1"))
    assert world.last(FlowTapEnded).reason == "the reader is gone"
    assert world.core.saga(CALL).state.tap is None
