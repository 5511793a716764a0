"""What a screen pop needs is looked up here, and left out while the directory is away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ccplatform.contracts.words import AgentId, ContactId, QueueId
from ccplatform.kernel.errors import Unavailable
from cti.linking.links import Links, LinkTemplate, links_of
from cti.live import LiveView
from cti.model import LiveCall
from cti.pop import (
    LAST_CONTACTS,
    Before,
    ContactHistory,
    EarlierContact,
    OpenCallBack,
    Pop,
    screen_pop,
)
from cti.scripting.scripts import Script, Scripts
from cti.store import CustomerStore


class LookUp:
    """Makes pops; ``history``, ``links`` and ``scripts`` are None where nothing is kept."""

    def __init__(
        self,
        live: LiveView,
        customers: CustomerStore,
        history: ContactHistory | None,
        links: Links | None,
        scripts: Scripts | None,
    ) -> None:
        self._live = live
        self._customers = customers
        self._history = history
        self._links = links
        self._scripts = scripts

    async def pop(self, call: LiveCall, agent: AgentId) -> Pop:
        """The pop for this agent; he sees the call in any case."""
        try:
            # All at once: the agent's phone rings already.
            known, templates, script, past, call_backs, before = await asyncio.gather(
                self._customers.matching(call.caller),
                self._templates(),
                self._script(call.queue),
                self._past(call.caller),
                self._call_backs(call.caller),
                self._before(call.contact),
            )
        except Unavailable:
            return screen_pop(
                call,
                live=self._live,
                customers=(),
                last_contacts=(),
                before=Before(),
                call_backs=(),
                links=(),
                script=None,
                looked_up=False,
            )
        return screen_pop(
            call,
            live=self._live,
            customers=known,
            last_contacts=past,
            before=before,
            call_backs=call_backs,
            links=links_of(call, templates, known, agent),
            script=script,
            looked_up=True,
        )

    async def _templates(self) -> Sequence[LinkTemplate]:
        return () if self._links is None else await self._links.templates()

    async def _script(self, queue: QueueId | None) -> Script | None:
        return None if self._scripts is None else await self._scripts.of(queue)

    async def _past(self, caller: str) -> Sequence[EarlierContact]:
        if self._history is None or not caller:
            return ()
        return await self._history.last_contacts(caller, LAST_CONTACTS)

    async def _call_backs(self, caller: str) -> Sequence[OpenCallBack]:
        return () if self._history is None or not caller else await self._history.call_backs(caller)

    async def _before(self, contact: ContactId) -> Before:
        return Before() if self._history is None else await self._history.before(contact)
