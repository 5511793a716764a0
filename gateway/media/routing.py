"""What bridges, echoes and rooms mean for the mixer's matrix."""

from __future__ import annotations

from collections import defaultdict
from typing import TypeAlias

import structlog

from gateway.media.legs import Leg, LegBook
from gateway.media.link_legs import LinkBook, LinkLeg
from gateway.media.mixing import PLANES, PLAYBACK, VOICE, Mixer, source_of

_log = structlog.get_logger("media")


#: Who may be heard and hear: a leg, or one that stands for legs of another worker.
Party: TypeAlias = Leg | LinkLeg


class Routing:
    """Routes between legs. ``room_limit`` bounds the legs of one room.

    What a link leg carries to its peer is no matter of bridges: it stays until the link leg is closed.
    """

    def __init__(self, mixer: Mixer, legs: LegBook, links: LinkBook, room_limit: int) -> None:
        self._mixer = mixer
        self._legs = legs
        self._links = links
        self._room_limit = room_limit
        self._rooms: defaultdict[str, set[int]] = defaultdict(set)
        self._supervising: set[tuple[int, int]] = set()  # who is heard, who hears: set one by one

    def carry(self, link: LinkLeg) -> None:
        """Let a link leg hear the leg that it carries."""
        leg = self._legs.by_id.get(link.leg) if link.leg is not None else None
        if leg is not None:
            self._mixer.route(source_of(leg.row, VOICE), link.row)

    def bridge(self, a: Party, b: Party) -> None:
        """Let two legs hear each other."""
        self._mixer.route(source_of(a.row, VOICE), b.row)
        self._mixer.route(source_of(b.row, VOICE), a.row)

    def echo(self, leg: Leg) -> None:
        """Let a leg hear itself."""
        self._mixer.route(source_of(leg.row, VOICE), leg.row)

    def join(self, leg: Party, room: str) -> None:
        """Let a leg hear everyone else in a room and be heard; a full room takes nobody. Link legs do not hear
        one another: every two workers of a room have a link of their own."""
        if leg.room == room:
            return
        self._leave_room(leg)
        if len(self._rooms[room]) >= self._room_limit:
            _log.warning("conference room is full", room=room, leg=leg.id, limit=self._room_limit)
            return
        self._mixer.join(room, leg.row, apart=isinstance(leg, LinkLeg))
        self._rooms[room].add(leg.row)
        leg.room = room

    def separate(self, leg: Party) -> None:
        """Take every leg-to-leg route of a leg away; what is played to it goes on."""
        self._leave_room(leg)
        for source in self._mixer.sources_of(leg.row):
            if source % PLANES == VOICE and not isinstance(leg, LinkLeg):
                self._mixer.unroute(source, leg.row)
        own = source_of(leg.row, VOICE)
        for row in (*self._mixer.hearers(leg.row), leg.row):
            if not self._carries(row, leg):
                self._mixer.unroute(own, row)
        self._supervising = {pair for pair in self._supervising if leg.row not in pair}

    def set_gain(self, source: Party, sink: Party, gain: float) -> None:
        """Let a leg hear another one at this gain, whatever else it hears; 0: no longer."""
        pair = (source.row, sink.row)
        if gain:
            if sink.row not in self._mixer.hearers(source.row):
                self._supervising.add(pair)
            self._mixer.route(source_of(source.row, VOICE), sink.row, gain)
        else:
            self._supervising.discard(pair)
            self._mixer.unroute(source_of(source.row, VOICE), sink.row)

    def mute(self, leg: Leg, muted: bool) -> None:
        """Let nobody hear a leg, wherever it is routed to, or let it be heard again."""
        self._mixer.mute(leg.row, muted)

    def play(self, leg: Leg, playing: bool) -> None:
        """Let a leg hear its playback, or no longer."""
        source = source_of(leg.row, PLAYBACK)
        if playing:
            self._mixer.route(source, leg.row)
        else:
            self._mixer.unroute(source, leg.row)
            self._mixer.sound[leg.row, PLAYBACK] = 0

    def partners(self, leg: Party) -> list[Party]:
        """The legs that a leg is bridged with: they get its digits. Rooms and supervision pass none on."""
        if leg.room is not None:
            return []
        rows = [row for row in self._mixer.hearers(leg.row) if (leg.row, row) not in self._supervising]
        return [self._links.by_row.get(row) or self._legs.by_row[row] for row in rows]

    def _carries(self, row: int, leg: Party) -> bool:
        link = self._links.by_row.get(row)
        return link is not None and link.leg == leg.id

    def _leave_room(self, leg: Party) -> None:
        if leg.room is None:
            return
        members = self._rooms[leg.room]
        members.discard(leg.row)
        self._mixer.leave(leg.row)
        if not members:
            del self._rooms[leg.room]
        leg.room = None
