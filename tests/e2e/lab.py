"""The far end of the demo centre's trunk `lab`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.e2e.centre import Centre
from tests.support import sources
from tests.support.phone import Incoming, SipPhone
from tests.support.ports import free_port

#: Where the trunk leads, on every machine.
LAB_PORT: Final = 5081
#: What the far end says.
LAB_HZ: Final = 1000.0


@asynccontextmanager
async def open_lab(incoming: Incoming) -> AsyncIterator[SipPhone]:
    """A phone at the far end, µ-law only."""
    await lab_is_free()
    async with _lab(LAB_PORT, incoming) as phone:
        yield phone


@asynccontextmanager
async def lab_of(centre: Centre, incoming: Incoming) -> AsyncIterator[SipPhone]:
    """The same elsewhere, for a centre of a test's own that keeps it for long: others need the usual place."""
    port = free_port()
    trunk = {"host": "127.0.0.1", "port": port, "peers": [], "capacity": 1000, "direction": "out"}
    answer = await centre.ask("PUT", "trunks/lab", user="admin", json=trunk)
    assert answer.status_code == 200, answer.text
    async with _lab(port, incoming) as phone:
        yield phone


def _lab(port: int, incoming: Incoming) -> SipPhone:
    return SipPhone("lab", port=port, codecs=("PCMU",), incoming=incoming, source=sources.tone(LAB_HZ))


@asynccontextmanager
async def silent_lab() -> AsyncIterator[None]:
    """Somebody has the port and never says a word."""
    await lab_is_free()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", LAB_PORT)
    )
    yield
    transport.close()


async def lab_is_free() -> None:
    """Wait until nobody has the lab's port: another test run of this machine may."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(60):
        while True:
            try:
                transport, _ = await loop.create_datagram_endpoint(
                    asyncio.DatagramProtocol, local_addr=("127.0.0.1", LAB_PORT)
                )
            except OSError:
                await asyncio.sleep(0.2)
            else:
                transport.close()
                await asyncio.sleep(0)
                return
