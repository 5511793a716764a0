"""What a request may be: the size of its body and the time it takes. Adds the security headers to every answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccplatform.app.content_policy import PhoneServer, content_policy

#: How long a request's body may take to arrive, seconds.
BODY_SECONDS = 10.0
#: How much of a refused body is still read, and for how long: who sends on while the connection closes may never
#: see the answer (RFC 9112 section 9.6).
REST_BYTES = 4 << 20
REST_SECONDS = 2.0

_CLOSE = {"Connection": "close"}
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: Pages of a library, which the policy would break.
_DOCS = ("/docs",)


@dataclass(frozen=True, slots=True, kw_only=True)
class LargeBody:
    """Requests whose bodies may be larger, and take longer: those of a method whose path matches wholly."""

    method: str
    path: re.Pattern[str]
    max_bytes: int
    seconds: float


class RequestLimits:
    """ASGI middleware. A body that is too large or too slow raises an HTTPException where it is read."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        large_bodies: Sequence[LargeBody] = (),
        phone: PhoneServer = lambda host: None,
    ) -> None:
        self._app = app
        self._phone = phone
        self._max_body_bytes = max_body_bytes
        self._large_bodies = tuple(large_bodies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit, seconds = self._max_body_bytes, BODY_SECONDS
        for large in self._large_bodies:
            if scope["method"] == large.method and large.path.fullmatch(scope["path"]):
                limit, seconds = max(limit, large.max_bytes), large.seconds
        asked = Headers(scope=scope)
        body = _Body(receive, asked, limit, seconds)
        protected = not scope["path"].startswith(_DOCS)

        async def answer(message: Message) -> None:
            if protected and message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                policy = content_policy(asked.get("host", ""), self._phone)
                headers.setdefault("Content-Security-Policy", policy)
            if body.refused and message["type"] == "http.response.body" and not message.get("more_body", False):
                await body.read_rest()
            await send(message)

        await self._app(scope, body.receive, answer)


class _Body:
    def __init__(self, receive: Receive, headers: Headers, limit: int, seconds: float) -> None:
        self.refused = False
        self._receive = receive
        self._declared = headers.get("content-length")
        self._waits = "expect" in headers  # whoever waits to be asked for his body has sent none
        self._limit = limit
        self._bytes = 0
        self._whole = False
        self._seconds = seconds
        self._give_up_at = asyncio.get_running_loop().time() + seconds

    async def receive(self) -> Message:
        """The next message; the end of a request may be waited for as long as its answer takes."""
        if self._whole:
            return await self._receive()
        if self._declared is not None and (not self._declared.isdigit() or int(self._declared) > self._limit):
            raise self._too_large()
        try:
            async with asyncio.timeout_at(self._give_up_at):
                message = await self._receive()
        except TimeoutError:
            detail = f"the body did not arrive within {self._seconds:g} s"
            raise HTTPException(408, detail, headers=_CLOSE) from None
        self._bytes += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._bytes > self._limit:
            raise self._too_large()
        return message

    async def read_rest(self) -> None:
        """Read what is still coming of a refused body, within limits."""
        left = 0 if self._whole or self._waits else REST_BYTES
        try:
            async with asyncio.timeout(REST_SECONDS):
                while left > 0:
                    message = await self._receive()
                    left = left - len(message.get("body", b"")) if message.get("more_body", False) else 0
        except TimeoutError:
            return

    def _too_large(self) -> HTTPException:
        self.refused = True
        return HTTPException(413, f"a request body has at most {self._limit} bytes", headers=_CLOSE)
