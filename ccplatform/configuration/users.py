"""Users as a kind of setting: what they may do, which agent they are, whom they oversee, whether they are locked.

Nobody changes his own roles or locks or removes himself: so one administrator always stays.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ccplatform.configuration.kind import Document, Kind
from ccplatform.contracts.words import AgentId, Role
from ccplatform.kernel.errors import Refusal
from ccplatform.security.model import User, check_pin, check_user_name
from ccplatform.security.users import UserAdministration

_Teams = list[Annotated[str, Field(min_length=1, max_length=64)]]
_Password = Annotated[str | None, Field(min_length=1, max_length=256, description="null: as it is")]
_Pin = Annotated[str | None, Field(max_length=12, description="null: as it is; empty: none")]


_Knows = Callable[[str], Awaitable[bool]]


class UserDocument(BaseModel):
    """A user. Whoever is given a password chooses his own at the next log-in."""

    model_config = ConfigDict(extra="forbid")

    roles: Annotated[list[Role], Field(min_length=1, max_length=len(Role))]
    agent: Annotated[str | None, Field(max_length=64, description="the agent (工号) that he is")] = None
    teams: _Teams = Field([], max_length=200, description="of a supervisor: whom he oversees; none: everybody")
    locked: bool = False
    password: _Password = None
    pin: _Pin = None


class UserItem(BaseModel):
    """A user, without his secrets."""

    id: str
    roles: list[Role]
    agent: str | None
    teams: list[str]
    locked: bool
    must_change: bool


class _Kept:
    """See :class:`~ccplatform.configuration.kind.Keeper`."""

    def __init__(self, users: UserAdministration, knows_agent: _Knows, knows_team: _Knows) -> None:
        self._users = users
        self._knows_agent = knows_agent
        self._knows_team = knows_team

    async def all(self) -> Mapping[str, Document]:
        return {user.name: _document(user) for user in await self._users.list_users()}

    async def one(self, name: str) -> Document | None:
        user = await self._users.find(name)
        return None if user is None else _document(user)

    async def save(self, name: str, document: Document, *, by: str, trial: bool) -> None:
        wanted, there = UserDocument.model_validate(document), await self._users.find(name)
        agent = AgentId(wanted.agent) if wanted.agent else None
        await self._check(name, wanted, there, by)
        if trial:
            return
        if there is None:
            await self._users.add(
                name,
                wanted.password or "",
                roles=wanted.roles,
                by=by,
                agent=agent,
                pin=wanted.pin or None,
                must_change=True,
                teams=wanted.teams,
            )
            if wanted.locked:
                await self._users.lock(name, by=by)
            return
        await self._users.change(name, roles=wanted.roles, agent=agent, teams=wanted.teams)
        if wanted.locked != there.locked:
            await self._users.lock(name, by=by, locked=wanted.locked)
        if wanted.password is not None:
            await self._users.set_password(name, wanted.password, by=by, must_change=True)
        if wanted.pin is not None:
            await self._users.set_pin(name, wanted.pin or None, by=by)

    async def remove(self, name: str, *, by: str) -> None:
        if name == by:
            raise _refused(name, "", "nobody removes himself")
        await self._users.remove(name)

    async def users(self, name: str) -> Sequence[str]:
        return []

    async def _check(self, name: str, wanted: UserDocument, there: User | None, by: str) -> None:
        _at("id", lambda: check_user_name(name))
        may = frozenset(wanted.roles), frozenset(wanted.teams)
        if name == by and there is not None and (wanted.locked or may != (there.roles, there.teams)):
            where = "locked" if wanted.locked else "roles" if may[0] != there.roles else "teams"
            raise _refused(name, where, "nobody changes what he himself may do")
        if there is None and wanted.password is None:
            raise _refused(name, "password", "a new user needs a password")
        if wanted.password is not None:
            password = wanted.password
            _at("password", lambda: self._users.check_password(password, name))
        if wanted.pin:
            pin = wanted.pin
            _at("pin", lambda: check_pin(pin))
        if wanted.agent and not await self._knows_agent(wanted.agent):
            raise _refused(name, "agent", f"there is no agent {wanted.agent}")
        if wanted.teams and Role.SUPERVISOR not in wanted.roles:
            raise _refused(name, "teams", "only supervisors have teams")
        for team in wanted.teams:
            if not await self._knows_team(team):
                raise _refused(name, "teams", f"there is no team {team}")
        other = await self._users.find_agent(AgentId(wanted.agent)) if wanted.agent else None
        if other is not None and other.name != name:
            raise _refused(name, "agent", f"user {other.name} is agent {wanted.agent}")


def user_kind(*, users: UserAdministration, knows_agent: _Knows, knows_team: _Knows) -> Kind:
    """``configuration/users``, for administrators."""
    return Kind(
        word="user",
        path="configuration/users",
        wanted=UserDocument,
        item=UserItem,
        keeper=_Kept(users, knows_agent, knows_team),
        readers=(Role.ADMIN, Role.AUDITOR),
        changers=(Role.ADMIN,),
        secrets=frozenset({"password", "pin"}),
    )


def _document(user: User) -> Document:
    return {
        "roles": sorted(user.roles),
        "agent": user.agent,
        "teams": sorted(user.teams),
        "locked": user.locked,
        "must_change": user.must_change,
    }


def _at(where: str, check: Callable[[], None]) -> None:
    try:
        check()
    except Refusal as error:
        raise Refusal(str(error), code=error.code, where=where) from error


def _refused(name: str, where: str, why: str) -> Refusal:
    return Refusal(f"user {name[:64]}: {why}", code="bad_user", where=where)
