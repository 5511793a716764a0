"""The whole platform as a user starts it: one command, its log, its processes, its addresses.

Methods that wait block; those of a running test are coroutines and leave its phones talking.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final, Self

import httpx
import psutil

from tests.support.milestone import PATIENCE, PeerError, until
from tests.support.ports import PortBlock
from tests.support.sip import Address, in_uri

_ROOT: Final = Path(__file__).resolve().parents[2]
#: Ports of one platform: SIP, SIP over WebSocket, HTTP, then RTP.
_PORTS: Final = 1024
#: ``make run`` on a fresh machine makes a database cluster first.
START_SECONDS: Final = 100.0

LogLine = dict[str, Any]


class PlatformProcess:
    """``ccplatform run --demo`` on ports of its own, data in ``data_dir``; :meth:`start` and :meth:`stop`.

    ``arguments`` are added to the command line, ``environment`` to the environment.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        demo: bool = True,
        rtp_ports: int = 1000,
        host: str = "127.0.0.1",
        arguments: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        program: tuple[str, ...] = (sys.executable, "-m", "ccplatform"),
    ) -> None:
        self.data_dir = data_dir
        self.host = host
        self.ports = PortBlock(max(_PORTS, rtp_ports + 24))
        first = self.ports.first
        self.sip_port, self.sip_ws_port, self.http_port = first, first + 2, first + 4
        self.rtp_ports = (first + 10, first + 10 + rtp_ports - 1)
        self.lines: list[LogLine] = []
        self.started_in = 0.0  # seconds from the command to `ready`
        self._arguments = [*program, "run", *(["--demo"] if demo else [])]
        self._arguments += ["--data-dir", str(data_dir), "--bind", host, "--log-format", "json"]
        self._arguments += ["--sip-port", str(self.sip_port), "--sip-ws-port", str(self.sip_ws_port)]
        self._arguments += ["--http-port", str(self.http_port)]
        self._arguments += ["--rtp-ports", f"{self.rtp_ports[0]}-{self.rtp_ports[1]}", *arguments]
        # Whatever cores there are, and whatever else they do: a test asks what happens, not how fast.
        alike = {"PYTHONUNBUFFERED": "1", "CCP_MEDIA__WORKERS": "1", "CCP_SIP__OVERLOAD__LAG_SECONDS": "5"}
        alike["CCP_PROBE__EVERY_SECONDS"] = "0"  # a test makes its own calls
        alike["CCP_ISDN__SPANS"] = "[]"  # but where it is about E1
        alike["CCP_METRICS__WATCH_SECONDS"] = "0"  # and its own failures, which are no alarm to others
        self._environment = {**os.environ, **alike, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._changed = threading.Condition()
        self._ended = False

    # --- addresses -----------------------------------------------------------------------------------------

    @property
    def sip(self) -> Address:
        return self.host, self.sip_port

    @property
    def http(self) -> str:
        return f"http://{in_uri(self.host)}:{self.http_port}"

    def number(self, number: str) -> str:
        """The URI to dial for a number of the demo centre."""
        return f"sip:{number}@{in_uri(self.host)}:{self.sip_port}"

    # --- life ----------------------------------------------------------------------------------------------

    def start(self, limit: float = START_SECONDS) -> Self:
        """Start and wait for the log line ``ready``."""
        begun = time.monotonic()
        self._ended = False
        self._process = subprocess.Popen(
            self._arguments,
            cwd=_ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="platform log", daemon=True)
        self._reader.start()
        mark = len(self.lines)
        try:
            self.wait_line(lambda line: line.get("event") == "ready", "ready", limit=limit, since=mark)
        except PeerError:
            self.kill_all()
            raise
        self.started_in = time.monotonic() - begun
        return self

    def stop(self, limit: float = 30.0) -> int:
        """SIGTERM and the exit code; raises :class:`PeerError` when it does not end in time."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            left = ", ".join(" ".join(child.cmdline()[-4:]) for child in self._children())
            self.kill_all()
            raise PeerError(f"not ended within {limit:g} s of SIGTERM; left: {left}\n{self.tail()}") from None
        self._release()
        return code

    def __enter__(self) -> Self:
        """Started; on the way out nothing of it is left."""
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Make sure that nothing of it is left, and give its ports back."""
        self.kill_all()
        self.ports.close()

    def kill_all(self) -> None:
        """SIGKILL for every process of the platform, the embedded database included."""
        if self._process is not None and self._process.poll() is None:
            doomed = [psutil.Process(self._process.pid), *self._children()]
            for process in doomed:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            self._process.wait(5)
            deadline = time.monotonic() + 5
            while any(map(_lives, doomed[1:])) and time.monotonic() < deadline:
                time.sleep(0.01)
        database = self.database_pid()
        if database is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(database).kill()
        self._release()

    # --- log -----------------------------------------------------------------------------------------------

    def wait_line(
        self, fits: Callable[[LogLine], bool], what: str, *, limit: float = PATIENCE, since: int = 0
    ) -> LogLine:
        """The first log line from number ``since`` on that fits; blocks."""
        deadline = time.monotonic() + limit
        position = since
        with self._changed:
            while True:
                for line in self.lines[position:]:
                    position += 1
                    if fits(line):
                        return line
                if self._ended:
                    code = self._process.wait(5) if self._process else None
                    raise PeerError(f"the platform ended (exit {code}) before the log said {what}\n{self.tail()}")
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    raise PeerError(f"the log did not say {what} within {limit:g} s\n{self.tail()}")

    async def logged(self, event: str, *, limit: float = PATIENCE, since: int = 0) -> LogLine:
        """Wait for a log line by its event."""
        return await asyncio.to_thread(
            self.wait_line, lambda line: line.get("event") == event, event, limit=limit, since=since
        )

    def tail(self, count: int = 40) -> str:
        """The last lines of the log."""
        return "\n".join(json.dumps(line, ensure_ascii=False) for line in self.lines[-count:]) or "(no log lines)"

    # --- processes -----------------------------------------------------------------------------------------

    def pids(self, role: str) -> list[int]:
        """Processes whose command line has ``--role control``, ``media`` or ``web``."""
        return sorted(child.pid for child in self._children() if _has_role(child, role))

    def kill(self, role: str, index: int | None = None) -> list[int]:
        """SIGKILL for every process of a role, or for the one of that index; their pids."""
        killed = [pid for pid in self.pids(role) if index is None or _index_of(pid) == index]
        if not killed:
            raise PeerError(f"no process with --role {role} is running")
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        return killed

    def database_pid(self) -> int | None:
        """The embedded PostgreSQL's postmaster, None when there is none."""
        for file in self.data_dir.glob("**/postmaster.pid"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                pid = int(file.read_text().split()[0])
                if psutil.pid_exists(pid) and "postgres" in psutil.Process(pid).name():
                    return pid
        return None

    def kill_database(self) -> int:
        """SIGKILL for the postmaster (its children follow); its pid."""
        pid = self.database_pid()
        if pid is None:
            raise PeerError(f"no embedded PostgreSQL is running under {self.data_dir}")
        os.kill(pid, signal.SIGKILL)
        return pid

    def rss_bytes(self, role: str) -> int:
        """Resident memory of all processes of a role."""
        return sum(psutil.Process(pid).memory_info().rss for pid in self.pids(role))

    def cpu_seconds(self, role: str) -> float:
        """CPU time (user and system) that the processes of a role used so far."""
        return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in self.pids(role))

    async def wait_ready_again(self, role: str, killed: list[int], *, limit: float = PATIENCE) -> None:
        """After :meth:`kill`: wait until the role runs as new processes and /readyz says yes."""
        await until(
            lambda: len(self.pids(role)) >= len(killed) and not set(self.pids(role)) & set(killed),
            lambda: f"{role} started again\n{self.tail()}",
            limit=limit,
        )
        await self.wait_readyz(limit=limit)

    async def wait_readyz(self, *, status: int = 200, limit: float = PATIENCE) -> None:
        """Wait until /readyz answers with a status."""
        deadline, seen = time.monotonic() + limit, "no answer"
        async with httpx.AsyncClient(base_url=self.http, timeout=2.0) as client:
            while time.monotonic() < deadline:
                with contextlib.suppress(httpx.TransportError):
                    response = await client.get("/readyz")
                    if response.status_code == status:
                        return
                    seen = f"{response.status_code} {response.text[:200]}"
                await asyncio.sleep(0.05)
        raise PeerError(f"/readyz did not answer {status} within {limit:g} s: {seen}\n{self.tail()}")

    # --- REST ----------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def rest(self, user: str, password: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """A client of ``/api/v1/`` that is logged in as a demo user (``admin``, ``sup1``, ``1001``…)."""
        async with logged_in(self.http, user, password or f"demo-{user}") as client:
            yield client

    # --- inside --------------------------------------------------------------------------------------------

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise PeerError("the platform was not started")
        return self._process

    def _children(self) -> list[psutil.Process]:
        if self._process is None:
            return []
        try:
            return psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def _read(self) -> None:
        stream = self._running().stdout
        assert stream is not None
        for text in stream:
            with self._changed:
                self.lines.append(_as_line(text.rstrip("\n")))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _release(self) -> None:
        if self._reader is not None:
            self._reader.join(5)
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()


@contextlib.asynccontextmanager
async def logged_in(http: str, user: str, password: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of ``/api/v1/`` of any platform, with a bearer token."""
    async with httpx.AsyncClient(base_url=f"{http}/api/v1/", timeout=PATIENCE) as client:
        response = await client.post("auth/login", json={"username": user, "password": password})
        if response.status_code != 200:
            raise PeerError(f"log-in of {user}: {response.status_code} {response.text[:300]}")
        client.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
        yield client


def _lives(process: psutil.Process) -> bool:
    """Neither gone nor a zombie (which nobody may reap soon in a container, but which holds no port)."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _has_role(process: psutil.Process, role: str) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        words = process.cmdline()
        return f"--role={role}" in words or ("--role", role) in itertools.pairwise(words)
    return False


def _as_line(text: str) -> LogLine:
    """A JSON log line, or whatever else was printed, as ``text``."""
    try:
        line = json.loads(text)
    except ValueError:
        return {"text": text}
    return line if isinstance(line, dict) else {"text": text}


def _index_of(pid: int) -> int | None:
    """The value of ``--index`` on a command line."""
    line = psutil.Process(pid).cmdline()
    return int(line[line.index("--index") + 1]) if "--index" in line else None
