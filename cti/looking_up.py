"""What a screen pop needs is looked up here, and left out while the directory is away."""

from __future__ import annotations

from collections.abc import Sequence

from ccplatform.contracts.words import AgentId
from ccplatform.kernel.errors import Unavailable
from cti.linking.links import CrmLink, Links, links_of
from cti.live import LiveView
from cti.model import Customer, LiveCall
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
        known: Sequence[Customer] = ()
        past: Sequence[EarlierContact] = ()
        call_backs: Sequence[OpenCallBack] = ()
        links: Sequence[CrmLink] = ()
        script: Script | None = None
        before = Before()
        looked_up = True
        try:
            known = await self._customers.matching(call.caller)
            if self._links is not None:
                links = links_of(call, await self._links.templates(), known, agent)
            if self._scripts is not None:
                script = await self._scripts.of(call.queue)
            if self._history is not None and call.caller:
                past = await self._history.last_contacts(call.caller, LAST_CONTACTS)
                call_backs = await self._history.call_backs(call.caller)
            if self._history is not None:
                before = await self._history.before(call.contact)
        except Unavailable:
            looked_up = False
        return screen_pop(
            call,
            live=self._live,
            customers=known,
            last_contacts=past,
            before=before,
            call_backs=call_backs,
            links=links,
            script=script,
            looked_up=looked_up,
        )
