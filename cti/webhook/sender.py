"""Sends messages to the CRM: signed, in order for each contact, again after a failure, and given up in the end.

A receiver answers 2xx. Everything else (no connection in time, another status; redirects are not followed) is a
failure. What waits is bounded: a CRM that is away costs no call and no memory, only its messages.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore
import structlog

from ccplatform.contracts.facts import FactEvent
from ccplatform.kernel.clock import Clock, sleep
from ccplatform.security.addresses import Resolve, resolve
from ccplatform.security.guarded import GuardedBackend
from cti.model import LiveCall
from cti.settings import WebhookSettings
from cti.webhook.messages import Messages
from cti.webhook.signing import HEADER, signature

_log = structlog.get_logger("cti")

#: Messages that are under way at a time; those of one contact are always in the same lane, one after the other.
LANES: Final = 4
#: Most of an answer that is read, bytes: nothing in it matters.
MOST_READ: Final = 16_384

_LOST: Final = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)


class _Lane:
    """Messages that wait, and the signal that there are any."""

    def __init__(self, most: int) -> None:
        self.waiting: deque[dict[str, Any]] = deque()
        self.filled = asyncio.Event()
        self._most = most

    def put(self, message: dict[str, Any]) -> bool:
        """False: the oldest was given up for it."""
        full = len(self.waiting) >= self._most
        if full:
            self.waiting.popleft()
        self.waiting.append(message)
        self.filled.set()
        return not full

    async def take(self) -> dict[str, Any]:
        while not self.waiting:
            self.filled.clear()
            await self.filled.wait()
        return self.waiting.popleft()


class Webhook:
    """Follows the facts; ``sent`` and ``given_up`` count messages. ``resolver`` is replaced in tests."""

    def __init__(
        self,
        settings: WebhookSettings,
        *,
        secret: bytes,
        clock: Clock,
        calls: Callable[[], Iterable[LiveCall]],
        resolver: Resolve = resolve,
    ) -> None:
        self._settings = settings
        self._secret = secret
        self._clock = clock
        self._calls = calls
        self._messages = Messages(settings.queues)
        self._lanes = [_Lane(max(1, settings.waiting // LANES)) for _ in range(LANES)]
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=LANES,
            keepalive_expiry=30.0,
            network_backend=GuardedBackend(settings.networks, resolver),
        )
        self._host = urlsplit(settings.url).hostname
        self.sent = 0
        self.given_up = 0

    # --- following --------------------------------------------------------------------------------------

    def apply(self, event: FactEvent) -> None:
        """Follow the stream of facts."""
        message = self._messages.message(event)
        if message is None:
            return
        lane = self._lanes[zlib.crc32(str(message["contact"]).encode()) % LANES]
        if not lane.put(message):
            self.given_up += 1
            _log.warning("the webhook is too slow: a message is given up", host=self._host, given_up=self.given_up)

    def relinked(self) -> None:
        """Facts may have been missed."""
        self._messages.begin(self._calls())

    # --- sending ----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send what comes, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for lane in self._lanes:
                    group.create_task(self._send_of(lane))
        finally:
            await self._pool.aclose()

    async def _send_of(self, lane: _Lane) -> None:
        while True:
            message = await lane.take()
            if await self._delivered(message):
                self.sent += 1
            else:
                self.given_up += 1
                _log.warning(
                    "the webhook did not take a message",
                    host=self._host,
                    type=message["type"],
                    contact=message["contact"],
                    given_up=self.given_up,
                )

    async def _delivered(self, message: dict[str, Any]) -> bool:
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        pause = self._settings.pause_seconds
        for attempt in range(self._settings.attempts):
            if attempt:
                await sleep(self._clock, pause)
                pause *= 2
            if await self._taken(body):
                return True
        return False

    async def _taken(self, body: bytes) -> bool:
        at = int(self._clock.wall().timestamp())
        headers = [
            ("Content-Type", "application/json"),
            ("User-Agent", "ccplatform"),
            (HEADER, signature(self._secret, body, at)),
        ]
        limit = dict.fromkeys(("connect", "read", "write", "pool"), self._settings.timeout_seconds)
        try:
            async with (
                asyncio.timeout(self._settings.timeout_seconds),
                self._pool.stream(
                    "POST", self._settings.url, headers=headers, content=body, extensions={"timeout": limit}
                ) as response,
            ):
                read = 0
                async for piece in response.aiter_stream():
                    read += len(piece)
                    if read > MOST_READ:
                        break
                return 200 <= response.status < 300
        except (*_LOST, TimeoutError) as error:
            _log.info("the webhook cannot be reached", host=self._host, reason=str(error) or type(error).__name__)
            return False
