"""Which music a queue plays."""

from __future__ import annotations

from pathlib import Path

from ccplatform.app.music import QueueMusic
from ccplatform.contracts.media import FileItem
from ccplatform.contracts.words import QueueId


def test_a_queue_plays_its_own_file_if_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "sales.wav").touch()
    music = QueueMusic(standard=Path("/standard.wav"), folder=tmp_path)
    sales = QueueId("sales")
    assert music(sales) == (FileItem(path="/standard.wav", trim=False),)
    music.named = lambda queue: {"sales": "sales.wav", "support": "gone.wav"}.get(queue, "")
    assert music(sales) == (FileItem(path=str(tmp_path / "sales.wav"), trim=False),)
    assert music(QueueId("support")) == music(None) == (FileItem(path="/standard.wav", trim=False),)
