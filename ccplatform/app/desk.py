"""What a desk offers its agent to choose from, and who is told of his calls: joins other packages with `cti`."""

from __future__ import annotations

from collections.abc import Sequence

from acd.settings_store import SettingsStore
from ccplatform.app.foundation import Foundation
from ccplatform.contracts.commands import Setting
from ccplatform.contracts.words import QueueId
from ccplatform.security.vault import Vault
from cti.live import LiveView
from cti.noting.notes import Disposition
from cti.reasons import Reason
from cti.settings import WebhookSettings
from cti.webhook.sender import Webhook
from cti.webhook.signing import secret_context


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


def build_webhook(settings: WebhookSettings, ground: Foundation, live: LiveView) -> Webhook | None:
    """Who tells the operator's CRM of calls; None: nobody is to be told."""
    if not settings.url:
        return None
    secret = webhook_secret(ground.vault, settings.secret_number)
    return Webhook(settings, secret=secret.encode(), clock=ground.clock, calls=lambda: live.calls.values())


def webhook_secret(vault: Vault, number: int) -> str:
    """The secret that signs messages, as an operator enters it at the receiver: 64 hexadecimal digits."""
    return vault.derive(secret_context(number)).hex()
