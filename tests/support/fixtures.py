"""Pytest fixtures of the end-to-end tests: the platform, phones, seats. Import them in a conftest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from tests.support.phone import Incoming, SipPhone
from tests.support.platform import PlatformProcess
from tests.support.sources import Source

MakePhone = Callable[..., Awaitable[SipPhone]]


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """The platform with the demo centre, one for all tests. Who breaks it takes ``own_platform``."""
    started = PlatformProcess(tmp_path_factory.mktemp("platform"))
    try:
        started.start()
        yield started
        code = started.stop()
    finally:
        started.close()
    assert code == 0, f"exit {code} after SIGTERM\n{started.tail()}"


@pytest.fixture
def own_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformProcess]:
    """A platform of this test alone: processes may be killed."""
    started = PlatformProcess(tmp_path_factory.mktemp("p"))  # short: Unix sockets lie below
    try:
        yield started.start()
    finally:
        started.close()


@pytest.fixture
async def phone() -> AsyncIterator[MakePhone]:
    """Make phones that are hung up and closed at the end: ``caller = await phone("13800000001")``."""
    async with AsyncExitStack() as stack:

        async def make(
            user: str = "13800000001",
            *,
            password: str = "",
            transport: str = "udp",
            codecs: tuple[str, ...] = ("PCMA", "PCMU"),
            algorithm: str | None = None,
            incoming: Incoming | None = None,
            source: Source | None = None,
            telephone_event: bool = True,
        ) -> SipPhone:
            return await stack.enter_async_context(
                SipPhone(
                    user,
                    password=password,
                    transport=transport,
                    codecs=codecs,
                    algorithm=algorithm,
                    incoming=incoming,
                    source=source,
                    telephone_event=telephone_event,
                )
            )

        yield make
