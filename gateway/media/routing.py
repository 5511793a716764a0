"""What bridges, echoes and rooms mean for the mixer's matrix."""

from __future__ import annotations

from collections import defaultdict

import structlog

from gateway.media.legs import Leg, LegBook
from gateway.media.mixing import PLANES, PLAYBACK, VOICE, Mixer, source_of

_log = structlog.get_logger("media")


class Routing:
    """Routes between legs. ``room_limit`` bounds the legs of one room."""

    def __init__(self, mixer: Mixer, legs: LegBook, room_limit: int) -> None:
        self._mixer = mixer
        self._legs = legs
        self._room_limit = room_limit
        self._rooms: defaultdict[str, set[int]] = defaultdict(set)

    def bridge(self, a: Leg, b: Leg) -> None:
        """Let two legs hear each other."""
        self._mixer.route(source_of(a.row, VOICE), b.row)
        self._mixer.route(source_of(b.row, VOICE), a.row)

    def echo(self, leg: Leg) -> None:
        """Let a leg hear itself."""
        self._mixer.route(source_of(leg.row, VOICE), leg.row)

    def join(self, leg: Leg, room: str) -> None:
        """Let a leg hear everyone else in a room and be heard; a full room takes nobody."""
        if leg.room == room:
            return
        self._leave_room(leg)
        if len(self._rooms[room]) >= self._room_limit:
            _log.warning("conference room is full", room=room, leg=leg.id, limit=self._room_limit)
            return
        for row in self._rooms[room]:
            self._mixer.route(source_of(row, VOICE), leg.row)
            self._mixer.route(source_of(leg.row, VOICE), row)
        self._rooms[room].add(leg.row)
        leg.room = room

    def separate(self, leg: Leg) -> None:
        """Take every leg-to-leg route of a leg away; what is played to it goes on."""
        self._leave_room(leg)
        for source in self._mixer.sources_of(leg.row):
            if source % PLANES == VOICE:
                self._mixer.unroute(source, leg.row)
        own = source_of(leg.row, VOICE)
        for row in (*self._mixer.hearers(leg.row), leg.row):
            self._mixer.unroute(own, row)

    def play(self, leg: Leg, playing: bool) -> None:
        """Let a leg hear its playback, or no longer."""
        source = source_of(leg.row, PLAYBACK)
        if playing:
            self._mixer.route(source, leg.row)
        else:
            self._mixer.unroute(source, leg.row)
            self._mixer.sound[leg.row, PLAYBACK] = 0

    def partners(self, leg: Leg) -> list[Leg]:
        """The legs that a leg is bridged with: they get its digits. Rooms do not pass digits on."""
        if leg.room is not None:
            return []
        return [self._legs.by_row[row] for row in self._mixer.hearers(leg.row)]

    def _leave_room(self, leg: Leg) -> None:
        if leg.room is None:
            return
        members = self._rooms[leg.room]
        members.discard(leg.row)
        for row in members:
            self._mixer.unroute(source_of(row, VOICE), leg.row)
            self._mixer.unroute(source_of(leg.row, VOICE), row)
        if not members:
            del self._rooms[leg.room]
        leg.room = None
