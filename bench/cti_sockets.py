"""Events to a thousand pages: ``python -m bench.cti_sockets [--sockets 1000] [--events 200] [--rate 5]``.

So many event sockets are open, of a supervisor (who gets every number) and agents in turn, over real WebSockets
of the demo centre, not compressed; an agent goes ready and not ready. Measured: from the time of each event to
its arrival at each socket, and the CPU of the web process meanwhile. The sockets are read in this process,
which shares the CPUs: figures are upper bounds.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Final

import httpx

from bench.figures import conditions, distribution, percentile, show, single, write_json
from tests.e2e.centre import Centre, unused_numbers
from tests.support.platform import PlatformProcess

FANOUT_GOAL_MS: Final = 100.0
_PING, _PONG = 0x9, 0xA
_EVENT: Final = b'{"type":"event","seq":'
_USERS: Final = ("sup1", "1001", "1002", "1003", "1004", "1005")
#: Opened at a time: a socket that did not log in yet counts for a limit of its own.
_AT_ONCE: Final = 50


class Came:
    """When each event happened, and how long after that it was at each socket, seconds."""

    def __init__(self) -> None:
        self._at: dict[bytes, float] = {}
        self.took: list[float] = []

    @property
    def events(self) -> int:
        return len(self._at)

    def note(self, frame: bytes, now: float) -> None:
        """Number and time stand at the beginning: nothing else is read of a message."""
        head = frame[len(_EVENT) : len(_EVENT) + 60]
        seq, _, rest = head.partition(b',"at":"')
        if seq not in self._at:
            self._at[seq] = datetime.fromisoformat(rest.partition(b'"')[0].decode()).timestamp()
        self.took.append(now - self._at[seq])


class Socket:
    """One page: logs in, then notes when each event with a number came."""

    def __init__(self, came: Came) -> None:
        self._came = came
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, port: int, token: str) -> asyncio.StreamReader:
        """Connected, logged in and live."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(os.urandom(16)).decode()
        self._writer.write(
            f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head, head
        text = json.dumps({"type": "authenticate", "token": token}).encode()
        self._writer.write(_masked(text))
        while json.loads((await _frame(reader))[1])["type"] != "heartbeat":
            pass
        return reader

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Until cancelled. The number stands near the beginning: nothing else is read of a message."""
        while True:
            opcode, frame = await _frame(reader)
            now = time.time()
            if opcode == _PING and self._writer is not None:
                self._writer.write(bytes([0x80 | _PONG, 0x80 | len(frame)]) + b"\0\0\0\0" + frame)
            elif frame.startswith(_EVENT):
                self._came.note(frame, now)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()


def _masked(payload: bytes) -> bytes:
    mask = os.urandom(4)
    body = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    return bytes([0x81, 0x80 | 126]) + len(payload).to_bytes(2, "big") + mask + body


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The next frame (RFC 6455 section 5.2), opcode and payload: unmasked and whole, as the server sends it."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    payload = await reader.readexactly(size)
    return first & 0x0F, payload


async def tokens_of(client: httpx.AsyncClient) -> list[str]:
    """Tokens of a supervisor and of agents of the demo centre."""
    accounts = [{"username": user, "password": f"demo-{user}"} for user in _USERS]
    answers = [await client.post("/api/v1/auth/login", json=account) for account in accounts]
    return [answer.json()["access_token"] for answer in answers]


async def run(options: argparse.Namespace) -> int:
    """Open the sockets, change states, wait until all is there; 0 when nothing was lost."""
    facts = conditions()
    came = Came()
    sockets = [Socket(came) for _ in range(options.sockets)]
    limits = {"CCP_CTI__EVENTS__SOCKETS_PER_USER": "1000"}
    with tempfile.TemporaryDirectory(prefix="bench-sockets-") as folder:
        platform = PlatformProcess(Path(folder) / "data", environment=limits)
        platform.start()
        try:
            async with httpx.AsyncClient(base_url=platform.http, timeout=15.0) as client:
                centre = Centre(platform, {}, unused_numbers(), client)
                tokens = await tokens_of(client)
                readers: list[asyncio.StreamReader] = []
                for first in range(0, len(sockets), _AT_ONCE):
                    some = list(enumerate(sockets))[first : first + _AT_ONCE]
                    readers += await asyncio.gather(
                        *(socket.open(platform.http_port, tokens[place % len(tokens)]) for place, socket in some)
                    )
                tasks = [
                    asyncio.ensure_future(socket.listen(reader))
                    for socket, reader in zip(sockets, readers, strict=True)
                ]
                await centre.set_state("1001", "not_ready", seat="seat-01")
                await asyncio.sleep(1.0)
                before, begun, cpu = len(came.took), time.monotonic(), platform.cpu_seconds("web")
                for number in range(options.events):
                    await centre.set_state("1001", "ready" if number % 2 == 0 else "not_ready")
                    await asyncio.sleep(max(0.0, begun + (number + 1) / options.rate - time.monotonic()))
                lasted, cpu = time.monotonic() - begun, platform.cpu_seconds("web") - cpu
                await asyncio.sleep(1.0)
                for task in tasks:
                    task.cancel()
                ends = await asyncio.gather(*tasks, return_exceptions=True)
                broken = sum(not isinstance(end, asyncio.CancelledError) for end in ends)
                for socket in sockets:
                    socket.close()
        finally:
            platform.stop()
    took = sorted(came.took[before:])
    whole = options.events * options.sockets
    tail = sorted(value * 1000 for value in took)
    figures = [
        distribution(f"event → at {options.sockets} sockets", took, note=f"{len(took)} of {whole} messages"),
        single("… p99", percentile(tail, 0.99), "ms", goal=FANOUT_GOAL_MS),
        single("CPU of the web process", 100 * cpu / lasted, "% of a core", note=f"{options.rate:g} events/s"),
        single("… for each message", 1e6 * cpu / len(took), "µs"),
    ]
    problems = [f"{broken} sockets broke"] if broken else []
    problems += [f"{whole - len(took)} messages are missing"] if len(took) < whole else []
    found = [figure for figure in figures if figure is not None]
    show("Events to many pages", found, facts, problems)
    if options.json:
        write_json(options.json, found, facts)
    return 1 if problems else 0


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--rate", type=float, default=5.0)
    parser.add_argument("--json", type=Path, default=None)
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
