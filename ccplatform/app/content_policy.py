"""What pages may load and whom they may talk to (Content Security Policy Level 3): this server, and the SIP over
WebSocket of the telephone in them. A script that got in some way cannot send what it finds anywhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

#: Names and IPv4 addresses, as sources of a policy may have them (its section 2.3.1).
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")

#: The address of SIP over WebSocket for a page that was opened by a host; None: it is not served.
PhoneServer = Callable[[str], str | None]


def content_policy(host: str, phone: PhoneServer) -> str:
    """The policy for a page whose request named ``host`` (name or address, with a port if it is not the usual
    one)."""
    connect = " ".join(("'self'", *_own(host), *_phone(host, phone)))
    return (
        f"default-src 'self'; connect-src {connect}; img-src 'self' data:; media-src 'self' blob:; "
        "style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'self'"
    )


def _own(host: str) -> Iterator[str]:
    """The event socket, for browsers to whom 'self' means HTTP alone; TLS may end before us."""
    source = _source(host)
    if source is not None:
        yield f"ws://{source}"
        yield f"wss://{source}"


def _phone(host: str, phone: PhoneServer) -> Iterator[str]:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    address = phone(name)
    if address is not None:
        parts = urlsplit(address)
        source = _source(parts.netloc)
        if source is not None and parts.scheme in ("ws", "wss"):
            yield f"{parts.scheme}://{source}"


def _source(netloc: str) -> str | None:
    """A host with its port as a source; an IPv6 address, which a policy cannot name, is any host at its port."""
    try:
        parts = urlsplit(f"//{netloc}")
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if ":" in name:
        return None if port is None else f"*:{port}"
    if not _HOST.fullmatch(name):
        return None
    return name if port is None else f"{name}:{port}"
