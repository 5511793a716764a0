"""Debian's Kamailio: as a provider, and as a capture server.

The provider is registrar and proxy with digest for all that its one customer sends. The account's user is any, its
password ``PASSWORD``, its realm ``provider.example``. Calls of the customer go on to ``far`` on loopback; what
comes from there is a call for him, at the contact that he registered.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.support.milestone import PeerError, until
from tests.support.ports import free_port

PASSWORD: Final = "very secret"
#: Columns of the table that the module sipcapture writes, with their types in a text database.
_TYPES: Final = {"date": "time", "proto": "int", "family": "int", "type": "int", "id": "int", "micro_ts": "int"}
_CAPTURED: Final = """
    id date micro_ts method reply_reason ruri ruri_user ruri_domain from_user from_domain from_tag
    to_user to_domain to_tag pid_user contact_user auth_user callid callid_aleg via_1 via_1_branch
    cseq diversion reason content_type auth user_agent source_ip source_port destination_ip
    destination_port contact_ip contact_port originator_ip originator_port expires correlation_id
    custom_field1 custom_field2 custom_field3 proto family rtp_stat type node msg
"""


class _Program:
    """A running Kamailio, bound when the context is entered and gone when it is left."""

    def __init__(self, configuration: str, values: dict[str, str]) -> None:
        self.port = free_port()
        self._configuration = Path(__file__).with_name(configuration)
        self._directory = tempfile.TemporaryDirectory(prefix="kamailio-")
        self._values = {**values, "PORT": str(self.port), "DIRECTORY": self._directory.name}
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        directory = Path(self._directory.name)
        text = self._configuration.read_text(encoding="utf-8").replace("%MODULES%", _modules())
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
        await self._stop()
        self._directory.cleanup()

    async def _stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

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


class Kamailio(_Program):
    """The provider."""

    def __init__(self, *, far: int, algorithm: str = "SHA-256") -> None:
        super().__init__("kamailio.cfg", {"FAR": str(far), "ALGORITHM": algorithm, "PASSWORD": PASSWORD})


class CaptureServer(_Program):
    """Takes HEP3 on its port, by the module that Homer was made with (sipcapture)."""

    def __init__(self) -> None:
        super().__init__("kamailio_capture.cfg", {})
        directory = Path(self._directory.name)
        (directory / "version").write_text("table_name(string) table_version(int)\nsip_capture:4\n")
        (directory / "sip_capture").write_text(" ".join(map(_column, _CAPTURED.split())) + "\n")

    async def captured(self, messages: int) -> list[dict[str, str]]:
        """Wait for so many messages, end, and give them as they were stored, the first one first."""
        await until(lambda: self.log().count("CAPTURED") >= messages, self.log)
        await self._stop()
        lines = (Path(self._directory.name) / "sip_capture").read_text().splitlines()[1:]
        rows = [dict(zip(_CAPTURED.split(), _fields(line), strict=True)) for line in lines]
        return rows[::-1]


def _column(name: str) -> str:
    kind = "int" if name.endswith("_port") else _TYPES.get(name, "string")
    return f"{name}({kind},null)"


def _fields(line: str) -> list[str]:
    """The fields of a row of a text database: between colons, which are escaped inside."""
    fields = re.split(r"(?<!\\):", line)
    return [field.replace("\\:", ":").replace("\\r", "\r").replace("\\n", "\n") for field in fields]


def _modules() -> str:
    (found,) = Path("/usr/lib").glob("*/kamailio/modules")
    return str(found)
