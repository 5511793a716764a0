from __future__ import annotations

import pytest

from ccplatform.kernel.clock import VirtualClock
from tests.gateway.sip.centre import Centre, seat, trunk
from tests.gateway.sip.network import Network


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def network(clock: VirtualClock) -> Network:
    return Network(clock)


@pytest.fixture
async def calling(clock: VirtualClock, network: Network) -> Centre:
    """The one who calls: its trunk ``far`` leads to :func:`called`."""
    centre = Centre("10.0.0.1", clock, network.wire("10.0.0.1"), trunks=[trunk("far", "10.0.0.2")])
    await centre.open()
    return centre


@pytest.fixture
async def called(clock: VirtualClock, network: Network) -> Centre:
    """The one who is called: trunk ``near`` comes from :func:`calling`; seats 8001 and 8002."""
    centre = Centre(
        "10.0.0.2",
        clock,
        network.wire("10.0.0.2"),
        trunks=[trunk("near", "10.0.0.1")],
        seats=[seat(1), seat(2)],
    )
    await centre.open()
    return centre
