"""A table of open files of its own for a thread that works beside the tick.

While threads share a table, the kernel counts every use of a socket with two atomic operations: at 2,000 legs
0.24 ms of each tick (docs/decisions/0018-compiled-helper.md). A thread that opens all its files itself needs none
of those of others.
"""

from __future__ import annotations

import ctypes
from typing import Final

_FIRST: Final = 3  # after the standard ones
_LAST: Final = 0xFFFFFFFF
_UNSHARE: Final = 2  # close_range(2), CLOSE_RANGE_UNSHARE


def leave_shared_files() -> None:
    """Give the calling thread a table of its own, in which only the standard files are open.

    Files that others have opened, or will, are closed to it, and its files to them. Where the system cannot do
    that, all goes on as before.
    """
    close_range = getattr(ctypes.CDLL(None), "close_range", None)
    if close_range is not None:
        close_range(ctypes.c_uint(_FIRST), ctypes.c_uint(_LAST), ctypes.c_int(_UNSHARE))
