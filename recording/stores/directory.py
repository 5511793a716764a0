"""A directory as a store: another disk, or what is mounted from another machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recording.files import open_file
from recording.stores.model import StoreAway


class DirectoryStore:
    """Implements :class:`recording.stores.model.Store`. Files belong to the platform's user alone.

    The directory itself must be there: a disk that is not mounted is never filled in its place.
    """

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self._directory = directory

    def put(self, key: str, parts: Iterator[bytes]) -> None:
        """See :class:`Store`."""
        with self._errors():
            path = self._directory / key
            if not self._directory.is_dir():
                raise StoreAway(self.name, f"{self._directory} is no directory: is it mounted?")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".draft")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.writelines(parts)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(draft, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(draft)
                raise

    def read(self, key: str, first: int, length: int) -> bytes:
        """See :class:`Store`."""
        with self._errors():
            descriptor = open_file(self._directory / key)
            try:
                return os.pread(descriptor, length, first)
            finally:
                os.close(descriptor)

    def size(self, key: str) -> int:
        """See :class:`Store`."""
        with self._errors():
            return (self._directory / key).stat().st_size

    def remove(self, key: str) -> None:
        """See :class:`Store`."""
        with self._errors():
            if not self._directory.is_dir():
                raise StoreAway(self.name, f"{self._directory} is no directory: is it mounted?")
            (self._directory / key).unlink(missing_ok=True)

    def keys(self, prefix: str) -> Iterator[str]:
        """See :class:`Store`."""
        with self._errors():
            found = sorted((self._directory / prefix).rglob("*"))
        for path in found:
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(self._directory).as_posix()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except StoreAway:
            raise
        except FileNotFoundError:
            if self._directory.is_dir():
                raise
            raise StoreAway(self.name, f"{self._directory} is no directory: is it mounted?") from None
        except OSError as error:
            raise StoreAway(self.name, error.strerror or "cannot be used") from error
