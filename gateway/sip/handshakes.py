"""Listeners of TLS and secure WebSocket: a peer is counted before it shakes hands, not after.

The listener of the event loop tells of a connection when its handshake is done: sockets that never shake hands
would be held, each for the whole patience, without counting towards any limit.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final

import structlog

from ccplatform.kernel.tasks import TaskSupervisor
from gateway.sip.connections import Connection, Connections
from gateway.sip.tls import TlsContexts

#: How long a peer may take to shake hands, seconds.
HANDSHAKE_SECONDS: Final = 5.0
#: How long a peer may take to say goodbye, seconds.
SHUTDOWN_SECONDS: Final = 5.0
#: Pause after the system had no socket to give, seconds.
_PAUSE_SECONDS: Final = 1.0

_log = structlog.get_logger("sip")


class SecureListener:
    """Accepts connections of one secure transport; nothing is read or sent in clear."""

    def __init__(
        self,
        *,
        kind: str,
        listener: socket.socket,
        contexts: TlsContexts,
        owner: Connections,
        tasks: TaskSupervisor,
    ) -> None:
        self._kind = kind
        self._listener = listener
        self._contexts = contexts
        self._owner = owner
        self._tasks = tasks
        self._name = f"sip {kind.lower()} listener {listener.getsockname()[1]}"

    def open(self) -> None:
        """Accept in the background."""
        self._tasks.keep_running(self._name, self._accept)

    async def close(self) -> None:
        """Accept no more."""
        await self._tasks.stop(self._name)
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, peer = await loop.sock_accept(self._listener)
            except OSError as error:  # too many open files, or a peer that left in the queue
                _log.warning("a connection could not be accepted", transport=self._kind, error=str(error))
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            connection = Connection(self._owner, self._kind)
            connection.flow = self._owner.admit(connection, peer[0], peer[1])
            if connection.flow is None:
                accepted.close()
                continue
            connection.shakes_hands(accepted)
            self._tasks.run_once(f"sip {self._kind.lower()} handshake", self._secure(connection, accepted))

    async def _secure(self, connection: Connection, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=self._contexts.server,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS,
            )
        except OSError as error:  # of TLS, of the network, or out of patience
            _log.debug("no TLS handshake", transport=self._kind, error=str(error))
            connection.connection_lost(error)
        except asyncio.CancelledError:
            connection.connection_lost(None)
            raise
