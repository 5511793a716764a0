"""The platform starter, tried on a stand-in: its log, processes, ports and failures."""

from __future__ import annotations

import asyncio
import socket
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.milestone import PeerError
from tests.support.platform import PlatformProcess
from tests.support.ports import PortBlock

STAND_IN = """
    import json, signal, subprocess, sys, time
    if "--role" in sys.argv:
        time.sleep(60)
    if "--fail" in sys.argv:
        print("the port is taken", flush=True)
        sys.exit(1)
    start = lambda role: subprocess.Popen([sys.executable, __file__, "run", "--role", role])
    children = {role: start(role) for role in ("control", "media", "web")}
    print("a line that is not JSON", flush=True)
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(1))
    if "--mute" not in sys.argv:
        print(json.dumps({"event": "ready", "sip": "127.0.0.1:5060"}), flush=True)
    while not stopping:
        for role, child in children.items():
            if child.poll() is not None:
                print(json.dumps({"event": "restarted", "child": role}), flush=True)
                children[role] = start(role)
        time.sleep(0.02)
    for child in children.values():
        child.kill()
        child.wait()
"""


@pytest.fixture
def program(tmp_path: Path) -> tuple[str, ...]:
    path = tmp_path / "stand_in.py"
    path.write_text(textwrap.dedent(STAND_IN))
    return sys.executable, str(path)


@pytest.fixture
def running(tmp_path: Path, program: tuple[str, ...]) -> Iterator[PlatformProcess]:
    started = PlatformProcess(tmp_path, program=program)
    try:
        yield started.start(10)
    finally:
        started.close()


async def test_a_killed_role_is_seen_to_come_back(running: PlatformProcess) -> None:
    assert running.lines[0] == {"text": "a line that is not JSON"}
    media = running.pids("media")
    assert len(media) == 1
    mark = len(running.lines)
    assert running.kill("control")
    line = await running.logged("restarted", since=mark)
    assert line["child"] == "control"
    assert running.pids("media") == media
    assert running.rss_bytes("media") > 1_000_000


def test_stop_returns_the_exit_code_and_leaves_nothing(running: PlatformProcess) -> None:
    assert running.stop() == 0
    assert running.pids("media") == []


async def test_a_line_that_never_comes_is_told_with_the_log(running: PlatformProcess) -> None:
    with pytest.raises(PeerError, match=r'did not say drained within 0\.1 s\n(.|\n)*"event": "ready"'):
        await running.logged("drained", limit=0.1)


@pytest.mark.parametrize(
    ("flag", "told"), [("--fail", r"ended \(exit 1\)(.|\n)*the port is taken"), ("--mute", "not say ready within")]
)
def test_a_start_that_fails_is_told_with_the_log(
    tmp_path: Path, program: tuple[str, ...], flag: str, told: str
) -> None:
    broken = PlatformProcess(tmp_path, program=program, arguments=(flag,))
    try:
        with pytest.raises(PeerError, match=told):
            broken.start(1.0 if flag == "--mute" else 20.0)
    finally:
        broken.close()


def test_port_blocks_do_not_overlap_nor_hold_a_taken_port() -> None:
    blocks = [PortBlock(1024) for _ in range(3)]
    try:
        ranges = [set(range(block.first, block.last + 1)) for block in blocks]
        assert sum(map(len, ranges)) == len(set.union(*ranges)) == 3 * 1024
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", blocks[0].first + 500))
    finally:
        for block in blocks:
            block.close()


async def test_waiting_for_the_log_leaves_the_loop_running(running: PlatformProcess) -> None:
    waiting = asyncio.create_task(running.logged("restarted", limit=5))
    await asyncio.sleep(0)
    running.kill("web")
    assert (await waiting)["child"] == "web"
