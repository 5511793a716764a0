"""Which script a call has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ccplatform.contracts.words import QueueId
from cti.documents import DeskDocuments


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptStep:
    """One step of a script."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What an agent is to say and do, in its order."""

    id: str
    name: str
    steps: tuple[ScriptStep, ...]


class Scripts:
    """Where they are configured; raises Unavailable."""

    def __init__(self, documents: DeskDocuments) -> None:
        self._documents = documents

    async def of(self, queue: QueueId | None) -> Script | None:
        """The script of calls of this queue (None: of calls that came from none), if there is one."""
        return script_of(await self._documents.documents(), queue)


def script_of(documents: Mapping[str, Mapping[str, Any]], queue: QueueId | None) -> Script | None:
    """One that names the queue before one that names none, then by position and name."""
    fitting = [
        (queue not in document["queues"], document["position"], document["name"], name)
        for name, document in documents.items()
        if not document["queues"] or queue in document["queues"]
    ]
    if not fitting:
        return None
    *_, name = min(fitting)
    document = documents[name]
    steps = tuple(ScriptStep(title=step["title"], text=step["text"]) for step in document["steps"])
    return Script(id=name, name=document["name"], steps=steps)
