"""The hub between the web process's live view and its event sockets.

Each event is folded once, encoded once per kind of viewer, and put into the bounded outbox of every socket. A
ring of recent events lets a client that comes back go on where it stopped. No task and no IO here: sockets
drain their outboxes themselves (:mod:`cti.socket`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import structlog

from ccplatform.contracts.facts import FactEvent, is_live
from ccplatform.kernel.clock import Clock, TimerHandle
from cti.errors import CloseCode
from cti.frames import Frame, Framing, encode
from cti.live import LiveView
from cti.rows import live_rows
from cti.schema import Resume
from cti.settings import EventSocketSettings
from cti.viewers import Viewer

_log = structlog.get_logger("cti.events")

#: A cached snapshot with at most this many later events is sent instead of a new one.
SNAPSHOT_REUSE_EVENTS = 100


class Outbox:
    """What waits to be sent to one socket, and the order to close it."""

    def __init__(self, *, viewer: Viewer, limit: int) -> None:
        self.viewer = viewer
        self.code: CloseCode | None = None
        self.closing = asyncio.Event()
        self._texts: asyncio.Queue[str] = asyncio.Queue(limit)

    def put(self, text: str) -> None:
        """Queue a message; a client that reads too slowly is closed with TOO_SLOW and may resume."""
        if self.closing.is_set():
            return
        if self._texts.full():
            self.close(CloseCode.TOO_SLOW)
        else:
            self._texts.put_nowait(text)

    async def get(self) -> str:
        """The next message."""
        return await self._texts.get()

    def close(self, code: CloseCode) -> None:
        """Ask the socket's tasks to end; the first reason counts."""
        if not self.closing.is_set():
            self.code = code
            self.closing.set()


