"""Who of a call hears whom: read off its state, and brought about by the fewest commands.

Two are bridged, three and more are in a room of the call's own. Who is alone and waits for somebody hears music,
or that it rings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ccplatform.calls.model import CallState, Stage
from ccplatform.calls.step import Step
from ccplatform.contracts.media import (
    Bridge,
    CallTone,
    CallToneItem,
    JoinRoom,
    PlayItem,
    StopPlay,
    ToneCountry,
    Unbridge,
)
from ccplatform.contracts.words import LegId, PlaybackId

#: Ringback of China.
RINGBACK: Final[tuple[PlayItem, ...]] = (CallToneItem(tone=CallTone.RINGBACK, country=ToneCountry.CHINA),)


class Sound(StrEnum):
    """What is heard in a group."""

    ONE_ANOTHER = "one_another"
    MUSIC = "music"
    RINGBACK = "ringback"
    SILENCE = "silence"  # who holds the others hears nobody


@dataclass(frozen=True, slots=True)
class Group:
    """Legs that hear the same."""

    legs: tuple[LegId, ...]
    sound: Sound

    @property
    def talks(self) -> bool:
        """Whether there is somebody to talk with."""
        return self.sound is Sound.ONE_ANOTHER


def groups(state: CallState) -> tuple[Group, ...]:
    """The groups while somebody has the caller; none in the stages before and after."""
    ours = (state.caller_leg, *state.members)
    his = (state.other_leg,) if state.other_leg is not None else ()
    second = state.second
    asked: tuple[LegId, ...] = ()
    if second is not None and second.leg is not None and second.answered_at is not None:
        asked = (second.leg,)
    match state.stage:
        case Stage.TALKING | Stage.BRIDGED:
            return (_group((*ours, *his), Sound.SILENCE),)
        case Stage.HELD:
            return (_group(ours, Sound.MUSIC), _group(his, Sound.SILENCE))
        case Stage.CONSULTING if second is not None and second.aside:
            return (_group((*ours, *his), Sound.MUSIC), _group(asked, Sound.MUSIC))
        case Stage.CONSULTING:
            return (_group(ours, Sound.MUSIC), _group((*his, *asked), Sound.RINGBACK))
        case Stage.TRANSFERRING:
            rings = second is not None and second.queue is None
            return (_group(ours, Sound.RINGBACK if rings else Sound.MUSIC), _group(his, Sound.SILENCE))
        case _:
            return ()


def regroup(step: Step, before: Iterable[Group]) -> None:
    """Go from the groups that were to those that are now."""
    after, old = groups(step.state), tuple(before)
    for group in old:
        if group.talks and group not in after:
            step.emit(*(Unbridge(leg=leg) for leg in (group.legs[:1] if len(group.legs) == 2 else group.legs)))
    hears = {leg: group.sound for group in old for leg in group.legs}
    hears.setdefault(step.state.caller_leg, Sound.MUSIC)  # whatever it was that he heard before
    for group in after:
        if group in old:
            continue
        if not group.talks:
            _play(step, group)
            continue
        played = (leg for leg in group.legs if hears.get(leg) in (Sound.MUSIC, Sound.RINGBACK))
        step.emit(*(StopPlay(leg=leg) for leg in played))
        _join(step, group.legs)


def _group(legs: tuple[LegId, ...], alone: Sound) -> Group:
    return Group(legs, Sound.ONE_ANOTHER if len(legs) > 1 else alone)


def _join(step: Step, legs: tuple[LegId, ...]) -> None:
    if len(legs) == 2:
        step.emit(Bridge(a=legs[0], b=legs[1]))
    else:
        step.emit(*(JoinRoom(leg=leg, room=f"call:{step.state.call}") for leg in legs))


def _play(step: Step, group: Group) -> None:
    for leg in group.legs:
        if group.sound is Sound.MUSIC:
            step.play_music(leg)
        elif group.sound is Sound.RINGBACK:
            step.play(PlaybackId(step.new_id()), RINGBACK, loop=True, leg=leg)
        else:
            step.emit(StopPlay(leg=leg))
