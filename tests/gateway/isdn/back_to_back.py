"""Two stacks of libpri, network and user side, joined by their frames."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from gateway.isdn.pri.libpri import NoLibpri, load
from gateway.isdn.pri.stack import Stack
from tests.support.milestone import PATIENCE


def libpri_there() -> bool:
    try:
        load()
    except NoLibpri:
        return False
    return True


needs_libpri = pytest.mark.skipif(not libpri_there(), reason="libpri1.4 is not installed")


class Link:
    """``user`` and ``network``, whose layer 2 is up. Events lie in ``heard`` of each side until they are taken."""

    def __init__(self, *, overlap: bool = False, timers: dict[str, int] | None = None) -> None:
        self.frames: list[tuple[str, bytes]] = []
        self.whole = True  # frames go through
        self.spoil: Callable[[bytes], bytes] = lambda frame: frame  # what the line makes of them
        self._to: dict[str, deque[bytes]] = {"user": deque(), "network": deque()}
        self.heard: dict[str, deque[dict[str, Any]]] = {"user": deque(), "network": deque()}
        self.stacks: dict[str, Stack] = {}
        for side, other in (("user", "network"), ("network", "user")):
            self.stacks[side] = Stack(
                side, send=self._to[other].append, tell=self.heard[side].append, overlap=overlap, timers=timers
            )
        self.run_until(lambda: all({"event": "up"} in told for told in self.heard.values()))
        for told in self.heard.values():
            told.clear()

    def do(self, side: str, command: str, **more: Any) -> None:
        """A command, and all frames that follow from it."""
        self.stacks[side].command({"command": command, **more})
        self.pump()

    def take(self, side: str, event: str) -> dict[str, Any]:
        """The next event, which must be this one."""
        assert self.heard[side], f"{side} hears nothing, {event} was expected"
        found = self.heard[side].popleft()
        assert found["event"] == event, found
        return found

    def pump(self) -> None:
        while any(self._to.values()):
            for side, frames in self._to.items():
                while frames:
                    frame = frames.popleft()
                    if self.whole:
                        self.frames.append((side, frame))
                        self.stacks[side].frame(self.spoil(frame))

    def inject(self, side: str, frame: bytes) -> None:
        self.stacks[side].frame(frame)
        self.pump()

    def run_until(self, condition: Any) -> None:
        give_up = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < give_up
            for stack in self.stacks.values():
                stack.run_timers()
            self.pump()
            time.sleep(0.002)
