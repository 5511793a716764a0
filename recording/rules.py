"""The rules of the policy that people keep on the pages: a kind of setting, in PostgreSQL.

Their order is total: by ``position``, then by name. The rules of the settings file come after them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from ccplatform.configuration.kind import Document, Kind
from ccplatform.contracts.commands import ReloadRecordingRules
from ccplatform.contracts.ports import Control
from ccplatform.contracts.words import DEFAULT_TENANT, Role, TenantId
from ccplatform.kernel.errors import Refusal
from ccplatform.operations.orders import tell
from ccplatform.storage.database import Database
from recording.model import Rule
from recording.settings import RuleBody, rule_of

READERS: Final = (Role.SUPERVISOR, Role.ADMIN, Role.AUDITOR)
CHANGERS: Final = (Role.ADMIN,)
#: Rules on the pages at most: each talk is held against all of them.
MAX_RULES: Final = 1000

#: Whether there is an item of that id.
Knows = Callable[[str], Awaitable[bool]]


class RuleDocument(RuleBody):
    """A rule, and where it stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    position: int = Field(1000, ge=1, le=10_000, description="The first rule about a talk decides.")


class RuleItem(RuleDocument):
    """The rule of that id."""

    id: str


class RuleStore:
    """Rules in PostgreSQL; every method may raise Unavailable."""

    def __init__(self, *, database: Database, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def documents(self) -> dict[str, dict[str, Any]]:
        """Every rule by its name."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT name, document FROM recording_rules WHERE tenant = $1 ORDER BY name", self._tenant
            )
        return {row["name"]: row["document"] for row in rows}

    async def rules(self) -> tuple[Rule, ...]:
        """All of them, as they are asked."""
        kept = [
            (document.position, name, rule_of(name, document))
            for name, plain in (await self.documents()).items()
            for document in [RuleDocument.model_validate(plain)]
        ]
        return tuple(rule for _, _, rule in sorted(kept, key=lambda one: one[:2]))

    async def save(self, name: str, document: RuleDocument) -> None:
        """Add or change one."""
        async with self._database.connection() as connection:
            await connection.execute(
                """
                INSERT INTO recording_rules (tenant, name, document) VALUES ($1, $2, $3)
                ON CONFLICT (tenant, name) DO UPDATE SET document = excluded.document
                """,
                self._tenant,
                name,
                document.model_dump(mode="json"),
            )

    async def remove(self, name: str) -> None:
        """Forget one."""
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM recording_rules WHERE tenant = $1 AND name = $2", self._tenant, name
            )

    async def naming(self, field: str, one: str) -> list[str]:
        """The rules that name a queue, an agent or a team."""
        found = await self.documents()
        return [f"recording_rule {name}" for name, document in found.items() if one in (document[field] or ())]


class _Keeper:
    """See :class:`~ccplatform.configuration.kind.Keeper`."""

    def __init__(
        self, store: RuleStore, control: Control, taken: frozenset[str], known: Mapping[str, Knows]
    ) -> None:
        self._store = store
        self._control = control
        self._taken = taken
        self._known = known

    async def all(self) -> Mapping[str, Document]:
        return await self._store.documents()

    async def one(self, name: str) -> Document | None:
        return (await self.all()).get(name)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        wanted = RuleDocument.model_validate(document)
        if name in self._taken:
            raise _refused(name, "id", "a rule of the settings file has this name")
        there = await self._store.documents()
        if name not in there and len(there) >= MAX_RULES:
            raise _refused(name, "id", f"there are {MAX_RULES} rules already")
        for field, knows in self._known.items():
            for one in getattr(wanted, field) or ():
                if not await knows(one):
                    raise _refused(name, field, f"there is no {one[:64]!r}")
        if not trial:
            await self._store.save(name, wanted)
            await tell(self._control, ReloadRecordingRules(by=by))

    async def remove(self, name: str, *, by: str) -> None:
        await self._store.remove(name)
        await tell(self._control, ReloadRecordingRules(by=by))

    async def users(self, name: str) -> Sequence[str]:
        return []


def rule_kind(*, store: RuleStore, control: Control, taken: frozenset[str], known: Mapping[str, Knows]) -> Kind:
    """``configuration/recording-rules``.

    ``taken``: names of the settings file's rules; ``known`` tells of each of the fields ``queues``, ``agents`` and
    ``teams`` whether there is somebody or something of that id.
    """
    item: type[BaseModel] = RuleItem
    return Kind(
        word="recording_rule",
        path="configuration/recording-rules",
        wanted=RuleDocument,
        item=item,
        keeper=_Keeper(store, control, taken, known),
        readers=READERS,
        changers=CHANGERS,
    )


def _refused(name: str, where: str, why: str) -> Refusal:
    return Refusal(f"recording rule {name[:64]}: {why}", code="bad_recording_rule", where=where)
