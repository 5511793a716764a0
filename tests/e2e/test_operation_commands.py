"""The commands of the command line, as an operator runs them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ccplatform import __version__
from tests.e2e.rig import centre_of
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


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("run", "--nope"),
        ("run", "--sip-port", "many"),
        ("config",),
        ("user", "add", "x", "--role", "boss"),
    ],
)
def test_wrong_use_is_exit_2_and_one_clear_line(arguments: tuple[str, ...]) -> None:
    code, _, errors = ccplatform(*arguments)
    assert code == 2
    if arguments != ("config",):
        assert any(word in errors for word in arguments[-2:])
        assert len(errors.strip().splitlines()) == 1


def test_config_check_and_show(tmp_path: Path) -> None:
    good = tmp_path / "good.toml"
    good.write_text('[sip]\nport = 5070\n[database]\nurl = "postgresql://cc:secret@db/cc"\n')
    assert ccplatform("config", "check", good) == (0, f"{good}: no errors\n", "")
    code, text, _ = ccplatform("config", "show", "--config", good, environment={"CCP_HTTP__PORT": "8081"})
    assert code == 0
    for shown in ('"port": 5070', '"port": 8081', "postgresql://cc:***@db/cc"):
        assert shown in text
    assert "secret" not in text
    bad = tmp_path / "bad.toml"
    bad.write_text('[sip]\nport = 70000\nprt = 1\n[media]\nrtp_ports = "9-8"\n[nope]\n')
    for command in (("config", "check", bad), ("config", "show", "--config", bad), ("run", "--config", bad)):
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
    for file in sorted((ROOT / "config" / "flows").glob("*.yaml")):
        assert ccplatform("flow", "check", file) == (0, f"{file}: no errors\n", "")
        break  # each costs a second; tests/ivr checks them all
    bad = tmp_path / "bad.yaml"
    bad.write_text("flow: x\nlanguages: [en]\nstart: nowhere\nnodes:\n  a: {kind: sing}\n")
    code, _, errors = ccplatform("flow", "check", bad)
    assert code == 2
    assert "bad.yaml" in errors
    assert "sing" in errors


def test_users_are_made_changed_and_locked(tmp_path: Path) -> None:
    where, secret = ("--data-dir", tmp_path / "u"), {"CCP_USER_PASSWORD": PASSWORD}
    roles = ("--role", "admin", "--role", "auditor")
    assert ccplatform("user", "add", "zhang", *roles, *where, environment=secret)[:2] == (0, "user zhang added\n")
    code, _, errors = ccplatform("user", "add", "zhang", *roles, *where, environment=secret)
    assert (code, "zhang" in errors) == (1, True)
    code, _, errors = ccplatform("user", "add", "li", *roles, *where, environment={"CCP_USER_PASSWORD": "short"})
    assert (code, "password" in errors) == (1, True)
    assert ccplatform("user", "lock", "nobody", *where)[0] == 1
    platform = PlatformProcess(tmp_path / "u", demo=False)
    try:
        platform.start()
        asyncio.run(_log_in_change_and_lock(platform, where))
        assert platform.stop() == 0
    finally:
        platform.close()


async def _log_in_change_and_lock(platform: PlatformProcess, where: tuple[object, ...]) -> None:
    async with logged_in(platform.http, "zhang", PASSWORD) as person:
        assert (await person.get("me")).json()["roles"] == ["admin", "auditor"]
        again = {"CCP_USER_PASSWORD": PASSWORD + "!"}
        done = await asyncio.to_thread(ccplatform, "user", "passwd", "zhang", *where, environment=again)
        assert done[0] == 0, done
        answer = await _log_in(platform, PASSWORD)
        assert answer.status_code == 401
        assert (await _log_in(platform, PASSWORD + "!")).status_code == 200
        assert (await asyncio.to_thread(ccplatform, "user", "lock", "zhang", *where))[0] == 0
        assert (await _log_in(platform, PASSWORD + "!")).status_code == 401
    async with httpx.AsyncClient(base_url=platform.http) as client:
        login = {"username": "sup1", "password": "demo-sup1"}
        assert (await client.post("/api/v1/auth/login", json=login)).status_code == 401  # no demo, no demo user


async def _log_in(platform: PlatformProcess, password: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=platform.http) as client:
        return await client.post("/api/v1/auth/login", json={"username": "zhang", "password": password})


async def test_a_backup_is_restored_with_all_that_it_held(tmp_path: Path, callers: Iterator[int]) -> None:
    home, dump = tmp_path / "b", tmp_path / "dump"
    platform = PlatformProcess(home)
    try:
        await asyncio.to_thread(platform.start)
        async with centre_of(platform, callers) as centre:
            await centre.set_state("1004", "not_ready", seat="seat-04")
            before = await centre.items("audit", user="auditor1")
            code, text, _ = await asyncio.to_thread(ccplatform, "db", "backup", dump, "--data-dir", home)
            assert (code, str(dump) in text) == (0, True)
            code, _, errors = await asyncio.to_thread(ccplatform, "db", "restore", dump, "--data-dir", home)
            assert (code, "already runs" in errors) == (1, True)
            await centre.set_state("1005", "not_ready", seat="seat-05")
        assert await asyncio.to_thread(platform.stop) == 0
        for wrong in (tmp_path / "nothing", Path(__file__)):
            code, _, errors = await asyncio.to_thread(ccplatform, "db", "restore", wrong, "--data-dir", home)
            assert (code, str(wrong) in errors) == (1, True)
        code, text, errors = await asyncio.to_thread(ccplatform, "db", "restore", dump, "--data-dir", home)
        assert (code, text) == (0, f"restored from {dump}\n"), errors
        assert await asyncio.to_thread(ccplatform, "db", "migrate", "--data-dir", home) == (
            0,
            "the database is up to date\n",
            "",
        )
        await asyncio.to_thread(platform.start)
        async with centre_of(platform, callers) as centre:
            assert (await centre.get("agents/1004"))["state"] == "not_ready"
            assert (await centre.get("agents/1005"))["state"] == "signed_out"
            kept = {row["id"] for row in await centre.items("audit", user="auditor1")}
            assert {row["id"] for row in before} <= kept
    finally:
        platform.close()


def test_a_database_that_is_not_there_is_told_soon(tmp_path: Path) -> None:
    away = {"CCP_DATABASE__URL": "postgresql://cc:secret@127.0.0.1:9/cc"}
    code, _, errors = ccplatform("db", "migrate", "--data-dir", tmp_path, environment=away)
    assert code == 1
    assert "database" in errors
    assert "secret" not in errors
