from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import hatch_build
from gateway.media.native import LIBRARY
from tests.gateway.media.peers import Rig


@pytest.fixture(scope="session")
def compiled_helper() -> None:
    """The helper as the build makes it, from the source that is there now."""
    fresh = LIBRARY.exists() and LIBRARY.stat().st_mtime >= hatch_build.SOURCE.stat().st_mtime
    assert fresh or hatch_build.build(), "the tests need a C compiler"


@pytest.fixture(params=["native", "portable"])
def make_rig(request: pytest.FixtureRequest, compiled_helper: None) -> Iterator[Callable[..., Rig]]:
    """Rigs with and without the compiled helper: whatever is tested holds for both."""
    rigs: list[Rig] = []

    def make(**settings: Any) -> Rig:
        rigs.append(Rig(**({"compiled_helper": request.param == "native"} | settings)))
        assert rigs[-1].engine.parts.hot_path.name == request.param
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()
