from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from recording.stores.directory import DirectoryStore
from recording.stores.model import Store
from tests.support.object_store import ObjectStore


@pytest.fixture(scope="module")
def emulator() -> Iterator[ObjectStore]:
    with ObjectStore() as running:
        yield running


@pytest.fixture(params=["directory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of store."""
    if request.param == "directory":
        place = tmp_path / "elsewhere"
        place.mkdir()
        return DirectoryStore("elsewhere", place)
    running: ObjectStore = request.getfixturevalue("emulator")
    found = running.store()
    for key in list(found.keys("")):
        found.remove(key)
    return found
