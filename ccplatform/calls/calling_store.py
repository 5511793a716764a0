"""The SQL of who may call which numbers."""

from __future__ import annotations

from ccplatform.calls.calling_rules import CallingRules, Permission
from ccplatform.calls.dial_plan import NumberClass
from ccplatform.contracts.words import DEFAULT_TENANT, TenantId
from ccplatform.storage.database import Database

_SAVE_CLASS = """
INSERT INTO number_classes (tenant, prefix, class) VALUES ($1, $2, $3)
ON CONFLICT (tenant, prefix) DO UPDATE SET class = excluded.class
"""
_SAVE_PERMISSION = """
INSERT INTO call_permissions (tenant, id, may, caller) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant, id) DO UPDATE SET may = excluded.may, caller = excluded.caller
"""


class CallingStore:
    """Classes and permissions in PostgreSQL; every method may raise Unavailable."""

    def __init__(self, *, database: Database, tenant: TenantId = DEFAULT_TENANT) -> None:
        self._database = database
        self._tenant = tenant

    async def rules(self) -> CallingRules:
        """What is stored."""
        return CallingRules(classes=await self.classes(), permissions=await self.permissions())

    async def begin_with(self, rules: CallingRules) -> None:
        """Store these where nothing is stored yet."""
        classes = [(self._tenant, prefix, kind.value) for prefix, kind in rules.classes.items()]
        async with self._database.transaction() as connection:
            await connection.execute("LOCK TABLE call_permissions IN EXCLUSIVE MODE")
            known = "SELECT EXISTS (SELECT FROM call_permissions WHERE tenant = $1)"
            if await connection.fetchval(known, self._tenant):
                return
            await connection.executemany(_SAVE_CLASS, classes)
            await connection.executemany(
                _SAVE_PERMISSION, [self._row(name, one) for name, one in rules.permissions.items()]
            )

    async def classes(self) -> dict[str, NumberClass]:
        """The classes by the beginnings of numbers."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT prefix, class FROM number_classes WHERE tenant = $1 ORDER BY prefix", self._tenant
            )
        return {row["prefix"]: NumberClass(row["class"]) for row in rows}

    async def save_class(self, prefix: str, kind: NumberClass) -> None:
        """Add or change a class."""
        async with self._database.connection() as connection:
            await connection.execute(_SAVE_CLASS, self._tenant, prefix, kind.value)

    async def remove_class(self, prefix: str) -> None:
        """Forget a class."""
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM number_classes WHERE tenant = $1 AND prefix = $2", self._tenant, prefix
            )

    async def permissions(self) -> dict[str, Permission]:
        """The permissions by group and agent."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT id, may, caller FROM call_permissions WHERE tenant = $1 ORDER BY id", self._tenant
            )
        return {
            row["id"]: Permission(
                may=None if row["may"] is None else tuple(NumberClass(kind) for kind in row["may"]),
                caller=row["caller"],
            )
            for row in rows
        }

    async def save_permission(self, name: str, permission: Permission) -> None:
        """Add or change a permission."""
        async with self._database.connection() as connection:
            await connection.execute(_SAVE_PERMISSION, *self._row(name, permission))

    async def remove_permission(self, name: str) -> None:
        """Forget a permission."""
        async with self._database.connection() as connection:
            await connection.execute(
                "DELETE FROM call_permissions WHERE tenant = $1 AND id = $2", self._tenant, name
            )

    def _row(self, name: str, permission: Permission) -> tuple[TenantId, str, list[str] | None, str]:
        may = None if permission.may is None else [kind.value for kind in permission.may]
        return self._tenant, name, may, permission.caller
