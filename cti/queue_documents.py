"""Settings of desks that are for calls of named queues, as a keeper of configured documents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from ccplatform.configuration.kind import Document
from ccplatform.kernel.errors import Refusal
from cti.documents import DeskDocuments


class QueueDocuments:
    """See :class:`~ccplatform.configuration.kind.Keeper`; at most ``most``, each a ``word`` with ``queues``."""

    def __init__(
        self, documents: DeskDocuments, knows_queue: Callable[[str], Awaitable[bool]], *, word: str, most: int
    ) -> None:
        self._documents = documents
        self._knows_queue = knows_queue
        self._word = word
        self._most = most

    async def all(self) -> Mapping[str, Document]:
        """See Keeper."""
        return await self._documents.documents()

    async def one(self, name: str) -> Document | None:
        """See Keeper."""
        return (await self._documents.documents(name)).get(name)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        """See Keeper; raises Refusal for a queue that there is not, and for one too many."""
        for queue in document["queues"]:
            if not await self._knows_queue(queue):
                raise Refusal(
                    f"{self._word} {name}: there is no queue {queue}", code="illegal_setting", where="queues"
                )
        known = await self._documents.documents()
        if name not in known and len(known) >= self._most:
            raise Refusal(f"there are {self._most} {self._word}s; remove old ones", code="too_many", where="id")
        if not trial:
            await self._documents.save(name, document)

    async def remove(self, name: str, *, by: str) -> None:
        """See Keeper."""
        await self._documents.remove(name)

    async def users(self, name: str) -> Sequence[str]:
        """Nothing uses them."""
        return []
