"""What a desk offers its agent to choose from: joins what the ACD's settings keep with what `cti` shows."""

from __future__ import annotations

from collections.abc import Sequence

from acd.settings_store import SettingsStore
from ccplatform.contracts.commands import Setting
from ccplatform.contracts.words import QueueId
from cti.noting.notes import Disposition
from cti.reasons import Reason


class DeskChoices:
    """Implements cti's Dispositions and Reasons on the ACD's settings; raises DatabaseUnavailable."""

    def __init__(self, settings: SettingsStore) -> None:
        self._settings = settings

    async def dispositions(self, queue: QueueId | None) -> Sequence[Disposition]:
        """Those of the queue and those of all, in their order."""
        documents = await self._settings.documents(Setting.DISPOSITION)
        offered = [
            (document["position"], document["name"], name)
            for name, document in documents.items()
            if not document["queues"] or queue in document["queues"]
        ]
        return [Disposition(id=name, name=title) for _, title, name in sorted(offered)]

    async def reasons(self) -> Sequence[Reason]:
        """Those for not being ready, in their order."""
        documents = await self._settings.documents(Setting.REASON)
        offered = [(document["position"], document["name"], name) for name, document in documents.items()]
        return [Reason(id=name, name=title) for _, title, name in sorted(offered)]
