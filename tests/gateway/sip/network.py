"""A network in memory: datagrams that are late, lost, doubled or out of order, as a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ccplatform.kernel.clock import VirtualClock
from gateway.errors import SipParseError
from gateway.sip.connections import FlowUser
from gateway.sip.flows import Flow
from gateway.sip.parser import parse_message

#: Fate of a datagram: the delays, in seconds, of its copies; none: lost.
Fate = Callable[[bytes], list[float]]

DELAY = 0.01


def in_order(_: bytes) -> list[float]:
    return [DELAY]


class Network:
    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.fate: Fate = in_order
        self.sent: list[str] = []
        self._nodes: dict[tuple[str, int], MemoryWire] = {}
        self._strangers: dict[tuple[str, int], list[bytes]] = {}

    def wire(self, host: str, port: int = 5060) -> MemoryWire:
        made = MemoryWire(self, host, port)
        self._nodes[host, port] = made
        return made

    def stranger(self, host: str, port: int = 5060) -> Stranger:
        return Stranger(self, host, port, self._strangers.setdefault((host, port), []))

    def carry(self, data: bytes, source: tuple[str, int], target: tuple[str, int]) -> None:
        self.sent.append(_start_line(data))
        for delay in self.fate(data):
            self.clock.call_at(self.clock.now() + delay, lambda: self._arrive(data, source, target))

    def _arrive(self, data: bytes, source: tuple[str, int], target: tuple[str, int]) -> None:
        if target in self._strangers:
            self._strangers[target].append(data)
        node = self._nodes.get(target)
        if node is not None and node.user is not None:
            flow = Flow("UDP", *source)
            try:
                message = parse_message(data)
            except SipParseError as error:
                node.user.malformed(error, flow)
            else:
                node.user.received(message, flow)


class MemoryWire:
    def __init__(self, network: Network, host: str, port: int) -> None:
        self.port = port
        self.ports = {"UDP": port, "TCP": port}
        self.user: FlowUser | None = None
        self._network = network
        self._host = host

    async def open(self, user: FlowUser) -> None:
        self.user = user

    async def close(self) -> None:
        self.user = None

    def send(self, data: bytes, flow: Flow) -> None:
        self._network.carry(data, (self._host, self.port), (flow.host, flow.port))


class Stranger:
    """Sends raw text and reads raw answers."""

    def __init__(self, network: Network, host: str, port: int, inbox: list[bytes]) -> None:
        self._network = network
        self._address = (host, port)
        self._inbox = inbox

    def send(self, text: str | bytes, target: tuple[str, int]) -> None:
        data = text if isinstance(text, bytes) else text.replace("\n", "\r\n").encode()
        self._network.carry(data, self._address, target)

    def heard(self) -> list[str]:
        self._network.clock.advance(0.1)
        messages = [data.decode() for data in self._inbox]
        self._inbox.clear()
        return messages


def losing(which: Iterator[bool]) -> Fate:
    """Lose the datagrams for which ``which`` yields True; deliver all when it is exhausted."""

    def fate(_: bytes) -> list[float]:
        return [] if next(which, False) else [DELAY]

    return fate


def _start_line(data: bytes) -> str:
    return data.split(b"\r\n", 1)[0].decode("utf-8", "replace")
