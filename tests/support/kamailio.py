"""Debian's Kamailio as a provider: registrar and proxy with digest for all that its one customer sends.

The account's user is any, its password ``PASSWORD``, its realm ``provider.example``. Calls of the customer go on
to ``far`` on loopback; what comes from there is a call for him, at the contact that he registered.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final

from tests.support.milestone import PeerError, until
from tests.support.ports import free_port

PASSWORD: Final = "very secret"
_CONFIGURATION: Final = Path(__file__).with_name("kamailio.cfg")


class Kamailio:
    """A running Kamailio, bound when the context is entered and gone when it is left."""

    def __init__(self, *, far: int, algorithm: str = "SHA-256") -> None:
        self.port = free_port()
        self._values = {"FAR": str(far), "ALGORITHM": algorithm, "PORT": str(self.port), "PASSWORD": PASSWORD}
        self._directory = tempfile.TemporaryDirectory(prefix="kamailio-")
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Kamailio:
        directory = Path(self._directory.name)
        text = _CONFIGURATION.read_text(encoding="utf-8").replace("%MODULES%", _modules())
        for name, value in self._values.items():
            text = text.replace(f"%{name}%", value)
        (directory / "kamailio.cfg").write_text(text, encoding="utf-8")
        with (directory / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *("kamailio", "-DD", "-m", "32", "-M", "4", "-Y", str(directory), "-w", str(directory)),
                *("-f", str(directory / "kamailio.cfg")),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        await until(self._answers, lambda: f"Kamailio on port {self.port}; {self.log()}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()
        self._directory.cleanup()

    def log(self) -> str:
        """The end of what it said."""
        return (Path(self._directory.name) / "log").read_text(errors="replace")[-3000:]

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            raise PeerError(f"Kamailio ended with {self._process.returncode}; {self.log()}")
        listening = f"{self.port:04X}"
        table = Path("/proc/net/tcp").read_text()
        return any(
            line.split()[1].endswith(f":{listening}") and line.split()[3] == "0A"
            for line in table.splitlines()[1:]
        )


def _modules() -> str:
    (found,) = Path("/usr/lib").glob("*/kamailio/modules")
    return str(found)
