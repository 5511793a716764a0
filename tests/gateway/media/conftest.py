from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import hatch_build
from gateway.media.g711 import Law
from gateway.media.native import LIBRARY
from tests.gateway.media.peers import Peer, Rig
from tests.gateway.media.workers import Control
from tests.support.ports import PortBlock


@pytest.fixture
def ports() -> Iterator[PortBlock]:
    """RTP ports that no other test run uses."""
    block = PortBlock(400)
    yield block
    block.close()


@pytest.fixture(scope="session")
def compiled_helper() -> None:
    """The helper as the build makes it, from the source that is there now."""
    changed = max(file.stat().st_mtime for file in hatch_build.sources())
    fresh = LIBRARY.exists() and LIBRARY.stat().st_mtime >= changed
    assert fresh or hatch_build.build(), "the tests need a C compiler"


@pytest.fixture(params=["native", "portable", "native over IPv6"])
def make_rig(request: pytest.FixtureRequest, compiled_helper: None) -> Iterator[Callable[..., Rig]]:
    """Rigs with and without the compiled helper, over IPv4 and IPv6: whatever is tested holds for all."""
    rigs: list[Rig] = []

    def make(**settings: Any) -> Rig:
        native, host = request.param.startswith("native"), "::1" if "IPv6" in request.param else "127.0.0.1"
        rigs.append(Rig(**({"compiled_helper": native, "host": host} | settings)))
        assert rigs[-1].engine.parts.hot_path.name == ("native" if native else "portable")
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()


@pytest.fixture
async def make_control(tmp_path: Path) -> AsyncIterator[Callable[..., Control]]:
    controls: list[Control] = []

    def make(*names: str, **options: float) -> Control:
        controls.append(Control([tmp_path / name for name in names or ("media-0",)], **options))
        return controls[-1]

    yield make
    for control in controls:
        await control.close()


@pytest.fixture
async def peers() -> AsyncIterator[tuple[Peer, Peer]]:
    pair = (Peer(law=Law.PCMA, payload_type=8), Peer(law=Law.PCMU, payload_type=0))
    yield pair
    for peer in pair:
        peer.close()
