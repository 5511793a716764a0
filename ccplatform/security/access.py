"""Who may use a route: every route names the roles that may; ADMIN is not implicitly everything.

No ``from __future__ import annotations``: FastAPI reads local names here.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ccplatform.contracts.words import Role
from ccplatform.kernel.errors import LocalMisuse
from ccplatform.security.errors import NotAllowed, NotAuthenticated
from ccplatform.security.model import Principal, Session
from ccplatform.security.tokens import Tokens

__all__ = ["Access", "Principal", "Role"]

#: Reads the Authorization header.
bearer = HTTPBearer(auto_error=False, description="The access_token of POST auth/login")


class Access:
    """Turns tokens into principals, for routes and event sockets.

    In a ``routes.py`` without ``from __future__ import annotations`` (FastAPI could not see local names)::

        principal: Annotated[Principal, Depends(access.require(Role.SUPERVISOR, Role.ADMIN))]
    """

    def __init__(self, *, tokens: Tokens) -> None:
        self._tokens = tokens

    def require(self, *roles: Role, whole_centre: bool = False) -> Callable[..., Awaitable[Principal]]:
        """A FastAPI dependency: the principal, who has one of ``roles`` and has chosen his own password.

        ``whole_centre``: nor is he a supervisor of teams only, since what it does reaches beyond them.
        """
        if not roles:
            raise LocalMisuse("a route must name the roles that may use it")

        async def allowed(session: Annotated[Session, Depends(self.session)]) -> Principal:
            if session.must_change:
                raise NotAllowed("choose your own password first", code="password_change_required")
            if session.principal.roles.isdisjoint(roles):
                needed = " or ".join(sorted(roles))
                raise NotAllowed(f"this needs the role {needed}")
            if whole_centre and session.principal.only_teams is not None:
                raise NotAllowed("this is the whole centre's; you oversee teams")
            return session.principal

        return allowed

    async def session(
        self, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)] = None
    ) -> Session:
        """A FastAPI dependency: the log-in, whatever its roles; raises :class:`NotAuthenticated`."""
        if credentials is None:
            raise NotAuthenticated
        return await self._tokens.session(credentials.credentials)

    async def authenticate(self, token: str) -> Principal:
        """The principal of a token, for WebSockets; raises :class:`NotAuthenticated` or :class:`NotAllowed`."""
        session = await self._tokens.session(token)
        if session.must_change:
            raise NotAllowed("choose your own password first", code="password_change_required")
        return session.principal
