"""The control process's Unix socket: commands come in and are answered, facts go out.

Frames (:mod:`ccplatform.kernel.frames`), client first::

    → {"hello": {"protocol": "control", "version": 1}}
    ← {"hello": {"protocol": "control", "version": 1}}
    → {"subscribe": true}
    ← {"snapshot": {…live view…}, "epoch": …, "seq": …, "tail": [live facts not yet in the journal], "whole": true}
    ← {"event": {…}}                                   for every live fact after ``seq``
    → {"signalling": true}
    ← {"signalling": [[seconds, sent, transport, local, remote, contact, base64], …]}   as messages pass
    → {"command": {"id": 7, "body": {"type": "SetAgentState", …}}}
    ← {"answer": {"id": 7, "body": {"type": "Done", …}}}

While the database is away for long, the tail would be too long to be sent at once: then it is empty and ``whole``
is false, and the client links again when the journal has caught up. A client that does not read (more than
:data:`MAX_UNREAD_BYTES` waiting) is cut off; it comes back and gets a fresh snapshot.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import structlog

from ccplatform.contracts.commands import ANSWERS, COMMANDS, Answer, Command, Refused
from ccplatform.contracts.events import encode_event
from ccplatform.contracts.facts import FactEvent, is_live
from ccplatform.kernel.errors import NotFound, Refusal, RemoteViolation, Unavailable
from ccplatform.kernel.frames import FrameDecoder, encode_frame
from ccplatform.kernel.outbox import Outbox
from ccplatform.kernel.tasks import TaskSupervisor

_log = structlog.get_logger("link")

PROTOCOL = {"protocol": "control", "version": 1}
MAX_UNREAD_BYTES = 32 * 1024 * 1024
#: With more than this waiting, signalling is dropped: facts go first.
MAX_UNREAD_SIGNALLING_BYTES = 8 * 1024 * 1024
#: Longest tail, events: some tens of milliseconds to encode.
MAX_TAIL_EVENTS = 5_000
#: How long a fact waits for others before it is sent, seconds.
JOIN_SECONDS = 0.02


class LinkServer:
    """Serves the socket; is a subscriber of the fact stream by :meth:`publish`."""

    def __init__(
        self,
        *,
        path: Path,
        tasks: TaskSupervisor,
        execute: Callable[[Command], Awaitable[Answer]],
        snapshot: Callable[[], dict[str, Any]],
        position: Callable[[], tuple[str, int]],
        pending: Callable[[], Sequence[FactEvent]],
        on_clients: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._path = path
        self._tasks = tasks
        self._execute = execute
        self._snapshot = snapshot
        self._position = position
        self._pending = pending
        self._on_clients = on_clients
        self._subscribers: set[Outbox] = set()
        self._watchers: set[Outbox] = set()
        self.dropped_signalling = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; the socket is for the owner of the process alone."""
        self._path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, path=str(self._path))
        finally:
            os.umask(mask)

    async def close(self) -> None:
        """Stop listening and cut every client off."""
        if self._server is not None:
            self._server.close()
        for client in tuple(self._subscribers):
            client.close()

    def publish(self, event: FactEvent) -> None:
        """Send a live fact to every subscriber; never blocks."""
        if not self._subscribers or not is_live(event.fact):
            return
        frame = encode_frame({"event": encode_event(event)})
        for client in tuple(self._subscribers):
            if client.unread_bytes > MAX_UNREAD_BYTES:
                _log.warning("a client of the link does not read and is cut off")
                client.abort()  # its reader ends, and counts it out
            else:
                client.put(frame)

    def publish_signalling(self, rows: Sequence[Sequence[Any]]) -> None:
        """Send SIP messages to whoever watches them; dropped for those who do not keep up."""
        if not self._watchers:
            return
        frame = encode_frame({"signalling": rows})
        for client in self._watchers:
            if client.unread_bytes > MAX_UNREAD_SIGNALLING_BYTES:
                self.dropped_signalling += len(rows)
            else:
                client.put(frame)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder, client = FrameDecoder(), Outbox(writer, delay_seconds=JOIN_SECONDS)
        try:
            while data := await reader.read(65536):
                for message in decoder.feed(data):
                    self._take(message, client)
        except (RemoteViolation, ConnectionError) as error:
            _log.warning("link client dropped", reason=str(error))
        finally:
            self._watchers.discard(client)
            if client in self._subscribers:
                self._subscribers.discard(client)
                self._on_clients(len(self._subscribers))
            client.close()

    def _take(self, message: Any, client: Outbox) -> None:
        match message:
            case {"hello": {"protocol": "control", "version": 1}}:
                client.put(encode_frame({"hello": PROTOCOL}))
            case {"hello": other}:
                raise RemoteViolation(f"expected {PROTOCOL}, the client speaks {other}")
            case {"subscribe": True}:
                self._subscribe(client)
            case {"signalling": True}:
                self._watchers.add(client)
            case {"command": {"id": int(number), "body": dict(body)}}:
                self._tasks.run_once("command", self._answer(number, body, client))
            case _:
                raise RemoteViolation("unknown message on the control link")

    def _subscribe(self, client: Outbox) -> None:
        epoch, seq = self._position()
        pending = [event for event in self._pending() if is_live(event.fact)]
        whole = len(pending) <= MAX_TAIL_EVENTS
        tail = [encode_event(event) for event in pending] if whole else []
        place = {"epoch": epoch, "seq": seq, "tail": tail, "whole": whole}
        client.put(encode_frame({"snapshot": self._snapshot(), **place}))
        self._subscribers.add(client)
        self._on_clients(len(self._subscribers))

    async def _answer(self, number: int, body: dict[str, Any], client: Outbox) -> None:
        # What nobody expected goes on to the task supervisor, but whoever asked gets an answer.
        answer: Answer = Refused(code="internal_error", message="the command failed; control's log says why")
        try:
            answer = await self._execution(body)
        finally:
            client.put(encode_frame({"answer": {"id": number, "body": ANSWERS.encode(answer)}}))
            client.flush()  # somebody waits for it

    async def _execution(self, body: dict[str, Any]) -> Answer:
        try:
            return await self._execute(COMMANDS.decode(body))
        except Unavailable as error:
            return Refused(code="unavailable", message=str(error))
        except NotFound as error:
            return Refused(code="not_found", message=str(error))
        except Refusal as error:
            return Refused(code=error.code, message=str(error), where=error.where)
        except RemoteViolation as error:
            return Refused(code="bad_command", message=str(error))
