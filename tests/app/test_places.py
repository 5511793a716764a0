"""The data directory: who may see it, who holds it, and what is said when it cannot be used."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ccplatform.app.errors import CannotStart
from ccplatform.app.places import MAX_SOCKET_PATH_BYTES, places_of


def test_everything_is_for_the_operator_alone(tmp_path: Path) -> None:
    places = places_of(tmp_path / "deep" / "data")
    places.prepare()
    for directory in (places.root, places.run, places.speech, places.recordings):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    places.prepare()  # again: nothing to say


def test_one_run_at_a_time(tmp_path: Path) -> None:
    places = places_of(tmp_path)
    places.prepare()
    lock = places.lock()
    with pytest.raises(CannotStart, match=f"another ccplatform already runs on {tmp_path}"):
        places.lock()
    os.close(lock)
    os.close(places.lock())


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(CannotStart, match=f"{tmp_path}/data cannot be used as data directory: "):
        places_of(tmp_path / "data").prepare()
    places = places_of(tmp_path / "other")
    places.prepare()
    (places.run / "lock").mkdir()
    with pytest.raises(CannotStart, match="run/lock cannot be opened: Is a directory"):
        places.lock()


def test_a_path_too_long_for_sockets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="choose a shorter --data-dir"):
        places_of(tmp_path / ("x" * MAX_SOCKET_PATH_BYTES)).prepare()


def test_a_relative_directory_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert places_of(Path("var")).root == tmp_path / "var"
