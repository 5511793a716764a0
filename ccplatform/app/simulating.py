"""Builds what simulated sessions of flows need in the web process: data sources and recognisers of its own."""

from __future__ import annotations

import os

from acd.settings_store import SettingsStore
from ccplatform.app.foundation import Foundation
from ccplatform.app.places import Places
from ccplatform.app.settings import Settings
from ccplatform.app.speech import queries_of
from ccplatform.contracts.ports import Alarms
from ccplatform.kernel.tasks import TaskSupervisor
from ivr.simulator.ears import Ears
from ivr.simulator.playing import IsOpen
from ivr.sources.all import DataSources
from ivr.speech.recognition.engines import build_recognisers


class Simulating:
    """Engines start, and data sources are asked, when somebody simulates; their failures concern him alone."""

    def __init__(self, settings: Settings, ground: Foundation, places: Places, alarms: Alarms) -> None:
        sockets = places.run / "web"
        os.makedirs(sockets, mode=0o700, exist_ok=True)
        self._recognisers = build_recognisers(
            settings.ivr.recognition, sockets=sockets, clock=ground.clock, alarms=alarms, tasks=ground.tasks
        )
        self.ears = Ears(self._recognisers)
        self.data = DataSources(
            settings.ivr,
            own=ground.database,
            queries=queries_of(settings.ivr),
            clock=ground.clock,
            alarms=alarms,
        )

    async def start(self, tasks: TaskSupervisor) -> None:
        """Open the data sources; one that is away now is found later."""
        await self.data.open(tasks)

    async def close(self) -> None:
        """End the recognisers, and let the data sources go."""
        await self._recognisers.close()
        await self.data.close()


async def opening_hours(acd: SettingsStore) -> IsOpen:
    """The centre's calendars as they are now, asked for any instant."""
    calendars = await acd.calendars()
    return lambda name, at: calendars[name].is_open(at) if name in calendars else None
