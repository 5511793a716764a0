"""What control leaves of each call with its worker, and takes back from there after a restart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog

from ccplatform.contracts.legs import SurvivingCall
from ccplatform.contracts.media import ForgetCall, KeepSnapshot
from ccplatform.contracts.words import CallId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.errors import RemoteViolation
from gateway.media.placing import Place, Places
from gateway.media.protocol import Command
from gateway.media.wishes import Wishes

_log = structlog.get_logger("media")


class Keeping:
    """The snapshots that `calls` gives, with what is wanted of the sound beside them. ``send`` gives a command to
    a worker."""

    def __init__(
        self, *, places: Places, wishes: Wishes, clock: Clock, send: Callable[[int, Command], None]
    ) -> None:
        self._places = places
        self._wishes = wishes
        self._clock = clock
        self._send = send
        self._survivors: dict[CallId, SurvivingCall] = {}

    def survivors(self) -> list[SurvivingCall]:
        """The calls that workers had when they were met, until they are forgotten or lost."""
        return list(self._survivors.values())

    def take(self, command: KeepSnapshot) -> None:
        """`calls` has another snapshot of a call."""
        place = self._places.find(command.call)
        if place is not None:
            place.kept = command
            self.leave(place)

    def leave(self, place: Place) -> None:
        """Leave the snapshot of a call with its worker, and with it what is wanted of its sound."""
        if place.kept is None or place.worker is None:
            return
        now, wall = self._clock.now(), self._clock.wall().timestamp()
        media = self._wishes.snapshot(place.legs, now, wall)
        snapshot = {"calls": place.kept.snapshot, "media": media}
        self._send(place.worker, KeepSnapshot(call=place.call, snapshot=snapshot))

    def meet(self, worker: int, survivor: SurvivingCall) -> None:
        """A worker has this call: it is new to us, known there, or has moved on meanwhile."""
        place = self._places.find(survivor.call)
        if place is None:
            snapshot = survivor.snapshot.get("calls", {})
            self._survivors[survivor.call] = replace(survivor, snapshot=snapshot)
            place = self._places.add(survivor.call)
            self._places.put(place, worker)
            for leg in survivor.legs:
                self._places.add_leg(place, leg)
            if snapshot:
                place.kept = KeepSnapshot(call=survivor.call, snapshot=snapshot)
                self._recall(survivor)
        elif place.worker != worker:
            self._send(worker, ForgetCall(call=survivor.call))

    def forget(self, call: CallId) -> bool:
        """Whether a call was a survivor that nobody took back; it is one no more."""
        return self._survivors.pop(call, None) is not None

    def _recall(self, survivor: SurvivingCall) -> None:
        try:
            now, wall = self._clock.now(), self._clock.wall().timestamp()
            self._wishes.restore(survivor.snapshot["media"], now, wall)
        except (KeyError, TypeError, ValueError, RemoteViolation) as error:
            _log.error("what was wanted of a call's sound is lost", call=survivor.call, reason=repr(error))
