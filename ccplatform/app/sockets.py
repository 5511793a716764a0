"""Listening sockets, with errors that name the port."""

from __future__ import annotations

import errno
import socket

from ccplatform.app.errors import CannotStart


def listen_tcp(host: str, port: int, what: str) -> socket.socket:
    """A bound TCP socket; raises :class:`CannotStart` naming a used port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        raise CannotStart(f"TCP port {port} on {host} ({what}) {reason}") from None
    listener.setblocking(False)
    return listener
