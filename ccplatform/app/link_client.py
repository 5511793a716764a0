"""The web process's end of the control link: asks commands, receives the snapshot and the numbered facts."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from ccplatform.app.link_server import PROTOCOL
from ccplatform.contracts.commands import ANSWERS, COMMANDS, Answer, Command
from ccplatform.contracts.events import decode_event
from ccplatform.contracts.facts import FactEvent
from ccplatform.kernel.errors import RemoteViolation, Unavailable
from ccplatform.kernel.frames import FrameDecoder, encode_frame

_log = structlog.get_logger("link")

#: How long a command may take, seconds.
ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The live state at ``seq`` of ``epoch``; ``tail``: facts that the journal does not hold yet.

    Not ``whole``: they were too many to be sent.
    """

    live: dict[str, Any]
    epoch: str
    seq: int
    tail: tuple[FactEvent, ...]
    whole: bool


class LinkClient:
    """Keeps one connection to control; run :meth:`run` under ``TaskSupervisor.keep_running``."""

    def __init__(
        self,
        *,
        path: Path,
        on_snapshot: Callable[[Snapshot], None],
        on_event: Callable[[FactEvent], None],
        on_lost: Callable[[], None],
        on_signalling: Callable[[list[Any]], None] | None = None,
    ) -> None:
        self._path = path
        self._on_snapshot = on_snapshot
        self._on_event = on_event
        self._on_lost = on_lost
        self._on_signalling = on_signalling
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._numbers = itertools.count(1)

    @property
    def connected(self) -> bool:
        """Whether control can be reached now."""
        return self._writer is not None

    async def run(self) -> None:
        """One connection, from its beginning to its end."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._path))
        except OSError:
            return  # control is not there (yet); the caller tries again
        writer.write(encode_frame({"hello": PROTOCOL}))
        writer.write(encode_frame({"subscribe": True}))
        if self._on_signalling is not None:
            writer.write(encode_frame({"signalling": True}))
        decoder = FrameDecoder()
        try:
            while data := await reader.read(262_144):
                for message in decoder.feed(data):
                    self._take(message, writer)
        except (ConnectionError, RemoteViolation) as error:
            _log.warning("control link broke", reason=str(error))
        finally:
            writer.close()
            self._lost()

    async def ask(self, command: Command) -> Answer:
        """Send a command and wait for its answer (contracts.ports.Control)."""
        if self._writer is None:
            raise Unavailable("the control process cannot be reached; try again in a moment")
        number = next(self._numbers)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._writer.write(encode_frame({"command": {"id": number, "body": COMMANDS.encode(command)}}))
        try:
            return await asyncio.wait_for(future, ANSWER_SECONDS)
        except TimeoutError:
            raise Unavailable(f"control did not answer within {ANSWER_SECONDS:g} s") from None
        finally:
            self._waiting.pop(number, None)

    def renew(self) -> None:
        """Break the link; the next :meth:`run` gets a fresh snapshot."""
        if self._writer is not None:
            self._writer.close()

    def _take(self, message: Any, writer: asyncio.StreamWriter) -> None:
        match message:
            case {"hello": {"protocol": "control", "version": 1}}:
                pass
            case {
                "snapshot": dict(live),
                "epoch": str(epoch),
                "seq": int(seq),
                "tail": list(tail),
                "whole": bool(whole),
            }:
                events = tuple(decode_event(event) for event in tail)
                self._writer = writer
                self._on_snapshot(Snapshot(live=live, epoch=epoch, seq=seq, tail=events, whole=whole))
            case {"event": dict(event)}:
                self._on_event(decode_event(event))
            case {"signalling": list(rows)} if self._on_signalling is not None:
                self._on_signalling(rows)
            case {"answer": {"id": int(number), "body": dict(body)}}:
                future = self._waiting.get(number)
                if future is not None and not future.done():
                    future.set_result(ANSWERS.decode(body))
            case _:
                raise RemoteViolation("unknown message on the control link")

    def _lost(self) -> None:
        self._writer = None
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(Unavailable("the control process went away; try again in a moment"))
        self._on_lost()
