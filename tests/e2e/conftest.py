"""End-to-end tests run against the whole platform, started as a user starts it."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.e2e.centre import Centre, unused_numbers
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
