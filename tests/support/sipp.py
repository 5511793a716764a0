"""SIPp as a peer: our own scenarios in ``sipp/*.xml``, its counters as numbers, its errors as text.

Scenarios: ``uac`` (call, stay, hang up), ``uac_or_refused`` (the same, or a clean 503), ``uac_talks`` (with
sound), ``cancel`` (let it ring, give up), ``repeat`` (everything sent twice),
``register``, ``refused``, ``bad_sdp``, ``no_codec``, ``garbage`` (expect ``status``), ``prack``, ``refresh``,
``late_offer``, ``lost_ack``, ``lost_bye_answer``, ``uac_referred`` (a carrier that is asked to connect its caller
with ``dialog``, and tells ``status`` of it); those who are called:
``uas``, ``uas_refreshed`` (by ``dialog``: UPDATE or INVITE),
``uas_reliable``, ``uas_refer`` (hands its caller on),
``uas_lost_bye``, ``uas_fork``, ``uas_cancel_race``, ``uas_glare``, ``uas_challenge`` and
``uas_busy`` (a provider's servers).
"""

from __future__ import annotations

import asyncio
import csv
import random
import re
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final
from urllib.parse import quote

import psutil

from tests.support.milestone import PeerError, until
from tests.support.ports import free_port
from tests.support.sip import Address, in_uri

#: What answers a re-INVITE and not an UPDATE without an offer.
_SESSION: Final = """Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=sipp 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 8
      a=rtpmap:8 PCMA/8000
      a=sendrecv
"""
_SCENARIOS: Final = Path(__file__).with_name("sipp")


@dataclass(frozen=True, slots=True, kw_only=True)
class SippResult:
    """What one run of SIPp counted."""

    scenario: str
    exit_code: int
    created: int
    successful: int
    failed: int
    retransmissions: int
    unexpected: int  # calls that got a message which the scenario does not have there
    errors: str  # the tail of its error log
    refused: int = 0  # with a 503 and Retry-After (``uac_or_refused``); they are among the successful
    setup_ms: tuple[float, float, float] = (0, 0, 0)  # p50, p95, largest until the 200 (``uac``)

    def require_success(self, calls: int | None = None) -> SippResult:
        """Return itself; raises :class:`PeerError` unless every call (``calls`` of them, if given) went well."""
        if self.failed or self.successful != self.created or calls not in (None, self.successful):
            wanted = "" if calls is None else f" of {calls}"
            raise PeerError(
                f"SIPp {self.scenario}: {self.successful}{wanted} calls went well, {self.failed} failed "
                f"({self.unexpected} with an unexpected message), exit {self.exit_code}\n{self.errors}"
            )
        return self


