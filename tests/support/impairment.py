"""A bad network as a relay of two sockets."""

from __future__ import annotations

import heapq
import selectors
import socket
import threading
import time
from typing import Final

import numpy as np

from ccplatform.proof.networks import Network

_LARGEST: Final = 2048


class ImpairedLink:
    """A UDP relay: what comes to ``near`` leaves from ``far`` to ``target`` as the network lets it; back at once.

    A peer that sends to ``near`` is, for the other side, at the address of ``far``. The relay runs in a thread of
    its own until :meth:`close`.
    """

    def __init__(self, network: Network, target: tuple[str, int], seed: int) -> None:
        self.near, self.far = _socket(), _socket()
        self.lost = 0
        self.late_seconds = 0.0  # how long after its time a packet left, at most: this process had to wait
        self._network = network
        self._target = target
        self._generator = np.random.default_rng(seed)
        self._peer: tuple[str, int] | None = None
        self._due: list[tuple[float, int, bytes]] = []
        self._count = 0
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="impaired-link", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Drop what is under way."""
        self._stop.close()
        self._thread.join()
        for each in (self.near, self.far, self._stopped):
            each.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for each in (self.near, self.far, self._stopped):
                selector.register(each, selectors.EVENT_READ)
            while True:
                wait = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
                ready = {key.fileobj for key, _ in selector.select(wait)}
                if self._stopped in ready:
                    return
                if self.near in ready:
                    self._take()
                if self.far in ready:
                    self._give_back()
                while self._due and (late := time.monotonic() - self._due[0][0]) >= 0:
                    self.late_seconds = max(self.late_seconds, late)
                    self.far.sendto(heapq.heappop(self._due)[2], self._target)

    def _take(self) -> None:
        data, self._peer = self.near.recvfrom(_LARGEST)
        fate = float(self._network.fates(self._generator, 1)[0])
        if fate == np.inf:
            self.lost += 1
            return
        self._count += 1
        heapq.heappush(self._due, (time.monotonic() + fate, self._count, data))

    def _give_back(self) -> None:
        data = self.far.recv(_LARGEST)
        if self._peer is not None:
            self.near.sendto(data, self._peer)


def _socket() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    return udp
