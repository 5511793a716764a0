"""The end of control: running calls end by themselves, or are ended when the time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ccplatform.app.control import drain


class Calls:
    def __init__(self, active: int, *, obeys: bool = True) -> None:
        self.active = active
        self.on_idle: Callable[[], None] | None = None
        self.obeys = obeys
        self.hung_up = 0

    def end_one(self) -> None:
        self.active -= 1
        if not self.active and self.on_idle is not None:
            self.on_idle()

    def hang_up_all(self) -> None:
        self.hung_up += 1
        while self.obeys and self.active:
            self.end_one()


def control_with(calls: Calls) -> Any:
    return SimpleNamespace(calls=calls, draining=False)


async def test_without_calls_the_end_comes_at_once() -> None:
    control = control_with(Calls(0))
    await drain(control, 1000.0)
    assert control.draining


async def test_the_last_call_ends_the_drain() -> None:
    control = control_with(Calls(2))
    draining = asyncio.ensure_future(drain(control, 1000.0))
    await asyncio.sleep(0)
    assert control.draining
    control.calls.end_one()
    await asyncio.sleep(0)
    assert not draining.done()
    control.calls.end_one()
    await draining
    assert control.calls.hung_up == 0


@pytest.mark.parametrize("obeys", [True, False])
async def test_when_the_time_is_over_calls_are_ended(monkeypatch: pytest.MonkeyPatch, obeys: bool) -> None:
    monkeypatch.setattr("ccplatform.app.control.HANG_UP_SECONDS", 0.01)
    control = control_with(Calls(3, obeys=obeys))
    await drain(control, 0.01)
    assert control.calls.hung_up == 1
    assert control.calls.active == (0 if obeys else 3)
