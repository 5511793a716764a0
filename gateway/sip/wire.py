"""The sockets, as the SIP service sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway.sip.connections import FlowUser
from gateway.sip.flows import Flow


class Wire(Protocol):
    """The sockets below."""

    @property
    def ports(self) -> Mapping[str, int]:
        """The port of each transport that is listened on."""

    async def open(self, user: FlowUser) -> None:
        """Listen."""

    async def close(self) -> None:
        """Stop."""

    def send(self, data: bytes, flow: Flow) -> None:
        """Send a message."""
