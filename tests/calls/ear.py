"""What each leg of a call hears, as the media engine would have it: commands in, sounds out."""

from __future__ import annotations

from collections import defaultdict

from ccplatform.calls.model import CallEffect, Whisper
from ccplatform.contracts.legs import DialLeg
from ccplatform.contracts.media import Bridge, JoinRoom, Play, SetGain, StopPlay, Unbridge
from ccplatform.contracts.words import LegId
from tests.calls.world import World


class Ear:
    """The sound after everything that was done so far; legs that are gone are heard and hear no more."""

    def __init__(self, world: World) -> None:
        self.playing: dict[LegId, Play] = {}
        self.gains: set[tuple[LegId, LegId]] = set()  # who is heard by whom besides
        self._bridges: defaultdict[LegId, set[LegId]] = defaultdict(set)
        self._rooms: dict[LegId, str] = {}
        for effect in world.effects:
            self._take(effect)
        self.gone = world.ended_legs
        self.gains = {pair for pair in self.gains if not self.gone & set(pair)}

    def hears(self, leg: LegId) -> set[LegId]:
        """Whom the leg hears."""
        room = self._rooms.get(leg)
        others = {other for other, joined in self._rooms.items() if room is not None and joined == room}
        return (self._bridges[leg] | others) - {leg} - self.gone

    def _take(self, effect: CallEffect) -> None:
        match effect:
            case Bridge(a=a, b=b):
                self._bridges[a].add(b)
                self._bridges[b].add(a)
            case JoinRoom(leg=leg, room=room):
                self._rooms[leg] = room
            case SetGain(source=source, sink=sink, gain=gain):
                (self.gains.add if gain else self.gains.discard)((source, sink))
            case Unbridge(leg=leg):
                self.gains = {pair for pair in self.gains if leg not in pair}
                self._rooms.pop(leg, None)
                for other in self._bridges.pop(leg, set()):
                    self._bridges[other].discard(leg)
            case Play(leg=leg):
                self.playing[leg] = effect
            case Whisper(leg=leg, playback=playback):
                self.playing[leg] = Play(leg=leg, playback=playback, items=())
            case StopPlay(leg=leg):
                self.playing.pop(leg, None)
            case _:
                pass


def dialled(world: World, *, back: int = 1) -> LegId:
    """A leg that was dialled; the last, or so many before."""
    return world.all_of(DialLeg)[-back].leg
