"""SIP over WebSocket (RFC 7118), the server's side, without IO: one message is one WebSocket message."""

from __future__ import annotations

from typing import Final

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from gateway.errors import SipParseError
from gateway.sip.message import SipMessage
from gateway.sip.parser import MAX_MESSAGE_BYTES, parse_message

_PING: Final = b"\r\n\r\n"
_PONG: Final = b"\r\n"


class WebSocketFramer:
    """Takes the bytes of one connection, from the HTTP handshake on; the subprotocol must be ``sip``."""

    def __init__(self) -> None:
        self._protocol = ServerProtocol(subprotocols=[Subprotocol("sip")], max_size=MAX_MESSAGE_BYTES)
        self._parts: list[bytes] = []

    @property
    def ended(self) -> bool:
        """Whether the connection is to be closed: a refused handshake, a close, a violation of the protocol."""
        return self._protocol.state is State.CLOSED or self._protocol.close_expected()

    def feed(self, data: bytes) -> list[SipMessage | SipParseError]:
        """Take bytes; return the messages that are complete, errors of those that are malformed."""
        self._protocol.receive_data(data)
        out: list[SipMessage | SipParseError] = []
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._parts.append(bytes(event.data))
                if event.fin:
                    whole, self._parts = b"".join(self._parts), []
                    out += self._message(whole)
        return out

    def wrap(self, data: bytes) -> bytes:
        """A SIP message as it goes out; nothing when the handshake is not done or the connection is closing."""
        if self._protocol.state is not State.OPEN:
            return b""
        try:
            data.decode()
        except UnicodeDecodeError:
            self._protocol.send_binary(data)
        else:
            self._protocol.send_text(data)
        return self.outgoing()

    def outgoing(self) -> bytes:
        """What the protocol itself has to say: handshake, pong, close."""
        return b"".join(self._protocol.data_to_send())

    def _message(self, data: bytes) -> list[SipMessage | SipParseError]:
        if not data.strip():  # keep-alive (RFC 5626 section 3.5.1, RFC 7118 section 6)
            if data == _PING:
                self._protocol.send_text(_PONG)
            return []
        try:
            return [parse_message(data)]
        except SipParseError as error:
            return [error]
