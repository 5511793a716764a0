"""Starting and stopping the whole platform: drain, second start, and everything that keeps it from starting."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.centre import AGENT_HZ, CALLER_HZ, Centre
from tests.e2e.rig import Journal, centre_of
from tests.support import sources
from tests.support.fixtures import MakePhone
from tests.support.milestone import PATIENCE
from tests.support.phone import AutoAnswer
from tests.support.phone_call import PhoneCall
from tests.support.platform import PlatformProcess
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that a first run has filled and left."""
    directory = tmp_path_factory.mktemp("r")
    first = PlatformProcess(directory)
    try:
        first.start()
        assert first.stop() == 0
    finally:
        first.close()
    print(f"first start: {first.started_in:.2f} s")
    return directory


@asynccontextmanager
async def running(
    home: Path, callers: Iterator[int], environment: dict[str, str] | None = None
) -> AsyncIterator[Centre]:
    platform = PlatformProcess(home, environment=environment)
    try:
        await asyncio.to_thread(platform.start)
        async with centre_of(platform, callers) as centre:
            yield centre
    finally:
        platform.close()


async def echo(centre: Centre, phone: MakePhone) -> PhoneCall:
    """A call that hears itself."""
    caller = await phone(centre.new_caller(), source=sources.tone(CALLER_HZ))
    call = await caller.dial(centre.number("95002"))
    await call.heard(tone=CALLER_HZ)
    return call


def run_to_its_end(home: Path, *arguments: str, limit: float = 60.0) -> tuple[int, str]:
    """``ccplatform run`` with the demo centre, which is expected not to last: exit code and everything printed."""
    command = [sys.executable, "-m", "ccplatform", "run", "--demo", "--data-dir", str(home), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def later(home: Path) -> Iterator[PlatformProcess]:
    """A run that comes after those of the tests before; one that starts another must come after it is gone."""
    with PlatformProcess(home) as platform:
        yield platform


async def test_a_drain_lets_running_calls_end_and_ends_them_when_its_time_is_over(
    home: Path, callers: Iterator[int], phone: MakePhone, request: pytest.FixtureRequest
) -> None:
    async with running(home, callers) as centre:
        print(f"second start: {centre.platform.started_in:.2f} s to ready")
        ended = await _drain_with_a_talk(centre, phone)
    async with running(home, callers, {"CCP_NODE__DRAIN_SECONDS": "0.5"}) as centre:
        row = await centre.get(f"contacts/{ended}")
        assert (row["outcome"], row["cause"], row["agent"]) == ("handled", "normal", "1004")
        (recording,) = await centre.items("recordings", contact=ended)
        assert recording["complete"], recording
        await centre.sign_out("1004")
        call = await echo(centre, phone)
        cut = (await centre.contact(call.phone.user))["id"]
        with ThreadPoolExecutor(1) as thread:
            stopping: Future[int] = thread.submit(centre.platform.stop)
            assert (await call.ended.wait()).by == "peer"
            assert await asyncio.to_thread(stopping.result, 15.0) == 0
    async with centre_of(request.getfixturevalue("later"), callers) as centre:
        assert (await centre.get(f"contacts/{cut}"))["outcome"] == "self_service"
        await Journal(centre.platform).without_gaps()


async def _drain_with_a_talk(centre: Centre, phone: MakePhone) -> str:
    """SIGTERM while caller and agent talk: new calls are refused, the talk ends when the agent ends it."""
    desk = await phone("8004", password="demo-8004", incoming=AutoAnswer(), source=sources.tone(AGENT_HZ))
    await desk.register(centre.sip)
    await centre.set_state("1004", "not_ready", seat="seat-04")
    await centre.set_state("1004", "ready")
    caller = await phone(centre.new_caller(), source=sources.tone(CALLER_HZ))
    call = await caller.dial(centre.number("95001"))
    answered = await desk.next_call()
    await call.heard(tone=AGENT_HZ)
    contact: str = (await centre.contact(caller.user))["id"]
    with ThreadPoolExecutor(1) as thread:
        stopping: Future[int] = thread.submit(centre.platform.stop)
        await centre.platform.wait_readyz(status=503)
        async with httpx.AsyncClient(base_url=centre.platform.http, timeout=PATIENCE) as client:
            assert (await client.get("/readyz")).json()["reason"] == "draining"
            assert (await client.get("/healthz")).status_code == 200
        refused = await (await phone(centre.new_caller())).dial(centre.number("95002"))
        assert (await refused.ended.wait()).status == 503
        assert refused.phone.node.received[-1].get("retry-after")
        now = time.monotonic()
        await call.heard(tone=AGENT_HZ, since=now)
        await answered.heard(tone=CALLER_HZ, since=now)
        assert not stopping.done()
        await answered.hang_up()
        assert (await call.ended.wait()).by == "peer"
        assert await asyncio.to_thread(stopping.result, 15.0) == 0
    desk.vanish()  # nobody is left to be told that it goes
    return contact


def test_a_second_run_on_the_same_data_is_refused(home: Path, later: PlatformProcess) -> None:
    ports = ("--sip-port", str(free_port()), "--http-port", str(free_port()))
    code, text = run_to_its_end(home, *ports)
    assert code == 1
    assert f"another ccplatform already runs on {home}" in text
    assert "Traceback" not in text
    assert httpx.get(f"{later.http}/readyz").status_code == 200


def test_children_do_not_outlive_a_killed_supervisor(later: PlatformProcess) -> None:
    children = [psutil.Process(pid) for role in ("control", "media", "web") for pid in later.pids(role)]
    os.kill(children[0].ppid(), signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive, alive


def test_sigterm_during_the_start_ends_everything(home: Path) -> None:
    ports = ("--sip-port", str(free_port()), "--http-port", str(free_port()), "--rtp-ports", "31000-31099")
    command = [sys.executable, "-m", "ccplatform", "run", "--demo", "--data-dir", str(home), *ports]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "child started" in line and "control" in line:
            break
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == 0, "".join(lines) + rest
    assert "Traceback" not in rest
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
    assert not (home / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize("kind", ["sip", "http", "rtp"])
def test_a_used_port_names_itself(home: Path, kind: str) -> None:
    ports = {"sip": free_port(), "http": free_port(), "rtp": free_port()}
    stream = kind == "http"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", ports[kind]))
        if stream:
            holder.listen()
        arguments = ("--sip-port", str(ports["sip"]), "--http-port", str(ports["http"]))
        code, text = run_to_its_end(home, *arguments, "--rtp-ports", f"{ports['rtp']}-{ports['rtp'] + 1}")
    assert code == 1, text
    (reason,) = [line for line in text.splitlines() if str(ports[kind]) in line and "cannot start" in line]
    assert "127.0.0.1" in reason
    assert "Traceback" not in text


def test_a_data_directory_that_is_a_file_names_itself(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    code, text = run_to_its_end(tmp_path / "data")
    assert code == 1
    assert f"{tmp_path / 'data'}" in text
    assert "Traceback" not in text
