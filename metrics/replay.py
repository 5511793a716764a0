"""Each event once: which numbers of a stream were seen, at constant memory.

An event's id is unique, and so is (epoch, seq), which identifies the same event in less room: one bit. The
window is the anti-replay window of RFC 4303 (3.4.3), for each epoch of the control process.
"""

from __future__ import annotations

from typing import Any

#: How far out of order an event may come, in events; one further back is taken for a repetition.
REPLAY_EVENTS = 1 << 16
#: Epochs (runs of the control process) remembered; the longest silent one is forgotten first.
MAX_EPOCHS = 64


class _Window:
    """Numbers seen of one epoch, as bits in blocks: number ``n`` is bit ``n % 64`` of block ``n // 64``."""

    __slots__ = ("blocks", "newest")

    def __init__(self) -> None:
        self.newest = 0
        self.blocks: dict[int, int] = {}


class ReplayWindow:
    """Tells first sights from repetitions. Gaps are normal: facts that are not live are never sent."""

    _BLOCK = 64

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}
        self.repeated = 0

    def first_sight(self, epoch: str, seq: int) -> bool:
        """Whether (epoch, seq) was not seen before; remembers it."""
        window = self._windows.get(epoch)
        if window is None:
            window = self._open(epoch)
        block, bit = seq // self._BLOCK, 1 << seq % self._BLOCK
        seen = window.blocks.get(block, 0)
        if seen & bit or seq <= window.newest - REPLAY_EVENTS:
            self.repeated += 1
            return False
        window.blocks[block] = seen | bit
        if seq > window.newest:
            self._forget(window, seq)
            window.newest = seq
        return True

    def snapshot(self) -> dict[str, Any]:
        """JSON-able state."""
        return {
            epoch: {"newest": window.newest, "blocks": [list(block) for block in sorted(window.blocks.items())]}
            for epoch, window in self._windows.items()
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take the state of a snapshot."""
        self._windows = {}
        for epoch, stored in data.items():
            window = self._windows[epoch] = _Window()
            window.newest = stored["newest"]
            window.blocks = dict(stored["blocks"])

    def _open(self, epoch: str) -> _Window:
        while len(self._windows) >= MAX_EPOCHS:
            del self._windows[next(iter(self._windows))]
        window = self._windows[epoch] = _Window()
        return window

    def _forget(self, window: _Window, newest: int) -> None:
        first = max(0, window.newest - REPLAY_EVENTS) // self._BLOCK
        keep = max(0, newest - REPLAY_EVENTS) // self._BLOCK
        if keep - first > len(window.blocks):
            window.blocks = {number: bits for number, bits in window.blocks.items() if number >= keep}
            return
        for number in range(first, keep):
            window.blocks.pop(number, None)
