"""Takes signalling from the control process: masks it, keeps it, exports it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ccplatform.contracts.words import ContactId
from ccplatform.kernel.clock import Clock
from ccplatform.kernel.tasks import TaskSupervisor
from gateway.signalling.exporter import HepExporter
from gateway.signalling.memory import SignallingMemory
from gateway.signalling.message import TracedMessage, traced_message
from gateway.signalling.settings import SignallingSettings
from gateway.sip.masking import masked


class SignallingService:
    """Of the web process. Rows are :data:`gateway.sip.tap.TappedRow`, their bytes in base64."""

    def __init__(self, settings: SignallingSettings, *, clock: Clock) -> None:
        self._clock = clock
        # Numbers go on above those of an earlier process, so that nobody who follows misses anything.
        self._number = int(clock.wall().timestamp()) * 1_000_000
        self.memory = SignallingMemory(
            max_bytes=settings.memory_mib * 1024 * 1024, max_seconds=settings.memory_seconds
        )
        self.exporter = HepExporter(settings.hep, clock=clock) if settings.hep.host else None

    def start(self, tasks: TaskSupervisor) -> None:
        """Begin to export, if that is wanted."""
        if self.exporter is not None:
            tasks.keep_running("hep", self.exporter.run)

    def linked(self) -> None:
        """Control is heard from now on; what it said before is not known."""
        self.memory.restart(self._clock.wall())

    def take(self, rows: Sequence[Sequence[Any]]) -> None:
        """Messages passed."""
        for row in rows:
            message = self._message(row)
            self.memory.put(message)
            if self.exporter is not None:
                self.exporter.put(message)
        self.memory.wake()

    def _message(self, row: Sequence[Any]) -> TracedMessage:
        at, outgoing, transport, local, remote, contact, data = row
        self._number += 1
        return traced_message(
            masked(base64.b64decode(data)),
            number=self._number,
            at=self._clock.wall() - timedelta(seconds=self._clock.now() - at),
            outgoing=outgoing,
            transport=transport,
            local=local,
            remote=remote,
            contact=ContactId(contact) if contact else None,
        )
