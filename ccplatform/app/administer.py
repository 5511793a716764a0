"""The administration commands: each opens the database, does one thing and returns what to say."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from ccplatform.app.desk import webhook_secret
from ccplatform.app.foundation import Foundation, dsn_of, lay_foundation
from ccplatform.app.places import Places, places_of
from ccplatform.app.settings import Settings
from ccplatform.contracts.words import AgentId, Role
from ccplatform.operations import backup as dumps
from ccplatform.security.users import UserAdministration
from ccplatform.security.vault import load_vault
from ccplatform.storage.embedded import EmbeddedPostgres
from ccplatform.storage.migrate import migrate as apply_migrations

T = TypeVar("T")

#: How long a command waits for the database, seconds.
PATIENCE_SECONDS = 5.0
#: Who the audit names for what is done at the command line.
BY = "command line"


def migrate(settings: Settings) -> str:
    """Apply what is missing."""

    async def work(ground: Foundation) -> str:
        applied = await apply_migrations(ground.database)
        return "applied: " + ", ".join(applied) if applied else "the database is up to date"

    return with_database(settings, work)


def show_webhook_secret(settings: Settings) -> str:
    """The secret of the number that is configured."""
    vault = load_vault(places_of(settings.node.data_dir).root)
    return webhook_secret(vault, settings.cti.webhook.secret_number)


def backup(settings: Settings, file: Path) -> str:
    """Dump the whole database."""
    size = _with_server(settings, lambda dsn: dumps.backup(dsn, file))
    return f"{file}: {size} bytes. Keep the master key elsewhere: without it sealed data cannot be read."


def restore(settings: Settings, file: Path) -> str:
    """Replace the whole database; the platform must not be running."""
    places = places_of(settings.node.data_dir)
    places.prepare()
    lock = places.lock()
    try:
        _with_server(settings, lambda dsn: dumps.restore(dsn, file))
    finally:
        os.close(lock)
    return f"restored from {file}"


def add_user(settings: Settings, name: str, roles: list[Role], password: str, agent: str | None) -> str:
    """Add a user."""

    async def work(ground: Foundation) -> str:
        await apply_migrations(ground.database)
        number = AgentId(agent) if agent else None
        await _users(ground).add(name, password, roles=roles, by=BY, agent=number)
        return f"user {name} added"

    return with_database(settings, work)


def set_password(settings: Settings, name: str, password: str) -> str:
    """Set a user's password."""

    async def work(ground: Foundation) -> str:
        await apply_migrations(ground.database)
        await _users(ground).set_password(name, password, by=BY)
        return f"the password of {name} is set"

    return with_database(settings, work)


def lock_user(settings: Settings, name: str) -> str:
    """Lock a user out."""

    async def work(ground: Foundation) -> str:
        await apply_migrations(ground.database)
        await _users(ground).lock(name, by=BY)
        return f"user {name} is locked"

    return with_database(settings, work)


def _users(ground: Foundation) -> UserAdministration:
    return UserAdministration(
        users=ground.users, passwords=ground.passwords, audit=ground.audit, clock=ground.clock
    )


def with_database(settings: Settings, work: Callable[[Foundation], Awaitable[str]]) -> str:
    """What to say once the work is done on a database that runs already, or is started for it."""
    places = places_of(settings.node.data_dir)
    return _with_server(settings, lambda _: _work(settings, places, work))


def _with_server(settings: Settings, work: Callable[[str], Coroutine[Any, Any, T]]) -> T:
    """Do the work, which is given the DSN, while a server runs there."""
    places = places_of(settings.node.data_dir)
    places.prepare()
    embedded = _embedded(settings, places)
    try:
        return asyncio.run(work(dsn_of(settings, places)))
    finally:
        if embedded is not None:
            embedded.stop()


def _embedded(settings: Settings, places: Places) -> EmbeddedPostgres | None:
    """Start the embedded server unless it runs already (then it is not ours to stop)."""
    if settings.database.url:
        return None
    server = EmbeddedPostgres(places.postgres)
    if server.is_running():
        return None
    server.start()
    return server


async def _work(settings: Settings, places: Places, work: Callable[[Foundation], Awaitable[str]]) -> str:
    ground = await lay_foundation(settings, places, patience_seconds=PATIENCE_SECONDS)
    try:
        return await work(ground)
    finally:
        await ground.tasks.close()
        await ground.database.close()
