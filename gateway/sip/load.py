"""How busy this node is: lag of the event loop, processor, memory, messages that wait."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.sip.overload import Load

#: Weight of the newest measurement in the means: some half a second counts.
_WEIGHT: Final = 0.25
#: How often memory is looked at, seconds.
_MEMORY_SECONDS: Final = 2.0
#: SO_MEMINFO of Linux: nine numbers, the first is what waits in the receive buffer, bytes.
_SO_MEMINFO: Final = 55
_MEMINFO: Final = struct.Struct("=9I")
#: What the kernel counts for one message of usual size.
_BYTES_OF_A_MESSAGE: Final = 2304
_MEMINFO_FILE: Final = Path("/proc/meminfo")
_CGROUP: Final = Path("/sys/fs/cgroup")


class LoadMeter:
    """Measures between calls of :meth:`measure`; ``waiting`` counts the messages that came and were not read."""

    def __init__(
        self,
        *,
        waiting: Callable[[], int],
        cpu_seconds: Callable[[], float] = time.thread_time,
        memory: Callable[[], float] | None = None,
    ) -> None:
        self._waiting = waiting
        self._cpu_seconds = cpu_seconds
        self._read_memory = memory or memory_in_use
        self._at: float | None = None
        self._cpu_at = 0.0
        self._lag = self._cpu = self._memory = 0.0
        self._memory_at = float("-inf")

    def measure(self, now: float, lag_seconds: float) -> Load:
        """The load up to ``now``; ``lag_seconds`` is by how much the loop was late for this."""
        cpu_at = self._cpu_seconds()
        if self._at is not None and now > self._at:
            used = min(1.0, (cpu_at - self._cpu_at) / (now - self._at))
            self._cpu += _WEIGHT * (used - self._cpu)
        self._at, self._cpu_at = now, cpu_at
        self._lag += _WEIGHT * (max(0.0, lag_seconds) - self._lag)
        if now - self._memory_at >= _MEMORY_SECONDS:
            self._memory, self._memory_at = self._read_memory(), now
        return Load(lag_seconds=self._lag, waiting=self._waiting(), cpu=self._cpu, memory=self._memory)


def waiting_messages(udp: socket.socket) -> int:
    """Messages in a socket's receive buffer, about; 0 where the system does not tell."""
    try:
        data = udp.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    except OSError:
        return 0
    return _MEMINFO.unpack(data)[0] // _BYTES_OF_A_MESSAGE if len(data) == _MEMINFO.size else 0


def memory_in_use(meminfo: Path = _MEMINFO_FILE, cgroup: Path = _CGROUP) -> float:
    """The share of the machine's memory in use, or of the container's when that is more; 0 where it cannot be
    read."""
    return max(_of_machine(meminfo), _of_container(cgroup))


def _of_machine(meminfo: Path) -> float:
    try:
        fields = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        total, available = (int(fields[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
        return 1.0 - available / total
    except (OSError, KeyError, ValueError, IndexError, ZeroDivisionError):
        return 0.0


def _of_container(cgroup: Path) -> float:
    """Version 2 of cgroups; the page cache that can be given up does not count."""
    try:
        limit, used = ((cgroup / name).read_text().strip() for name in ("memory.max", "memory.current"))
        statistics = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
        return 0.0 if limit == "max" else (int(used) - int(statistics["inactive_file"])) / int(limit)
    except (OSError, KeyError, ValueError, ZeroDivisionError):
        return 0.0
