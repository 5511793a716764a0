"""Builds the keeper of promised call-backs."""

from __future__ import annotations

from acd.callbacks.service import CallBackService
from acd.callbacks.store import CallBackStore
from ccplatform.app.foundation import Foundation
from ccplatform.app.settings import Settings
from ccplatform.calls.service import CallService
from ccplatform.calls.store import ContactStore
from ccplatform.contracts.ports import Facts


def call_back_store(ground: Foundation) -> CallBackStore:
    """Where promises are kept."""
    return CallBackStore(
        database=ground.database, vault=ground.vault, digest=ground.caller_digest, tenant=ground.tenant
    )


def build_call_backs(
    settings: Settings, ground: Foundation, *, facts: Facts, calls: CallService
) -> CallBackService:
    """Between the ACD, which is connected later, and `calls`."""
    contacts = ContactStore(ground.database, tenant=ground.tenant, digest=ground.caller_digest)
    return CallBackService(
        store=call_back_store(ground),
        facts=facts,
        clock=ground.clock,
        ids=ground.ids,
        tasks=ground.tasks,
        tell=calls.router_event,
        handled=contacts.handled,
        most=settings.acd.max_call_backs,
        retry_seconds=settings.acd.presence_retry_seconds,
    )
