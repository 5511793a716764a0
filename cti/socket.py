"""The WebSocket ``/api/v1/events``: authentication inside the socket, then snapshot and numbered events.

The protocol is told in ``docs/events.md``; the messages are models of :mod:`cti.schema`. A token never stands in
the URL, where logs and proxies would keep it.
"""

# No ``from __future__ import annotations`` here: FastAPI reads the annotations of the functions inside.

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from ccplatform.contracts.words import Role
from ccplatform.kernel.clock import Clock, TimerHandle
from ccplatform.kernel.errors import Unavailable
from ccplatform.security.access import Access
from ccplatform.security.errors import NotAllowed, NotAuthenticated
from ccplatform.security.model import Principal
from cti.errors import CloseCode, SocketViolation
from cti.events import Hub, Outbox
from cti.flood import FloodGate
from cti.permissions import VIEWERS, sees_numbers
from cti.schema import Authenticate, EventProtocol
from cti.settings import EventSocketSettings
from cti.viewers import Viewer

_log = structlog.get_logger("cti.socket")

#: How long a close frame may take to leave, seconds; a client that does not read is cut off.
CLOSE_SECONDS = 2.0


class _Ended(Exception):
    """The connection is over; ``code`` is what to tell the client, None when he is gone already."""

    def __init__(self, code: CloseCode | None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class EventSockets:
    """Every open event socket of the web process, and the limits they share."""

    def __init__(self, *, access: Access, hub: Hub, clock: Clock, settings: EventSocketSettings) -> None:
        self.access = access
        self.hub = hub
        self.clock = clock
        self.settings = settings
        self.waiting = 0
        self._of_user: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """Authenticated sockets."""
        return self._of_user.total()

    async def serve(self, websocket: WebSocket) -> None:
        """Carry one connection from its handshake to its end."""
        if not self._origin_allowed(websocket):
            _log.warning("event socket from a foreign origin", origin=websocket.headers.get("origin", "")[:200])
            await websocket.close(CloseCode.FORBIDDEN)
            return
        if self.waiting >= self.settings.max_waiting:
            await websocket.close(CloseCode.TOO_MANY_SOCKETS)
            return
        await _Connection(self, websocket).run()

    def admit(self, user: str) -> None:
        """Count a socket of ``user`` in; raises :class:`SocketViolation` when there are too many."""
        if self.open >= self.settings.max_sockets or self._of_user[user] >= self.settings.sockets_per_user:
            raise SocketViolation(CloseCode.TOO_MANY_SOCKETS, "too many event sockets are open")
        self._of_user[user] += 1

    def dismiss(self, user: str) -> None:
        """Count a socket of ``user`` out."""
        self._of_user[user] -= 1
        if not self._of_user[user]:
            del self._of_user[user]

    def _origin_allowed(self, websocket: WebSocket) -> bool:
        """Browsers always send Origin (RFC 6455 section 10.2); programs need not."""
        origin = websocket.headers.get("origin")
        if origin is None or origin in self.settings.allowed_origins:
            return True
        parts = urlsplit(origin)
        return parts.scheme in ("http", "https") and parts.netloc == websocket.headers.get("host")


class _Connection:
    """One client: reads, writes and renews in a task group that ends as a whole."""

    def __init__(self, sockets: EventSockets, websocket: WebSocket) -> None:
        self._sockets = sockets
        self._settings = sockets.settings
        self._clock = sockets.clock
        self._websocket = websocket
        self._outbox: Outbox | None = None
        self._principal: Principal | None = None
        self._token = ""
        self._gate = FloodGate(rate=self._settings.messages_per_second, clock=self._clock)
        self._joined = asyncio.Event()
        self._recheck_due = asyncio.Event()
        self._timed_out = asyncio.Event()
        self._timer: TimerHandle | None = None

    async def run(self) -> None:
        ended = _Ended(None)
        self._sockets.waiting += 1
        try:
            await self._websocket.accept()
            self._set_timer(self._settings.authentication_seconds, self._timed_out.set)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(), name="events-read")
                group.create_task(self._write(), name="events-write")
                group.create_task(self._watch_outbox(), name="events-outbox")
                group.create_task(self._recheck(), name="events-recheck")
                group.create_task(self._watch_authentication(), name="events-authentication")
        except* _Ended as endings:
            ended = _first(endings)
        finally:
            self._leave()
        if ended.code is not None:
            await self._close(ended)

    # --- the tasks ----------------------------------------------------------------------------------------

    async def _read(self) -> NoReturn:
        while True:
            try:
                await self._handle(await self._receive())
            except SocketViolation as violation:
                raise _Ended(violation.code, str(violation)) from violation
            except WebSocketDisconnect:
                raise _Ended(None) from None

    async def _write(self) -> NoReturn:
        outbox = await self._joined_outbox()
        try:
            while True:
                await self._websocket.send_text(await outbox.get())
        except WebSocketDisconnect:
            raise _Ended(None) from None

    async def _watch_outbox(self) -> NoReturn:
        """The hub may end the connection while the writer is stuck at a client that does not read."""
        outbox = await self._joined_outbox()
        await outbox.closing.wait()
        raise _Ended(outbox.code)

    async def _joined_outbox(self) -> Outbox:
        await self._joined.wait()
        assert self._outbox is not None
        return self._outbox

    async def _watch_authentication(self) -> None:
        await self._timed_out.wait()
        if self._principal is None:
            raise _Ended(CloseCode.AUTHENTICATION_TIMEOUT, "no authenticate message came in time")

    async def _recheck(self) -> NoReturn:
        """A socket must not outlive its token: sign-out, a lock or the end of its time close it."""
        while True:
            await self._recheck_due.wait()
            self._recheck_due.clear()
            with suppress(Unavailable):  # storage away: nothing says that the token is bad
                await self._check_token(self._token)
            self._arm_recheck()

    # --- messages -----------------------------------------------------------------------------------------

    async def _receive(self) -> str:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        self._gate.pass_one()
        text = message.get("text")
        if text is None:
            raise SocketViolation(CloseCode.BAD_MESSAGE, "binary messages are not part of the protocol")
        if len(text) > self._settings.message_bytes or len(text.encode()) > self._settings.message_bytes:
            raise SocketViolation(CloseCode.MESSAGE_TOO_LARGE, "message too large")
        return str(text)

    async def _handle(self, text: str) -> None:
        try:
            message = Authenticate.model_validate_json(text)
        except ValidationError as error:
            raise SocketViolation(CloseCode.BAD_MESSAGE, "not an authenticate message") from error
        try:
            principal = await self._check_token(message.token)
        except Unavailable as error:
            raise SocketViolation(CloseCode.UNAVAILABLE, "log-ins cannot be checked now") from error
        self._token = message.token
        if self._principal is None:
            self._join(principal, message)

    async def _check_token(self, token: str) -> Principal:
        try:
            principal = await self._sockets.access.authenticate(token)
        except NotAuthenticated as error:
            raise _Ended(CloseCode.NOT_AUTHENTICATED, "the token is not valid") from error
        except NotAllowed as error:
            raise _Ended(CloseCode.FORBIDDEN, str(error)) from error
        if self._principal is not None and principal != self._principal:
            raise _Ended(CloseCode.NOT_AUTHENTICATED, "the token is somebody else's, or his rights have changed")
        return principal

    def _join(self, principal: Principal, message: Authenticate) -> None:
        if not principal.roles & set(VIEWERS):
            raise SocketViolation(CloseCode.FORBIDDEN, "no role of yours may see live events")
        self._sockets.admit(principal.user)
        self._principal = principal
        self._sockets.waiting -= 1
        self._outbox = Outbox(viewer=viewer_of(principal), limit=self._settings.queue_messages)
        self._sockets.hub.join(self._outbox, message.resume)
        self._arm_recheck()
        self._joined.set()

    # --- begin and end ------------------------------------------------------------------------------------

    def _arm_recheck(self) -> None:
        self._set_timer(self._settings.recheck_seconds, self._recheck_due.set)

    def _set_timer(self, seconds: float, action: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_at(self._clock.now() + seconds, action)

    def _leave(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._principal is None:
            self._sockets.waiting -= 1
        else:
            self._sockets.dismiss(self._principal.user)
        if self._outbox is not None:
            self._sockets.hub.leave(self._outbox)

    async def _close(self, ended: _Ended) -> None:
        assert ended.code is not None
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):  # RuntimeError: closed from the other side
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._websocket.close(ended.code, ended.reason or ended.code.name.lower())


def viewer_of(principal: Principal) -> Viewer:
    """How much a person sees: agents their own calls' numbers and what changes the view, supervisors of teams what
    concerns those, the others everything."""
    return Viewer(
        clear=sees_numbers(principal),
        own=principal.agent if Role.AGENT in principal.roles else None,
        everything=bool(principal.roles - {Role.AGENT}),
        teams=principal.only_teams,
    )


def build_event_router(*, access: Access, sockets: EventSockets) -> APIRouter:
    """The WebSocket route, and what a plain GET at its path is told."""
    router = APIRouter(tags=["events"])

    @router.websocket("/events")
    async def events(websocket: WebSocket) -> None:
        await sockets.serve(websocket)

    @router.get(
        "/events",
        status_code=426,
        responses={
            "default": {
                "model": EventProtocol,
                "description": "No answer to a GET: the messages of the WebSocket (docs/events.md).",
            }
        },
    )
    async def upgrade_required(principal: Annotated[Principal, Depends(access.require(*VIEWERS))]) -> JSONResponse:
        """Live events come over a WebSocket at this path; a plain GET is answered 426."""
        problem = {
            "type": "about:blank",
            "title": "Upgrade Required",
            "status": 426,
            "code": "upgrade_required",
            "detail": "live events come over a WebSocket at this path",
        }
        return JSONResponse(
            problem, status_code=426, headers={"Upgrade": "websocket"}, media_type="application/problem+json"
        )

    return router


def _first(endings: BaseExceptionGroup[_Ended]) -> _Ended:
    """The ending to report: tasks may end together, one that tells the client why is preferred."""
    leaves = _leaves(endings)
    return next((leaf for leaf in leaves if leaf.code is not None), leaves[0])


def _leaves(group: BaseExceptionGroup[_Ended]) -> list[_Ended]:
    leaves: list[_Ended] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves
