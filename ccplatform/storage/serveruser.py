"""The system user that runs the embedded PostgreSQL when the platform itself runs as root.

PostgreSQL refuses to run as root. The user then needs a way to the programs and to the data directory; he gets
exactly that (search permission on the directories above, by an access control list), so that a clone under a
directory closed to others works too and stays closed to everybody else.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

from ccplatform.storage.errors import ServerNotStarted

#: Name of the system user, made on the first start as root.
SERVER_USER = "pgserver"

_ACL_ATTRIBUTE = "system.posix_acl_access"
# Linux uapi/linux/posix_acl_xattr.h: version, then entries of (tag, permissions, id).
_ACL_VERSION = 2
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_UNDEFINED_ID = 0xFFFFFFFF
_SEARCH = 1


def server_user() -> pwd.struct_passwd | None:
    """The user to run PostgreSQL as, made if missing; None when we are not root and run it ourselves."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam(SERVER_USER)
    try:
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVER_USER],
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(SERVER_USER)
    except (OSError, subprocess.CalledProcessError, KeyError):
        # Somebody else may have made it in the same moment.
        with suppress(KeyError):
            return pwd.getpwnam(SERVER_USER)
        raise ServerNotStarted(
            f"PostgreSQL does not run as root and the system user {SERVER_USER!r} cannot be made: "
            f"run `useradd --system {SERVER_USER}`, start as another user, or set database.url"
        ) from None


def open_way(path: Path, user: pwd.struct_passwd) -> None:
    """Let ``user`` search every directory above ``path``; raises :class:`ServerNotStarted` if that cannot be."""
    for directory in path.resolve().parents:
        if _may_search(directory, user):
            continue
        try:
            _grant_search(directory, user.pw_uid)
        except OSError:
            raise ServerNotStarted(
                f"PostgreSQL runs as user {user.pw_name!r}, who cannot enter {directory}: run "
                f"`chmod o+x {directory}`, or use a directory that others may enter, or set database.url"
            ) from None


def open_programs(directory: Path) -> None:
    """Make the wheel's program files readable for all (a strict umask at installation takes that away)."""
    for path in (directory, *directory.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | 0o044 | (0o011 if mode & 0o100 else 0)
        if wanted != mode and not path.is_symlink():
            path.chmod(wanted)


def _may_search(directory: Path, user: pwd.struct_passwd) -> bool:
    status = directory.stat()
    if status.st_uid == user.pw_uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == user.pw_gid:
        return bool(status.st_mode & stat.S_IXGRP)
    acl = _read_acl(directory)
    # A later chmod of the group's bits changes the mask, which limits the entry.
    mask = next((permissions for tag, permissions, _ in acl if tag == _MASK), 7)
    granted = [permissions & mask for tag, permissions, who in acl if (tag, who) == (_USER, user.pw_uid)]
    return bool((granted[0] if granted else status.st_mode) & _SEARCH)


def _read_acl(directory: Path) -> list[tuple[int, int, int]]:
    try:
        raw = os.getxattr(directory, _ACL_ATTRIBUTE)
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOTSUP):
            return []
        raise
    return [struct.unpack_from("<HHI", raw, at) for at in range(4, len(raw), 8)]


def _grant_search(directory: Path, uid: int) -> None:
    entries = _read_acl(directory)
    if not entries:
        mode = directory.stat().st_mode
        entries = [
            (_USER_OBJ, mode >> 6 & 7, _UNDEFINED_ID),
            (_GROUP_OBJ, mode >> 3 & 7, _UNDEFINED_ID),
            (_OTHER, mode & 7, _UNDEFINED_ID),
        ]
    if not any(tag == _MASK for tag, _, _ in entries):
        group = next(permissions for tag, permissions, _ in entries if tag == _GROUP_OBJ)
        entries.append((_MASK, group, _UNDEFINED_ID))
    entries = [entry for entry in entries if (entry[0], entry[2]) != (_USER, uid)]
    entries = [(t, p | _SEARCH if t == _MASK else p, i) for t, p, i in entries]
    entries.append((_USER, _SEARCH, uid))
    packed = b"".join(struct.pack("<HHI", *entry) for entry in sorted(entries, key=lambda e: (e[0], e[2])))
    os.setxattr(directory, _ACL_ATTRIBUTE, struct.pack("<I", _ACL_VERSION) + packed)
