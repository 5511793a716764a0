"""Where things are in the data directory. Everything there belongs to the operator alone (0700)."""

from __future__ import annotations

import errno
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from ccplatform.app.errors import CannotStart

#: A Unix socket's path holds at most 107 bytes.
MAX_SOCKET_PATH_BYTES = 107


@dataclass(frozen=True, slots=True)
class Places:
    """Paths below one data directory."""

    root: Path

    @property
    def run(self) -> Path:
        """Sockets and the lock of the running platform."""
        return self.root / "run"

    @property
    def control_socket(self) -> Path:
        """Where control takes commands and tells facts."""
        return self.run / "control.sock"

    def media_socket(self, index: int) -> Path:
        """Where media worker ``index`` takes commands."""
        return self.run / f"media-{index}.sock"

    @property
    def e1_socket(self) -> Path:
        """Where the E1 front answers what the pages ask."""
        return self.run / "e1.sock"

    @property
    def e1_switch_socket(self) -> Path:
        """Where the switch simulator takes calls to make."""
        return self.run / "e1-switch.sock"

    @property
    def parrot(self) -> Path:
        """Where the demo's voice bot listens."""
        return self.run / "parrot.sock"

    @property
    def postgres(self) -> Path:
        """The embedded database."""
        return self.root / "postgres"

    @property
    def reports(self) -> Path:
        """Reports that are made by themselves, where the settings name no other folder."""
        return self.root / "reports"

    @property
    def speech(self) -> Path:
        """Spoken texts and music, kept by hash."""
        return self.root / "speech"

    @property
    def recordings(self) -> Path:
        """Recorded talks."""
        return self.root / "recordings"

    def prepare(self) -> None:
        """Make the directories; raises :class:`CannotStart` naming the one that cannot be used."""
        for directory in (self.root, self.run, self.speech, self.recordings):
            try:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            except OSError as error:
                raise CannotStart(f"{directory} cannot be used as data directory: {error.strerror}") from None
        if len(os.fsencode(self.media_socket(0))) > MAX_SOCKET_PATH_BYTES:
            raise CannotStart(f"the path of {self.root} is too long for sockets; choose a shorter --data-dir")

    def lock(self) -> int:
        """Take the data directory for this run; the returned descriptor holds it until it is closed."""
        file = self.run / "lock"
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotStart(f"{file} cannot be opened: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise CannotStart(f"another ccplatform already runs on {self.root}; stop it first") from None
        return descriptor


def places_of(data_dir: Path) -> Places:
    """The places below an absolute data directory."""
    return Places(data_dir.expanduser().resolve())
