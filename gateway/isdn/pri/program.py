"""The protocol of the program, version 1, and its loop.

Over stdin and stdout, both ways: frames of a 4-byte big-endian length and a body. A body whose first byte is 0 is
a frame of the D channel (Q.921, without flags and check sequence); any other body is a JSON object. The first to
the program is ``{"command": "open", "version": 1, "side": "user" or "network", "overlap": false, "timers": {}}``,
the first from it ``{"event": "opened", "version": 1, "libpri": "1.6.0"}`` or ``{"event": "failed", "reason": …}``;
then come the commands and events of :mod:`gateway.isdn.pri.stack`. A command that makes no sense is told as
``{"event": "refused", "reason": …}`` with the command and the call that it names. The program ends with its stdin.
"""

from __future__ import annotations

import json
import os
import select
import struct
import sys
import time
from typing import Any, Final

from gateway.isdn.pri.libpri import NoLibpri
from gateway.isdn.pri.stack import BadCommand, Stack

VERSION: Final = 1
MAX_BODY: Final = 65_536
_LENGTH: Final = struct.Struct("!I")
_STDIN, _STDOUT = 0, 1


def main() -> int:
    """Run until stdin ends; 1 when a stack could not be opened or the protocol was broken."""
    try:
        return _Program().run()
    except BrokenPipeError:
        return 0


class _Program:
    def __init__(self) -> None:
        self._stack: Stack | None = None
        self._buffer = bytearray()
        self._out = bytearray()

    def run(self) -> int:
        while True:
            due = self._stack.next_due() if self._stack is not None else None
            pause = None if due is None else max(0.0, due - time.time())
            if select.select([_STDIN], [], [], pause)[0]:
                data = os.read(_STDIN, 262_144)
                if not data:
                    return 0
                self._buffer += data
                if not self._bodies():
                    return 1
            if self._stack is not None:
                self._stack.run_timers()
            self._flush()

    def _bodies(self) -> bool:
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > MAX_BODY:
                return False
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return True
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            if not self._body(body):
                self._flush()
                return False
        return True

    def _body(self, body: bytes) -> bool:
        if body[:1] == b"\0":
            if self._stack is not None:
                self._stack.frame(body[1:])
            return True
        try:
            what = json.loads(body)
            if not isinstance(what, dict):
                raise BadCommand("a command is an object")
        except ValueError as error:
            self._tell({"event": "failed", "reason": f"no JSON: {error}"})
            return False
        except BadCommand as error:
            self._tell({"event": "failed", "reason": str(error)})
            return False
        return self._open(what) if self._stack is None else self._command(what)

    def _open(self, what: dict[str, Any]) -> bool:
        try:
            if what.get("command") != "open" or what.get("version") != VERSION:
                raise BadCommand(f"the first command is open, of version {VERSION}")
            self._stack = Stack(
                str(what.get("side")),
                send=lambda frame: self._write(b"\0" + frame),
                tell=self._tell,
                overlap=bool(what.get("overlap")),
                timers=what.get("timers"),
            )
        except (BadCommand, NoLibpri) as error:
            self._tell({"event": "failed", "reason": str(error)})
            return False
        frames = bytes(self._out)  # layer 2 began while the stack was made
        self._out.clear()
        self._tell({"event": "opened", "version": VERSION, "libpri": self._stack.version})
        self._out += frames
        return True

    def _command(self, what: dict[str, Any]) -> bool:
        assert self._stack is not None
        try:
            self._stack.command(what)
        except BadCommand as error:
            named: dict[str, Any] = {key: str(what[key]) for key in ("command", "call") if key in what}
            self._tell({"event": "refused", "reason": str(error), **named})
        return True

    def _tell(self, event: dict[str, Any]) -> None:
        self._write(json.dumps(event).encode())

    def _write(self, body: bytes) -> None:
        self._out += _LENGTH.pack(len(body)) + body

    def _flush(self) -> None:
        while self._out:
            written = os.write(_STDOUT, self._out)
            del self._out[:written]


if __name__ == "__main__":
    sys.exit(main())
