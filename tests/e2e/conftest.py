"""End-to-end tests run against the whole platform, started as a user starts it."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.e2e.centre import Centre, unused_numbers
from tests.e2e.rig import centre_of
from tests.support.fixtures import own_platform, phone, platform
from tests.support.milestone import PATIENCE
from tests.support.platform import PlatformProcess

__all__ = ["callers", "centre", "own_platform", "phone", "platform", "tokens"]


@pytest.fixture(scope="session")
def tokens() -> dict[str, str]:
    """Bearer tokens of the session's platform, by user; filled as they are needed."""
    return {}


@pytest.fixture(scope="session")
def callers() -> Iterator[int]:
    """Numbers for callers, each used once."""
    return unused_numbers()


@pytest.fixture
async def centre(
    platform: PlatformProcess, tokens: dict[str, str], callers: Iterator[int]
) -> AsyncIterator[Centre]:
    """The session's platform with the demo centre."""
    async with httpx.AsyncClient(base_url=platform.http, timeout=PATIENCE) as client:
        yield Centre(platform, tokens, callers, client)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """A platform with two media workers."""
    with PlatformProcess(
        tmp_path_factory.mktemp("w"),
        environment={"CCP_MEDIA__WORKERS": "2", "CCP_MEDIA__WORKER_WAIT_SECONDS": "30"},
    ) as started:
        yield started


@pytest.fixture
async def struck(pair: PlatformProcess, callers: Iterator[int]) -> AsyncIterator[Centre]:
    """The centre of two workers, whose processes a test may kill."""
    async with centre_of(pair, callers) as centre:
        yield centre
        await centre.nothing_left()
