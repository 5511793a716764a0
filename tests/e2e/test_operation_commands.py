"""The commands of the command line, as an operator runs them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from ccplatform import __version__
from tests.support.milestone import PATIENCE
from tests.support.platform import PlatformProcess, logged_in

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a long enough password"


def ccplatform(*arguments: object, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code, output, errors of one command; a traceback is never shown."""
    done = subprocess.run(
        [sys.executable, "-m", "ccplatform", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def test_version_and_help() -> None:
    assert ccplatform("version") == (0, f"ccplatform {__version__}\n", "")
    code, text, _ = ccplatform("run", "--help")
    assert code == 0
    for option in ("--config", "--demo", "--data-dir", "--bind", "--sip-port", "--http-port", "--rtp-ports"):
        assert option in text


@pytest.mark.parametrize("arguments", [("run", "--nope"), ("user", "add", "x", "--role", "boss")])
def test_wrong_use_is_exit_2_and_one_clear_line(arguments: tuple[str, ...]) -> None:
    code, _, errors = ccplatform(*arguments)
    assert code == 2
    assert arguments[-1] in errors
    assert len(errors.strip().splitlines()) == 1


def test_config_check_and_show(tmp_path: Path) -> None:
    good = tmp_path / "good.toml"
    good.write_text('[sip]\nport = 5070\n[database]\nurl = "postgresql://cc:unmistakable@db/cc"\n')
    assert ccplatform("config", "check", good) == (0, f"{good}: no errors\n", "")
    code, text, _ = ccplatform("config", "show", "--config", good, environment={"CCP_HTTP__PORT": "8081"})
    assert code == 0
    for shown in ('"port": 5070', '"port": 8081', "postgresql://cc:***@db/cc"):
        assert shown in text
    assert "unmistakable" not in text
    bad = tmp_path / "bad.toml"
    bad.write_text('[sip]\nport = 70000\nprt = 1\n[media]\nrtp_ports = "9-8"\n[nope]\n')
    for command in (("config", "check", bad), ("run", "--config", bad)):
        code, _, errors = ccplatform(*command)
        assert code == 2
        lines = errors.strip().splitlines()
        assert [line.split(" = ")[0] for line in sorted(lines)] == [
            f"{bad}: media.rtp_ports",
            f"{bad}: nope",
            f"{bad}: sip.port",
            f"{bad}: sip.prt",
        ]
        assert "70000: Input should be less than or equal to 65535" in errors


def test_flow_check(tmp_path: Path) -> None:
    good = ROOT / "config" / "flows" / "main.yaml"  # the others are checked in tests/ivr
    assert ccplatform("flow", "check", good) == (0, f"{good}: no errors\n", "")
    bad = tmp_path / "bad.yaml"
    bad.write_text("flow: x\nlanguages: [en]\nstart: nowhere\nnodes:\n  a: {kind: sing}\n")
    code, _, errors = ccplatform("flow", "check", bad)
    assert code == 2
    assert "bad.yaml" in errors
    assert "sing" in errors


async def test_users_backup_and_restore_on_a_node_without_demo(tmp_path: Path) -> None:
    """A user is made before the first start; what is done after the backup is undone by its restore."""
    home, dump = tmp_path / "n", tmp_path / "dump"
    platform = PlatformProcess(home, demo=False)
    roles = ("--role", "admin", "--role", "auditor")

    async def run(*arguments: object, password: str = PASSWORD) -> tuple[int, str, str]:
        secret = {"CCP_USER_PASSWORD": password}
        return await asyncio.to_thread(ccplatform, *arguments, "--data-dir", home, environment=secret)

    try:
        assert await run("user", "add", "zhang", *roles) == (0, "user zhang added\n", "")
        await asyncio.to_thread(platform.start)
        async with logged_in(platform.http, "zhang", PASSWORD) as person:
            assert (await person.get("me")).json()["roles"] == ["admin", "auditor"]
        assert await _log_in(platform, "sup1", "demo-sup1") == 401  # no demo, no demo user
        for refused in (
            await run("user", "add", "zhang", *roles),
            await run("user", "lock", "nobody"),
            await run("user", "passwd", "zhang", password="short"),
            await run("db", "restore", dump),
        ):
            assert refused[:2] == (1, ""), refused
            assert len(refused[2].splitlines()) == 1
        code, text, _ = await run("db", "backup", dump)
        assert (code, str(dump) in text) == (0, True)
        assert (await run("user", "passwd", "zhang", password=PASSWORD + "!"))[0] == 0
        assert await _log_in(platform, "zhang", PASSWORD) == 401
        assert await _log_in(platform, "zhang", PASSWORD + "!") == 200
        assert (await run("user", "lock", "zhang"))[0] == 0
        assert await _log_in(platform, "zhang", PASSWORD + "!") == 401
        code, _, errors = await run("db", "restore", dump)
        assert (code, "already runs" in errors) == (1, True)
        assert await asyncio.to_thread(platform.stop) == 0
        code, _, errors = await run("db", "restore", Path(__file__))
        assert (code, __file__ in errors) == (1, True)
        assert await run("db", "restore", dump) == (0, f"restored from {dump}\n", "")
        await asyncio.to_thread(platform.start)
        async with logged_in(platform.http, "zhang", PASSWORD) as person:
            check = (await person.get("audit/verification")).json()
            assert check["intact"], check
        assert await run("db", "migrate") == (0, "the database is up to date\n", "")
    finally:
        platform.close()


async def _log_in(platform: PlatformProcess, user: str, password: str) -> int:
    async with httpx.AsyncClient(base_url=platform.http, timeout=PATIENCE) as client:
        answer = await client.post("/api/v1/auth/login", json={"username": user, "password": password})
    return answer.status_code
