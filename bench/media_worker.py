"""The processes that ``bench.media`` measures: a media worker, and the bare system calls for the same packets."""

from __future__ import annotations

import logging
import os
import resource
import socket
import time
from multiprocessing.connection import Connection
from unittest import mock

import numpy as np
import structlog

from gateway.media.addresses import SOCKADDR, address_key, sockaddr
from gateway.media.audio import FRAME, TICK_SECONDS, Array
from gateway.media.native import find_hot_path
from gateway.media.packet_io import Receiver, connect
from gateway.media.rtp import HEADER_BYTES
from gateway.media.settings import MediaSettings
from gateway.media.tick_times import TickTimes
from gateway.media.worker import run_worker

_PACKET_BYTES = HEADER_BYTES + FRAME


def allow_many_sockets() -> None:
    """Thousands of phones need thousands of descriptors."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def serve(settings: MediaSettings, path: str, core: int, ready: Connection) -> None:
    """A media worker on one core; at its end it tells when its ticks were done and how long they took, seconds."""
    os.sched_setaffinity(0, {core})
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    ticks: list[tuple[float, float]] = []
    note = TickTimes.note

    def noted(times: TickTimes, seconds: float, missed: int, late: int) -> None:
        ticks.append((time.monotonic(), seconds))
        note(times, seconds, missed, late)

    with mock.patch.object(TickTimes, "note", noted):
        run_worker(settings, path, 0, lambda: ready.send("ready"))
    ready.send(np.array(ticks).reshape(-1, 2).T)


def relay_bare(peers: list[int], core: int, pipe: Connection) -> None:
    """Read and send the packets of all peers and do nothing with them: the bound that the system sets.

    The same tick, sockets and compiled loop as the engine's, without the stamps of arrival. Tells its ports, ends
    when told anything.
    """
    os.sched_setaffinity(0, {core})
    allow_many_sockets()
    count = len(peers)
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in peers]
    path = find_hot_path(True)
    receiver = Receiver(path, 1)
    names: Array = np.zeros(count, dtype=SOCKADDR)
    for row, udp in enumerate(sockets):
        udp.bind(("127.0.0.1", 0))
        receiver.add(udp.fileno(), row)
        names[row ^ 1] = sockaddr(address_key("127.0.0.1", peers[row ^ 1]))
    pipe.send([udp.getsockname()[1] for udp in sockets])
    packets: Array = np.zeros((count, _PACKET_BYTES), dtype=np.uint8)
    packets[:, 0], packets[1::2, 1], packets[::2, 1] = 0x80, 0, 8
    lengths = np.full(count, _PACKET_BYTES, dtype=np.int64)
    fds = np.array([udp.fileno() for udp in sockets], dtype=np.int32)
    rows = np.arange(count)
    connected = np.array([connect(int(fd), names[row].tobytes()) for row, fd in enumerate(fds)])
    sent = np.zeros(count, dtype=np.int64)
    due = time.monotonic()
    while not pipe.poll():
        due = max(due + TICK_SECONDS, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
        receiver.read(0.0, 0.0)
        path.send(fds, rows, packets, lengths, names, connected, sent)
