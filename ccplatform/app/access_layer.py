"""Between the media engine and the rest of control: its events find their part, its health is told."""

from __future__ import annotations

from typing import Any

import structlog

from ccplatform.calls.service import CallService
from ccplatform.contracts.media import AnswerHint, RecordingClosed, TapEnded, VoiceChanged, VoiceLevel
from ccplatform.contracts.ports import Alarms
from ccplatform.contracts.words import Severity
from gateway.legs import LegService
from gateway.media.client import MediaPool
from gateway.media.port import LegNotSecured, LegSecured, LegSilent, MediaEvent, WorkerLost

_log = structlog.get_logger("media")


class MediaEvents:
    """The listener of the media pool; ``legs`` is set once there are legs."""

    def __init__(self, *, calls: CallService, alarms: Alarms) -> None:
        self._calls = calls
        self._alarms = alarms
        self.legs: LegService | None = None

    def take(self, event: MediaEvent) -> None:
        """Give the event to whom it concerns."""
        match event:
            case RecordingClosed():
                self._calls.recording_closed(event)
            case LegSilent() | LegSecured() | LegNotSecured() | WorkerLost():
                if self.legs is not None:
                    self.legs.media_event(event)
            case VoiceChanged() | TapEnded():
                self._calls.heard(event)
            case VoiceLevel() | AnswerHint():
                _log.debug("heard", heard=event)  # no part of the platform asks for these yet
            case _:
                self._calls.leg_event(event)

    def worker_changed(self, index: int, there: bool) -> None:
        """A worker came or was lost."""
        if there:
            self._alarms.clear_alarm("media_worker_lost", str(index))
        else:
            text = f"media worker {index} is gone; its calls move to another one or to its successor"
            self._alarms.raise_alarm("media_worker_lost", str(index), Severity.URGENT, text)


def media_health(media: MediaPool) -> list[dict[str, Any]]:
    """How the workers are, as plain data; tick times in seconds."""
    return [
        {
            "worker": worker.index,
            "connected": worker.connected,
            "problem": worker.problem,
            "legs": worker.legs,
            "stats": None
            if worker.stats is None
            else {
                "ticks": {
                    "p50": worker.stats.tick_p50_seconds,
                    "p99": worker.stats.tick_p99_seconds,
                    "max": worker.stats.tick_max_seconds,
                },
                "overruns": worker.stats.overruns,
                "refused": {
                    "stranger": worker.stats.strangers,
                    "malformed": worker.stats.malformed,
                    "unknown_type": worker.stats.unknown_type,
                    "unauthentic": worker.stats.unauthentic,
                    "flood": worker.stats.limited,
                },
                "link_frames": {
                    "lost": worker.stats.link_frames_lost,
                    "refused": worker.stats.link_frames_refused,
                },
            },
        }
        for worker in media.workers
    ]
