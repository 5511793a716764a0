"""Sockets of legs whose peer is known: connected to it, so that the kernel looks for the way there once and not
for each packet, and keeps strangers out by itself.

A leg is *settled* when it hears the address that signalling gave. It is so no more when another source might take
over (:mod:`.sources`), that is after silence, and when its address or its security changes. A peer that is heard
from another address than the signalled one, by latching or by authentic packets, is not settled with: the
signalled one always wins.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from gateway.media.addresses import same
from gateway.media.parts import Parts
from gateway.media.settings import MediaSettings

_TICKS: Final = 10
#: Sockets connected at once: when hundreds of calls begin together, the tick is to bear it.
_MOST: Final = 100


class Settling:
    """Connects and disconnects the sockets of all legs, some ticks after there is a reason to."""

    def __init__(self, parts: Parts, settings: MediaSettings) -> None:
        self._parts = parts
        self._relatch_seconds = settings.relatch_seconds
        self._ticks = 0

    def tick(self, now: float) -> None:
        """Settle legs, and let others hear everybody again."""
        self._ticks += 1
        if self._ticks % _TICKS:
            return
        high, sources, sender = self._parts.table.high, self._parts.sources, self._parts.sender
        quiet = now - sources.last_heard[:high] >= self._relatch_seconds
        open_to_others = quiet | self._parts.transforms.protected[:high]
        connected = sender.connected[:high]
        for row in np.flatnonzero(connected & open_to_others).tolist():
            sender.disconnect(row)
        known = sources.heard[:high] & same(sources.source[:high], sources.signalled[:high])
        ready = known & sender.sending[:high] & sender.connectable[:high] & ~connected & ~open_to_others
        for row in np.flatnonzero(ready)[:_MOST].tolist():
            sender.connect(row)
