"""Backup and restore of the database with PostgreSQL's own programs, which come with the embedded server.

The master key is not part of a backup: keep ``master.key`` elsewhere, or sealed data cannot be read again.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from ccplatform.operations.errors import BackupFailed
from ccplatform.storage.embedded import programs_directory

#: How long a restore waits for others to let go of the tables, as PostgreSQL writes it.
LOCK_TIMEOUT = "5s"

_EMPTY = "SET lock_timeout = '{}'; DROP SCHEMA public CASCADE; CREATE SCHEMA public"


async def backup(dsn: str, file: Path) -> int:
    """Dump the database into ``file`` (compressed, mode 0600); its size in bytes. Raises :class:`BackupFailed`.

    The platform may run on; the dump shows one instant. An existing file is replaced only by a whole dump.
    """
    draft = file.with_name(f"{file.name}.partial")
    try:
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        await _run("pg_dump", dsn, ["--format=custom", "--no-owner", f"--file={draft}"])
        return await asyncio.to_thread(_put_in_place, draft, file)
    except OSError as error:
        raise BackupFailed(f"cannot write {file}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


async def restore(dsn: str, file: Path) -> None:
    """Replace everything in the database by the dump in ``file``, all or nothing. Raises :class:`BackupFailed`.

    The platform must be stopped: while it holds tables, the restore gives up after ``LOCK_TIMEOUT``.
    """
    if not await asyncio.to_thread(file.is_file):
        raise BackupFailed(f"there is no file {file}")
    with tempfile.TemporaryDirectory(prefix="ccplatform-restore-") as directory:
        script = Path(directory) / "restore.sql"
        # Through a script, so that emptying and filling are one transaction; "public" is there already.
        try:
            await _run("pg_restore", None, ["--no-owner", "--no-privileges", f"--file={script}", str(file)])
        except BackupFailed as error:
            raise BackupFailed(f"{file} cannot be restored: {error}") from error
        await asyncio.to_thread(_leave_out_transaction_timeout, script)
        options = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        await _run("psql", dsn, [*options, f"--command={_EMPTY.format(LOCK_TIMEOUT)}", f"--file={script}"])


async def _run(program: str, dsn: str | None, arguments: Sequence[str]) -> None:
    environment = dict(os.environ)
    target: list[str] = []
    if dsn is not None:
        plain, password = _without_password(dsn)
        target = [f"--dbname={plain}"]
        if password:
            environment["PGPASSWORD"] = password  # arguments can be seen by every user of the machine
    process = await asyncio.create_subprocess_exec(
        str(programs_directory() / program),
        *target,
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, stderr = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode != 0:
        raise BackupFailed(f"{program} failed: {_reason(stderr.decode(errors='replace'))}")


def _leave_out_transaction_timeout(script: Path) -> None:
    # pg_restore 18 sets it (to its default) in the preamble; servers before 17 do not know it.
    with script.open("r+b") as file:
        place = file.read(4096).find(b"\nSET transaction_timeout = 0;")
        if place >= 0:
            file.seek(place)
            file.write(b"\n-- ")


def _put_in_place(draft: Path, file: Path) -> int:
    draft.replace(file)
    return file.stat().st_size


def _without_password(dsn: str) -> tuple[str, str]:
    parts = urlsplit(dsn)
    user, separator, place = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    return urlunsplit(parts._replace(netloc=f"{name}{separator}{place}")), unquote(password)


def _reason(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any("lock timeout" in line for line in lines):
        return "the database is in use; stop the platform first"
    errors = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (errors or lines or ["no reason given"])[0]
