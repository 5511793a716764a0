"""HTTP services: one host each, asked for JSON, within bounds of time and size.

The host comes from the configuration; templates shape only path, query and body. Names are resolved here and the
connection goes to the address that was checked, so that no name server can lead into the operator's own network
(DNS rebinding). Redirects, proxies of the environment and compressed answers are not followed, asked or taken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import httpcore

from ccplatform.security.addresses import Resolve, resolve
from ccplatform.security.guarded import GuardedBackend
from ivr.errors import QueryFailed
from ivr.settings import RequestSettings, ServiceSettings
from ivr.sources.answers import parsed, text_at, value_at
from ivr.sources.templates import fields_of, path_of, query_of

#: What httpcore raises when a service cannot be asked.
_LOST: Final = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)

_HEADERS: Final = (("Accept", "application/json"), ("Accept-Encoding", "identity"), ("User-Agent", "ccplatform"))


class HttpService:
    """One service; ``resolver`` is replaced in tests."""

    def __init__(self, settings: ServiceSettings, *, resolver: Resolve = resolve) -> None:
        self._settings = settings
        url = urlsplit(settings.url)
        self._origin = f"{url.scheme}://{url.netloc}"
        self._path = url.path.rstrip("/")
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=settings.max_connections,
            keepalive_expiry=30.0,
            network_backend=GuardedBackend(settings.networks, resolver),
        )

    async def close(self) -> None:
        """Let its connections go."""
        await self._pool.aclose()

    async def ask(self, request: RequestSettings, values: Mapping[str, str]) -> dict[str, str] | None:
        """The values that the request's paths name; None: the service knows nothing of it. Raises QueryFailed."""
        status, body = await self._exchange(request, values)
        if status in request.missing_status:
            return None
        if not 200 <= status < 300:
            raise QueryFailed(f"the service answered {status}")
        document = parsed(body)
        if request.found and value_at(document, request.found) in (None, False, "", [], {}):
            return None
        return {name: text_at(document, path) for name, path in request.results.items()}

    async def _exchange(self, request: RequestSettings, values: Mapping[str, str]) -> tuple[int, bytes]:
        target = self._path + path_of(request.path, values)
        query = query_of(request.query, values)
        own = self._settings.headers.items()
        headers = [*_HEADERS, *((name, value.get_secret_value()) for name, value in own)]
        body = None
        if request.body:
            body = json.dumps(fields_of(request.body, values)).encode()
            headers.append(("Content-Type", "application/json"))
        limit = request.timeout_seconds
        try:
            async with self._pool.stream(
                request.method,
                f"{self._origin}{target}{'?' if query else ''}{query}",
                headers=headers,
                content=body,
                extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), limit)},
            ) as response:
                return response.status, await self._body(response)
        except _LOST as error:
            raise QueryFailed(f"the service cannot be asked: {error or type(error).__name__}") from error

    async def _body(self, response: httpcore.Response) -> bytes:
        coding = dict(response.headers).get(b"Content-Encoding", b"identity")
        if coding.lower() != b"identity":
            raise QueryFailed("the service compressed its answer without being asked to")
        body = bytearray()
        async for piece in response.aiter_stream():
            body += piece
            if len(body) > self._settings.max_bytes:
                raise QueryFailed(f"the answer is larger than {self._settings.max_bytes} bytes")
        return bytes(body)