class Hub:
    """Follows the fact stream and fans it out. ``live`` is the web process's only live view."""

    def __init__(self, *, live: LiveView, clock: Clock, settings: EventSocketSettings) -> None:
        self.live = live
        self.linked = False
        self.dropped_slow = 0
        self._clock = clock
        self._settings = settings
        self._framing = Framing(live)
        self._outboxes: set[Outbox] = set()
        self._recent: deque[Frame] = deque(maxlen=settings.resume_events)
        self._floor = 0  # a client whose last event is older than this needs a snapshot
        self._snapshots: dict[bool, tuple[int, str]] = {}
        self._timer: TimerHandle | None = None

    # --- from control -------------------------------------------------------------------------------------

    def replace(self, snapshot: dict[str, Any]) -> None:
        """Control's snapshot after a link was made: every client begins anew with it."""
        self.live.restore(snapshot)
        self.linked = True
        self._begin_anew()

    def publish(self, event: FactEvent) -> None:
        """Fold one event and send it to everyone whom it concerns."""
        if not is_live(event.fact) or (event.epoch == self.live.epoch and event.seq <= self.live.seq):
            return
        if event.epoch != self.live.epoch:
            self.live.apply(event)
            self._begin_anew()
            return
        frame = self._framing.frame(event)
        if self._recent.maxlen and len(self._recent) == self._recent.maxlen:
            self._floor = self._recent[0].seq
        self._recent.append(frame)
        if not self._recent.maxlen:
            self._floor = frame.seq
        self._send(frame)

    def unlinked(self) -> None:
        """The link to control is gone: clients are told that the view stands still."""
        self.linked = False
        self._beat()

    # --- from sockets -------------------------------------------------------------------------------------

    def join(self, outbox: Outbox, resume: Resume | None) -> None:
        """Send what the client missed, or a snapshot, and everything from now on."""
        missed = self._missed(resume) if resume is not None else None
        regrouped = outbox.viewer.teams is not None and any(frame.regroups for frame in missed or ())
        if missed is None or regrouped:
            self._put_snapshot(outbox)
        else:
            self._put_frames(outbox, missed)
        outbox.put(self._heartbeat())
        self._outboxes.add(outbox)

    def leave(self, outbox: Outbox) -> None:
        """The socket is gone."""
        self._outboxes.discard(outbox)
        if outbox.code is CloseCode.TOO_SLOW:
            self.dropped_slow += 1
            _log.warning("event socket dropped: client reads too slowly", dropped=self.dropped_slow)

    # --- time ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin the heartbeats."""
        self._timer = self._clock.call_at(self._clock.now() + self._settings.heartbeat_seconds, self._pulse)

    def close(self) -> None:
        """End the heartbeats and every socket."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for outbox in self._outboxes:
            outbox.close(CloseCode.GOING_AWAY)

    def _pulse(self) -> None:
        now = self._clock.wall()
        changes = self.live.tick(now)
        if changes:
            # The new day has no number of its own: whoever was away while it began takes a snapshot.
            self._forget_recent(self.live.seq + 1)
            self._send(self._framing.day(changes, now))
        self._beat()
        self.start()

    # --- inside -------------------------------------------------------------------------------------------

    def _send(self, frame: Frame) -> None:
        for outbox in self._outboxes:
            if frame.regroups and outbox.viewer.teams is not None:
                self._put_snapshot(outbox)
            else:
                self._put_frames(outbox, (frame,))

    def _beat(self) -> None:
        text = self._heartbeat()
        for outbox in self._outboxes:
            outbox.put(text)

    def _heartbeat(self) -> str:
        return encode(
            {
                "type": "heartbeat",
                "epoch": self.live.epoch,
                "seq": self.live.seq,
                "at": self._clock.wall(),
                "live": self.linked,
            }
        )

    def _begin_anew(self) -> None:
        self._framing.begin_anew()
        self._forget_recent(self.live.seq)
        for outbox in self._outboxes:
            self._put_snapshot(outbox)
            outbox.put(self._heartbeat())

    def _forget_recent(self, floor: int) -> None:
        self._recent.clear()
        self._snapshots.clear()
        self._floor = floor

    def _missed(self, resume: Resume) -> list[Frame] | None:
        """The frames after the client's last event; None when they are not all here or too many."""
        if not resume.epoch or resume.epoch != self.live.epoch:
            return None
        if not self._floor <= resume.seq <= self.live.seq:
            return None
        missed = self._after(resume.seq)
        return missed if len(missed) < self._settings.queue_messages // 2 else None

    def _after(self, seq: int) -> list[Frame]:
        later = sum(1 for _ in _takewhile_newer(self._recent, seq))
        return list(islice(self._recent, len(self._recent) - later, None))

    def _put_snapshot(self, outbox: Outbox) -> None:
        viewer = outbox.viewer
        if viewer.teams is not None or (not viewer.clear and self._has_own_call(viewer)):
            outbox.put(self._snapshot_text(viewer))
            return
        seq, text = self._snapshots.get(viewer.clear, (-1, ""))
        later = self._after(seq) if seq >= self._floor else []
        if seq < self._floor or len(later) > min(SNAPSHOT_REUSE_EVENTS, self._settings.queue_messages // 2):
            seq, text, later = self.live.seq, self._snapshot_text(viewer), []
            self._snapshots[viewer.clear] = (seq, text)
        outbox.put(text)
        self._put_frames(outbox, later)

    def _put_frames(self, outbox: Outbox, frames: Iterable[Frame]) -> None:
        for frame in frames:
            text = frame.text_for(outbox.viewer)
            if text is not None:
                outbox.put(text)

    def _has_own_call(self, viewer: Viewer) -> bool:
        return viewer.own is not None and any(call.agent == viewer.own for call in self.live.calls.values())

    def _snapshot_text(self, viewer: Viewer) -> str:
        return encode(
            {
                "type": "snapshot",
                "epoch": self.live.epoch,
                "seq": self.live.seq,
                "at": self._clock.wall(),
                "live": live_rows(self.live, viewer),
            }
        )


def _takewhile_newer(frames: deque[Frame], seq: int) -> Iterator[Frame]:
    for frame in reversed(frames):
        if frame.seq <= seq:
            return
        yield frame
