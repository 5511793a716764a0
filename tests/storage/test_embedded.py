from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccplatform.storage.embedded import MAX_SOCKET_DIRECTORY_BYTES, EmbeddedPostgres
from ccplatform.storage.errors import ServerNotStarted
from tests.support.database import server_directory  # noqa: F401


def sql(server: EmbeddedPostgres, statement: str) -> str:
    program = server.pg_dump.with_name("psql")
    command = [str(program), "-XAt", "-d", server.dsn(), "-c", statement]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def server(server_directory: Path) -> Iterator[EmbeddedPostgres]:  # noqa: F811
    made = EmbeddedPostgres(server_directory / "postgres", durable=False)
    yield made
    made.stop()


def test_a_server_starts_stops_starts_again_and_keeps_its_data(server: EmbeddedPostgres) -> None:
    assert server.start() == server.dsn()
    assert server.is_running()
    sql(server, "CREATE TABLE kept AS SELECT 7 AS number")
    server.stop()
    assert not server.is_running()
    server.stop()
    server.start()
    assert sql(server, "SELECT number FROM kept") == "7"
    assert sql(server, "SHOW timezone") == "UTC"
    assert sql(server, "SHOW listen_addresses") == ""
    assert server.directory.stat().st_mode & 0o777 == 0o700


def test_a_running_server_is_used_and_a_killed_one_is_started_again(server: EmbeddedPostgres) -> None:
    server.start()
    pid = server.pid
    assert pid is not None
    another = EmbeddedPostgres(server.directory, durable=False)
    another.start()
    assert another.pid == pid
    sql(server, "CREATE TABLE kept AS SELECT 7 AS number")
    os.kill(pid, signal.SIGKILL)
    server.start()
    assert server.pid not in (None, pid)
    assert sql(server, "SELECT number FROM kept") == "7"


def test_the_lock_of_a_dead_server_whose_id_lives_on_in_another_process_is_taken(server: EmbeddedPostgres) -> None:
    server.start()
    lock = server.directory / "postmaster.pid"
    text = lock.read_text()
    server.stop()
    lock.write_text(text.replace(text.split("\n")[0], str(os.getpid()), 1))
    assert not server.is_running()
    server.start()
    assert server.is_running()


def test_settings_of_the_operator_survive_a_start(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    with (server.directory / "custom.conf").open("a") as file:
        file.write("max_connections = 33\n")
    server.start()
    assert sql(server, "SHOW max_connections") == "33"


def test_a_wrong_setting_is_one_line_that_says_what_is_wrong(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.directory / "custom.conf").write_text("shared_bufers = 1\n")
    with pytest.raises(ServerNotStarted, match=r"does not start: .*configuration file"):
        server.start()


def test_a_directory_too_long_for_a_socket_gets_its_socket_elsewhere(server_directory: Path) -> None:  # noqa: F811
    directory = server_directory / ("long" * 20) / "postgres"
    assert len(str(directory)) > MAX_SOCKET_DIRECTORY_BYTES
    server = EmbeddedPostgres(directory, durable=False)
    try:
        server.start()
        assert sql(server, "SELECT 1") == "1"
    finally:
        server.stop()
    assert not Path(server.dsn().split("host=")[1]).exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to let another user in")
def test_a_data_directory_below_a_closed_one_works_and_others_stay_out(server_directory: Path) -> None:  # noqa: F811
    closed = server_directory / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(closed / "data" / "postgres", durable=False)
    try:
        server.start()
        assert sql(server, "SELECT 1") == "1"
        assert closed.stat().st_mode & 0o007 == 0
    finally:
        server.stop()


def test_a_directory_with_other_files_is_left_alone(server_directory: Path) -> None:  # noqa: F811
    (server_directory / "postgres").mkdir()
    (server_directory / "postgres" / "letter.txt").write_text("dear")
    with pytest.raises(ServerNotStarted, match=r"not empty and holds no database.*letter\.txt"):
        EmbeddedPostgres(server_directory / "postgres", durable=False).start()
    assert (server_directory / "postgres" / "letter.txt").read_text() == "dear"


def test_a_socket_directory_that_somebody_else_put_there_is_not_used(server_directory: Path) -> None:  # noqa: F811
    server = EmbeddedPostgres(server_directory / ("long" * 20) / "postgres", durable=False)
    place = Path(server.dsn().split("host=")[1])
    place.symlink_to(server_directory)
    try:
        with pytest.raises(ServerNotStarted, match="belongs to somebody else"):
            server.start()
    finally:
        place.unlink()
