"""The links of one pop: which there are for its queue, filled with what is known of the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ccplatform.contracts.words import AgentId, QueueId
from cti.documents import DeskDocuments
from cti.linking.templates import filled, names
from cti.model import Customer, LiveCall


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTemplate:
    """A configured link; without queues it is for all."""

    name: str
    url: str
    queues: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmLink:
    """An address that a pop offers; ``account`` the customer whom it is about, '' when it is about the call."""

    name: str
    url: str
    account: str


class Links:
    """Where they are configured; raises Unavailable."""

    def __init__(self, documents: DeskDocuments) -> None:
        self._documents = documents

    async def templates(self) -> Sequence[LinkTemplate]:
        """All of them, in their order."""
        rows = sorted(
            (document["position"], document["name"], document["url"], tuple(document["queues"]))
            for document in (await self._documents.documents()).values()
        )
        return [LinkTemplate(name=name, url=url, queues=queues) for _, name, url, queues in rows]


def links_of(
    call: LiveCall, templates: Sequence[LinkTemplate], customers: Sequence[Customer], agent: AgentId
) -> tuple[CrmLink, ...]:
    """One for each link of the call's queue; of those that name an account, one for each customer."""
    values = {
        "caller": call.caller,
        "name": call.caller_name,
        "dialled": call.dialled,
        "queue": call.queue or QueueId(""),
        "agent": agent,
        "contact": call.contact,
        "call": call.id,
    }
    links = []
    for template in templates:
        if template.queues and call.queue not in template.queues:
            continue
        accounts = [one.account for one in customers] if names(template.url, "account") else [""]
        links += [
            CrmLink(name=template.name, url=filled(template.url, {**values, "account": account}), account=account)
            for account in accounts
        ]
    return tuple(links)
