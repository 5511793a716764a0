"""Which music a queue plays: its own file of the directory of sounds, if that is there, else the standard one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ccplatform.contracts.media import FileItem, PlayItem
from ccplatform.contracts.words import QueueId


class QueueMusic:
    """Called for each caller who begins to wait; ``named`` says the file that a queue is set to play, '' none."""

    def __init__(self, *, standard: Path, folder: Path | None) -> None:
        self._standard = standard
        self._folder = folder
        self.named: Callable[[QueueId], str] = lambda _: ""

    def __call__(self, queue: QueueId | None) -> tuple[PlayItem, ...]:
        """What is played, over and over."""
        name = self.named(queue) if queue is not None else ""
        own = self._folder / name if name and self._folder is not None else None
        path = own if own is not None and own.is_file() else self._standard
        return (FileItem(path=str(path), trim=False),)
