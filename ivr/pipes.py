"""Engines in processes of their own, spoken to over their stdin and stdout.

Frames: 4-byte big-endian length, then the body; mostly one JSON object whose ``type`` tells which message it is.
"""

from __future__ import annotations

import asyncio
import os
import struct
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec

from ccplatform.kernel.errors import RemoteViolation

#: Longest frame of a message, bytes.
MAX_BYTES: Final = 1 << 20

_LENGTH: Final = struct.Struct("!I")
_ROOT: Final = str(Path(__file__).parents[1])
T = TypeVar("T")


async def spawn(command: Sequence[str]) -> Process:
    """Start an engine's process; it finds this project, and ends with its stdin. Raises OSError."""
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH", ""))))},
        start_new_session=True,  # a Ctrl-C is for us
    )


def kill(process: Process) -> None:
    """End a process, unless it ended."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()


def framed(body: bytes) -> bytes:
    """A body, ready to be written."""
    return _LENGTH.pack(len(body)) + body


def frame_of(message: msgspec.Struct) -> bytes:
    """A message, ready to be written."""
    return framed(msgspec.json.encode(message))


def message_of(decoder: msgspec.json.Decoder[T], body: bytes, what: str) -> T:
    """The message of a body; raises RemoteViolation: no ``what``."""
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise RemoteViolation(f"no {what}: {error}") from error


async def read_frame(stream: asyncio.StreamReader, most: int = MAX_BYTES) -> bytes:
    """The next body; raises EOFError at the end, RemoteViolation for one of more than ``most`` bytes."""
    return await stream.readexactly(_length(await stream.readexactly(_LENGTH.size), most))


def read_frame_now(stream: BinaryIO, most: int = MAX_BYTES) -> bytes | None:
    """The same from a file that blocks; None at the end."""
    head = stream.read(_LENGTH.size)
    return stream.read(_length(head, most)) if len(head) == _LENGTH.size else None


def _length(head: bytes, most: int) -> int:
    (length,) = _LENGTH.unpack(head)
    if length > most:
        raise RemoteViolation(f"a frame of {length} bytes is longer than {most}")
    return int(length)
