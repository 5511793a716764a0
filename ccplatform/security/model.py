"""The words of the security package."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from ccplatform.contracts.words import AgentId, Role
from ccplatform.kernel.errors import Refusal

#: What a user may be called.
_USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_PIN = re.compile(r"\d{4,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: a user, what he may do, and the agent (工号) he is, if any.

    As a supervisor he oversees the agents of ``teams``, or of all of them if there are none.
    """

    user: str
    roles: frozenset[Role]
    agent: AgentId | None
    teams: frozenset[str] = frozenset()

    @property
    def only_teams(self) -> frozenset[str] | None:
        """The teams that he sees and directs nothing beyond: of whom is a supervisor of teams and no more than
        that and an agent. None: the whole centre."""
        narrow = self.teams and Role.SUPERVISOR in self.roles and self.roles <= {Role.SUPERVISOR, Role.AGENT}
        return self.teams if narrow else None


#: The agents whose doings somebody may see, himself among them; None: everybody's.
Overseen: TypeAlias = Callable[[Principal], frozenset[AgentId] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A stored user. ``must_change``: the password was given to him and he has to choose his own first."""

    name: str
    password_hash: str
    roles: frozenset[Role]
    agent: AgentId | None = None
    pin_hash: str | None = None
    locked: bool = False
    must_change: bool = False
    teams: frozenset[str] = frozenset()

    @property
    def principal(self) -> Principal:
        """The user as one who asks."""
        return Principal(user=self.name, roles=self.roles, agent=self.agent, teams=self.teams)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A log-in: its user as of the last look, and its end."""

    principal: Principal
    must_change: bool
    expires_at: datetime


def check_user_name(name: str) -> None:
    """Raise :class:`Refusal` if nobody may be called so."""
    if not _USER_NAME.fullmatch(name):
        raise Refusal(f"user name {name!r}: use up to 64 letters, digits and . _ @ -", code="bad_user_name")


def check_pin(pin: str) -> None:
    """Raise :class:`Refusal` if it cannot be keyed in as a PIN."""
    if not _PIN.fullmatch(pin):
        raise Refusal("a PIN has 4 to 12 digits", code="bad_pin")
