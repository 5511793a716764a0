from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ccplatform.contracts.words import CallId, LegId
from gateway.media.errors import CannotOpenLeg
from gateway.media.port import LocalAudio, WorkerLost
from gateway.media.ports import PortAllocator
from gateway.media.settings import MediaSettings
from gateway.media.spare_ports import LOW, STOCK, SparePorts
from tests.gateway.media.workers import Control, WorkerProcess
from tests.support.ports import PortBlock


def audio(port: int) -> LocalAudio:
    return LocalAudio(host="10.0.0.1", port=port)


def test_what_a_worker_reserved_is_used_in_order_and_more_is_asked_for_in_time() -> None:
    asked: list[tuple[int, int]] = []
    spare = SparePorts(lambda worker, count, ipv6: asked.append((worker, count)))
    assert spare.take(0) is None  # nobody is there
    spare.came(0)
    assert asked == [(0, STOCK)]
    assert spare.take(0) is None  # it did not answer yet, and is not asked twice
    assert asked == [(0, STOCK)]
    spare.reserved(0, [audio(2 * number) for number in range(STOCK)])
    taken = [spare.take(0) for _ in range(STOCK - LOW)]
    assert taken == [audio(2 * number) for number in range(STOCK - LOW)]
    assert len(asked) == 1
    assert spare.take(0) is not None
    assert asked[1:] == [(0, STOCK - LOW + 1)]


def test_a_worker_without_free_ports_is_asked_again_at_the_next_leg() -> None:
    asked: list[int] = []
    spare = SparePorts(lambda worker, count, ipv6: asked.append(count))
    spare.came(0)
    spare.reserved(0, [])
    assert spare.take(0) is None
    assert asked == [STOCK, STOCK]


def test_addresses_of_ipv6_are_asked_for_when_the_first_is_wanted_and_are_no_others() -> None:
    asked: list[tuple[int, bool]] = []
    spare = SparePorts(lambda worker, count, ipv6: asked.append((count, ipv6)))
    spare.came(0)
    spare.reserved(0, [audio(2)])
    assert asked == [(STOCK, False)]
    assert spare.take(0, ipv6=True) is None
    assert asked == [(STOCK, False), (STOCK, True)]
    spare.reserved(0, [audio(4)], ipv6=True)
    assert spare.take(0, ipv6=True) == audio(4)
    assert spare.take(0) == audio(2)
    spare.reserved(0, [audio(6)], ipv6=True)
    spare.refused(0)
    assert spare.take(0, ipv6=True) is None


def test_what_an_earlier_connection_reserved_is_forgotten() -> None:
    spare = SparePorts(lambda worker, count, ipv6: None)
    spare.came(0)
    spare.reserved(0, [audio(2)])
    spare.gone(0)
    spare.reserved(0, [audio(4)])  # too late
    assert spare.take(0) is None
    spare.came(0)
    assert spare.take(0) is None


def test_reserved_ports_are_taken_once_and_given_back_when_nobody_wants_them(ports: PortBlock) -> None:
    allocator = PortAllocator(range(ports.first, ports.first + 16, 2), bind_ip="127.0.0.1")
    reserved = allocator.reserve(5)
    assert reserved == [ports.first, ports.first + 2]  # a quarter of what is free, at most
    pair = allocator.take(reserved[0])
    assert pair.rtp.getsockname()[1] == reserved[0]
    with pytest.raises(CannotOpenLeg, match="was not reserved"):
        allocator.take(reserved[0])
    rest = [allocator.open() for _ in range(6)]
    with pytest.raises(CannotOpenLeg, match="no RTP port is free"):
        allocator.open()
    allocator.let_go()
    with pytest.raises(CannotOpenLeg, match="was not reserved"):
        allocator.take(reserved[1])
    last = allocator.open()
    assert last.port == reserved[1]
    for one in (pair, last, *rest):
        one.close()


@pytest.fixture
async def small_worker(ports: PortBlock, tmp_path: Path) -> AsyncIterator[WorkerProcess]:
    settings = MediaSettings(rtp_ports=f"{ports.first}-{ports.last}", max_legs_per_worker=2)
    process = WorkerProcess(settings, tmp_path / "media-0")
    yield process
    assert process.stop() == 0


async def test_a_leg_whose_address_was_there_ahead_but_not_its_row_has_lost_its_worker(
    small_worker: WorkerProcess, make_control: Callable[..., Control]
) -> None:
    control = make_control()
    await control.pool.start()
    assert await control.open("a") is not None  # the worker has answered what was asked before
    opened: list[LocalAudio | None] = []
    control.pool.open_leg(CallId("call"), LegId("b"), opened.append)
    control.pool.open_leg(CallId("call"), LegId("c"), opened.append)
    assert [type(local) for local in opened] == [LocalAudio, LocalAudio]  # at once
    (lost,) = await control.wait_for(WorkerLost)
    assert lost.legs == (LegId("c"),)
    assert await control.open("c") is None  # this time it was asked first
