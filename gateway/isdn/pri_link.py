"""Our end of the pipe to libpri's program (:mod:`gateway.isdn.pri.program`), which is started and ended here."""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from ctypes.util import find_library
from pathlib import Path
from typing import Any, Final

import msgspec

from ccplatform.kernel.errors import RemoteViolation, Unavailable

VERSION: Final = 1
MAX_BODY: Final = 65_536
_LENGTH: Final = struct.Struct("!I")
_ROOT: Final = str(Path(__file__).parents[2])
_COMMAND: Final = (sys.executable, "-m", "gateway.isdn.pri")
_OPEN_SECONDS: Final = 10.0


def libpri_installed() -> bool:
    """Whether the library is there; it is not loaded for that."""
    return find_library("pri") is not None


class PriLink:
    """One stack. ``on_event`` hears its events, ``on_frame`` the frames that it sends."""

    def __init__(
        self,
        *,
        side: str,
        overlap: bool,
        timers: Mapping[str, int],
        on_event: Callable[[dict[str, Any]], None],
        on_frame: Callable[[bytes], None],
    ) -> None:
        self._open = {"version": VERSION, "side": side, "overlap": overlap, "timers": dict(timers)}
        self._on_event, self._on_frame = on_event, on_frame
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """Of the program while it runs."""
        return self._process.pid if self._process is not None else None

    async def run(self) -> None:
        """Start the program and read it until it ends; raises Unavailable when libpri is not there."""
        process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=PIPE,
            stdout=PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH"))))},
            start_new_session=True,
        )
        assert process.stdout is not None
        self._process = process
        try:
            self.command("open", **self._open)
            async with asyncio.timeout(_OPEN_SECONDS):
                first = await self._body(process.stdout)
            opened = _object(first)
            if opened.get("event") != "opened" or opened.get("version") != VERSION:
                raise Unavailable(str(opened.get("reason", "libpri's program is of another version")))
            while True:
                body = await self._body(process.stdout)
                if body[:1] == b"\0":
                    self._on_frame(body[1:])
                else:
                    self._on_event(_object(body))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._process = None
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
            await process.wait()

    def command(self, command: str, **more: Any) -> None:
        """Nothing happens while the program is not there."""
        self._write(msgspec.json.encode({"command": command, **more}))

    def frame(self, frame: bytes) -> None:
        """A frame of the D channel came."""
        self._write(b"\0" + frame)

    def _write(self, body: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(_LENGTH.pack(len(body)) + body)

    async def _body(self, stream: asyncio.StreamReader) -> bytes:
        (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
        if length > MAX_BODY:
            raise RemoteViolation(f"libpri's program sent a frame of {length} bytes")
        return await stream.readexactly(length)


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise RemoteViolation(f"libpri's program sent no JSON: {error}") from error
