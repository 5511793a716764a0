"""The HTTP server below the application: uvicorn, with limits on connections and on the time of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from ccplatform.app.settings import HttpSettings

#: How long a connection may stay without a whole request head, seconds.
HEAD_SECONDS = 10.0
#: Largest request head, bytes.
MAX_HEAD_BYTES = 32 * 1024


class PatientProtocol(H11Protocol):
    """Closes a connection that does not send a whole request head in time, the first one or a later one."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """A head begins, or became whole."""
        super().data_received(data)
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering or self.transport.get_protocol() is not self:  # the latter: it became a WebSocket
            self._wait_no_more()
        else:
            self._wait_for_head()

    def on_response_complete(self) -> None:
        """The next head may have begun behind the last request; if not, an idle connection may stay."""
        super().on_response_complete()
        if self.conn.trailing_data[0]:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The socket has limits of its own."""
        self._wait_no_more()
        super().handle_websocket_upgrade(event)

    def _wait_for_head(self) -> None:
        if self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def build_server(app: ASGIApp, http: HttpSettings) -> uvicorn.Server:
    """A server that is given its listening socket; nothing is opened yet. Raises CannotStart for bad TLS files."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=PatientProtocol,
            log_config=None,
            access_log=False,
            limit_concurrency=http.max_connections,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            ws_max_size=16 * 1024,
            ws_per_message_deflate=False,
            timeout_keep_alive=75,  # above what clients keep idle connections for, so that none is cut in use
            timeout_graceful_shutdown=3,
            server_header=False,
            **_tls(http),
        )
    )


def _tls(http: HttpSettings) -> Mapping[str, Any]:
    if http.tls_cert is None or http.tls_key is None:
        return {}
    return {"ssl_certfile": str(http.tls_cert), "ssl_keyfile": str(http.tls_key)}
