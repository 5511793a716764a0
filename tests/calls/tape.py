"""What is on the recordings of a call, as the media engine would write them."""

from __future__ import annotations

from dataclasses import dataclass

from ccplatform.calls.model import ConsiderRecording
from ccplatform.contracts.media import RecordParties, StopRecording
from ccplatform.contracts.recordings import Talk
from ccplatform.contracts.words import LegId, RecordingId
from tests.calls.world import World


@dataclass(slots=True)
class Track:
    """One recording; ``stops`` counts how often it was stopped."""

    talk: Talk
    left: set[LegId]
    right: set[LegId]
    stops: int = 0


def tracks(world: World) -> dict[RecordingId, Track]:
    """All recordings so far."""
    made: dict[RecordingId, Track] = {}
    for effect in world.effects:
        match effect:
            case ConsiderRecording():
                made[RecordingId(f"rec-{len(made) + 1}")] = Track(effect.talk, {effect.left}, {effect.right})
            case RecordParties():
                track = made[effect.recording]
                assert not track.stops, "nothing is said of a recording that is over"
                track.left, track.right = set(effect.left), set(effect.right)
            case StopRecording():
                made[effect.recording].stops += 1
            case _:
                pass
    return made


def running(world: World) -> list[Track]:
    """Those that go on."""
    return [track for track in tracks(world).values() if not track.stops]
