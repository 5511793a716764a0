"""Where the media engine hands over what a caller says, 20 ms a packet: the other end of its taps."""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from typing import Final

#: What comes before the samples of a packet: frame number, frames lost, monotonic seconds of the last sample.
HEADER: Final = struct.Struct("<QQd")
#: No packet is longer.
PACKET_BYTES: Final = 4096


def listener(path: str) -> socket.socket:
    """Where a tap connects, for our own user only; raises OSError."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    mask = os.umask(0o177)
    try:
        listening.bind(path)
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(mask)
    listening.listen(1)
    return listening