class Sipp:
    """A running SIPp. As a context manager it is stopped at the end, whatever state it is in.

    ``hold`` is the time a call stays up (``uac``, ``repeat``) or rings (``cancel``, ``uas``), seconds; ``status``
    the expected refusal; ``dialog`` the one that it names as to be replaced, as in a Replaces header;
    ``rtp_echo`` sends received RTP back. Its RTP is at ``media_host``.
    """

    def __init__(
        self,
        scenario: str,
        *,
        target: Address | None = None,
        number: str = "service",
        caller: str = "13800000001",
        calls: int = 1,
        rate: float = 10.0,
        hold: float = 0.2,
        limit: float = 30.0,
        port: int | None = None,
        transport: str = "udp",
        password: str = "",
        status: int = 488,
        dialog: str = "",
        rtp_echo: bool = False,
        media_host: str = "127.0.0.1",
    ) -> None:
        self.scenario = scenario
        self._serves = scenario.startswith("uas")
        self.port = free_port() if port is None else port
        self._limit = limit
        self._status = status
        self._dialog = dialog
        self._directory = tempfile.TemporaryDirectory(prefix="sipp-")
        self._process: asyncio.subprocess.Process | None = None
        host = "::1" if target is not None and ":" in target[0] else "127.0.0.1"
        self._arguments = ["-i", host, "-mi", media_host, "-nostdin", "-d", str(round(hold * 1000))]
        self._arguments += ["-t", {"udp": "u1", "tcp": "t1"}[transport], "-key", "caller", caller]
        self._arguments += ["-p", str(self.port), "-mp", str(free_port())]
        if scenario == "repeat":  # an answer may come between the two copies; the second one brings it again
            self._arguments += ["-default_behaviors", "all,-abortunexp"]
        if rtp_echo:
            self._arguments.append("-rtp_echo")
        if not self._serves:
            assert target is not None, f"{scenario} calls somebody: give target"
            self._arguments += ["-s", number, "-m", str(calls), "-r", str(rate), "-timeout", f"{limit:g}s"]
            self._arguments += ["-timeout_error", "-recv_timeout", str(round(limit * 1000))]
            self._arguments += ["-au", number, "-ap", password or "none"]
            self._arguments.append(f"{in_uri(target[0])}:{target[1]}")

    async def start(self) -> Sipp:
        """Start the process; a server is bound when this returns."""
        directory = Path(self._directory.name)
        scenario = directory / f"{self.scenario}.xml"
        text = (_SCENARIOS / scenario.name).read_text(encoding="utf-8")
        speech = directory / "speech.al"
        speech.write_bytes(bytes(random.Random(1).choices(range(256), k=8000)))  # noise of a second, A-law
        text = text.replace("%STATUS%", str(self._status)).replace("%AUDIO%", str(speech))
        named = f"?Replaces={quote(self._dialog, safe='')}" if self._dialog else ""
        text = text.replace("%SESSION%", _SESSION if self._dialog == "INVITE" else "Content-Length: 0\n")
        text = text.replace("%DIALOG%", self._dialog).replace("%REPLACES%", named)
        scenario.write_text(text, encoding="utf-8")
        files = {"-stf": "stat.csv", "-error_file": "errors.log", "-screen_file": "screen.log"}
        options = [part for option, name in files.items() for part in (option, str(directory / name))]
        with (directory / "output.log").open("wb") as output:
            await self._run(scenario, directory, options, output)
        if self._serves:
            await until(self._bound, lambda: f"SIPp {self.scenario} bound to port {self.port}; {self._output()}")
        return self

    async def _run(self, scenario: Path, directory: Path, options: list[str], output: BinaryIO) -> None:
        self._process = await asyncio.create_subprocess_exec(
            "sipp",
            "-sf",
            str(scenario),
            *("-trace_stat", "-fd", "1", "-trace_err", "-trace_screen", "-trace_rtt", "-rtt_freq", "1"),
            *options,
            *self._arguments,
            cwd=directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def finish(self) -> SippResult:
        """Wait until a client is through, let a server end its calls; the counters."""
        assert self._process is not None
        if self._serves and self._process.returncode is None:
            self._process.send_signal(signal.SIGUSR1)
        try:
            async with asyncio.timeout(self._limit + 5):
                exit_code = await self._process.wait()
        except TimeoutError:
            await self._kill()
            raise PeerError(
                f"SIPp {self.scenario} ran longer than {self._limit + 5:g} s; {self._output()}"
            ) from None
        return self._result(exit_code)

    async def __aenter__(self) -> Sipp:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._kill()
        self._directory.cleanup()

    async def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def _bound(self) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            raise PeerError(f"SIPp {self.scenario} ended with {self._process.returncode}; {self._output()}")
        connections = psutil.Process(self._process.pid).net_connections()
        return any(connection.laddr and connection.laddr[1] == self.port for connection in connections)

    def _output(self) -> str:
        path = Path(self._directory.name) / "output.log"
        return path.read_text(errors="replace")[-1500:] if path.exists() else "no output"

    def _errors(self) -> str:
        path = Path(self._directory.name) / "errors.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return re.sub(r"\n{2,}", "\n", text.replace("\r", ""))[-3000:]

    def _result(self, exit_code: int) -> SippResult:
        path = Path(self._directory.name) / "stat.csv"
        text = path.read_text(errors="replace") if path.exists() else ""
        rows = list(csv.DictReader(text.splitlines(), delimiter=";"))
        if not rows:
            raise PeerError(f"SIPp {self.scenario} left no counters, exit {exit_code}; {self._output()}")
        last = rows[-1]

        def count(name: str) -> int:
            return int(last.get(name) or 0)

        return SippResult(
            scenario=self.scenario,
            exit_code=exit_code,
            created=count("TotalCallCreated"),
            successful=count("SuccessfulCall(C)"),
            failed=count("FailedCall(C)"),
            retransmissions=count("Retransmissions(C)"),
            unexpected=count("FailedUnexpectedMessage(C)"),
            errors=self._errors(),
            refused=count("GenericCounter1(C)"),
            setup_ms=self._setup_ms(),
        )

    def _setup_ms(self) -> tuple[float, float, float]:
        rows = [
            row for path in Path(self._directory.name).glob("*_rtt.csv") for row in path.read_text().splitlines()
        ]
        times = sorted(float(row.split(";")[1]) for row in rows if row[:1].isdigit())
        if not times:
            return 0.0, 0.0, 0.0
        return times[len(times) // 2], times[len(times) * 95 // 100], times[-1]


async def run(
    scenario: str,
    target: Address,
    *,
    number: str = "service",
    caller: str = "13800000001",
    calls: int = 1,
    rate: float = 10.0,
    hold: float = 0.2,
    limit: float = 30.0,
    transport: str = "udp",
    password: str = "",
    status: int = 488,
    dialog: str = "",
) -> SippResult:
    """Run a calling scenario to its end and return its counters."""
    sipp = Sipp(
        scenario,
        target=target,
        number=number,
        caller=caller,
        calls=calls,
        rate=rate,
        hold=hold,
        limit=limit,
        transport=transport,
        password=password,
        status=status,
        dialog=dialog,
    )
    async with sipp:
        return await sipp.finish()
