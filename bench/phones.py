"""Many phones and callers behind one UDP socket, in a process of their own: only as much SIP as a bench needs.

The kernel stamps what arrives, so that a late turn of this process makes nobody else look slow.
"""

from __future__ import annotations

import enum
import multiprocessing
import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Final

from tests.support import sip
from tests.support.milestone import PeerError
from tests.support.sip import Address, Credentials, Message

#: Linux: the wall time at which the kernel had a datagram, as seconds and nanoseconds.
_SO_TIMESTAMPNS: Final = 35
_TIMESPEC: Final = struct.Struct("@ll")
#: REGISTERs that wait for their answer at once.
_WINDOW: Final = 20


class Answer(enum.Enum):
    """What the phones do with calls."""

    TALK = enum.auto()  # answer at once
    REJECT = enum.auto()  # 486


@dataclass(frozen=True, slots=True)
class Rung:
    """An INVITE that reached a phone: wall time of the kernel, its contact, the phone."""

    at: float
    contact: str
    user: str


class Phones:
    """The process, seen from the bench. ``users`` have passwords ``PREFIXuser``."""

    def __init__(self, target: Address, users: Sequence[str], *, password: str = "demo-") -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, target, tuple(users), password)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)

    def __enter__(self) -> Phones:
        self._process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join(5)

    def register(self, limit: float = 60.0) -> None:
        """Register every phone."""
        self._ask(("register",), limit)

    def behave(self, answer: Answer) -> None:
        """What is done with calls from now on."""
        self._ask(("behave", answer))

    def call(self, number: str, count: int, rate: float, limit: float = 60.0) -> None:
        """Call a number so many times and stay on the line; returns when all are answered."""
        self._ask(("call", number, count, rate), limit + count / rate)

    def hang_up(self) -> None:
        """End the calls that :meth:`call` made."""
        self._ask(("hang_up",))

    def rung(self) -> list[Rung]:
        """The calls that reached phones since it was asked last."""
        found: list[Rung] = self._ask(("rung",))
        return found

    def _ask(self, order: tuple[Any, ...], limit: float = 10.0) -> Any:
        self._pipe.send(order)
        if not self._pipe.poll(limit):
            raise PeerError(f"the phones did not {order[0]} within {limit:g} s")
        answer = self._pipe.recv()
        if isinstance(answer, PeerError):
            raise answer
        return answer


def _serve(pipe: Connection, target: Address, users: tuple[str, ...], password: str) -> None:
    _Switch(pipe, target, users, password).run()


@dataclass(slots=True)
class _Switch:
    """The process itself: one socket, one loop."""

    pipe: Connection
    target: Address
    users: tuple[str, ...]
    password: str
    wire: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    ears: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    answer: Answer = Answer.TALK
    rung: list[Rung] = field(default_factory=list)
    answered: dict[str, bytes] = field(default_factory=dict)  # by Call-ID, for repeated INVITEs
    to_register: list[str] = field(default_factory=list)
    registering: set[str] = field(default_factory=set)
    calls: dict[str, Message | None] = field(default_factory=dict)  # by Call-ID: the 200, when it came
    to_call: tuple[str, int, float] = ("", 0, 1.0)
    call_at: float = 0.0
    waiting: str = ""  # what the bench waits for

    def run(self) -> None:
        self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        self.wire.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.wire.bind(("127.0.0.1", 0))
        self.ears.bind(("127.0.0.1", 0))  # sound is sent there and thrown away by the kernel
        while True:
            pause = 1.0 if not self.to_call[1] else max(0.0, self.call_at - time.monotonic())
            ready, _, _ = select.select([self.wire.fileno(), self.pipe.fileno()], [], [], pause)
            if self.wire.fileno() in ready:
                self._receive()
            if self.pipe.fileno() in ready:
                self._take(*self.pipe.recv())
            self._go_on()

    def _take(self, order: str, *arguments: Any) -> None:
        match order:
            case "register":
                self.to_register, self.waiting = list(self.users), order
            case "behave":
                self.answer = arguments[0]
                self.pipe.send(None)
            case "call":
                number, count, rate = arguments
                self.to_call, self.call_at, self.waiting = (number, count, rate), time.monotonic(), order
            case "hang_up":
                for call_id, answer in self.calls.items():
                    if answer is not None:
                        self._send(self._in_dialog("BYE", call_id, answer, 2))
                self.calls.clear()
                self.pipe.send(None)
            case "rung":
                self.pipe.send(self.rung)
                self.rung = []

    def _go_on(self) -> None:
        while self.to_register and len(self.registering) < _WINDOW:
            user = self.to_register.pop()
            self.registering.add(user)
            self._send(self._register(user))
        number, left, rate = self.to_call
        if left and time.monotonic() >= self.call_at:
            self.to_call, self.call_at = (number, left - 1, rate), self.call_at + 1 / rate
            self._invite(number, left)
        registered = self.waiting == "register" and not self.registering
        called = self.waiting == "call" and not self.to_call[1] and all(self.calls.values())
        if registered or called:
            self.waiting = ""
            self.pipe.send(None)

    def _receive(self) -> None:
        data, extra, _, _ = self.wire.recvmsg(65536, 64)
        seconds, nanoseconds = _TIMESPEC.unpack(extra[0][2]) if extra else (time.time(), 0)
        message = sip.parse(data)
        call_id, (_, method) = message.get("call-id"), message.cseq
        if message.method == "INVITE":
            self._ring(message, call_id, seconds + nanoseconds / 1e9)
        elif message.method in ("BYE", "CANCEL"):
            self._send(sip.reply(message, 200))
        elif message.status == 401 and method == "REGISTER":
            self._register_again(message)
        elif message.status == 200 and method == "REGISTER":
            self.registering.discard(sip.user_of(message.get("to")))
        elif message.status >= 200 and method in ("REGISTER", "INVITE") and call_id not in self.calls:
            self.pipe.send(PeerError(f"{method} got {message.status} {message.reason}"))
        elif message.status >= 300 and method == "INVITE":
            self.pipe.send(PeerError(f"INVITE got {message.status} {message.reason}"))
        elif message.status >= 200 and method == "INVITE":
            self.calls[call_id] = message
            self._send(self._in_dialog("ACK", call_id, message, 1))

    def _ring(self, invite: Message, call_id: str, at: float) -> None:
        known = self.answered.get(call_id)
        if known is not None:
            self.wire.sendto(known, self.target)
            return
        user = sip.user_of(invite.uri)
        self.rung.append(Rung(at, invite.get("x-contact-id"), user))
        response = sip.reply(invite, 200 if self.answer is Answer.TALK else 486, to_tag=sip.new_tag())
        if self.answer is Answer.TALK:
            response.add("Contact", f"<{self._uri(user)}>")
            self._describe(response)
        self.answered[call_id] = response.encode()
        self._send(response)

    def _register(self, user: str) -> Message:
        host, port = self.target
        message = Message(method="REGISTER", uri=f"sip:{host}:{port}")
        self._head(message, user, f"sip:{user}@{host}", f"{user}@bench", 1)
        message.add("Contact", f"<{self._uri(user)}>")
        message.add("Expires", "3600")
        return message

    def _register_again(self, challenge: Message) -> None:
        user = sip.user_of(challenge.get("to"))
        message = self._register(user)
        credentials = Credentials(user=user, password=f"{self.password}{user}", algorithm="MD5")
        answer = credentials.answer(challenge, "REGISTER", message.uri)
        if challenge.cseq[0] > 1 or answer is None:
            self.pipe.send(PeerError(f"REGISTER of {user} is challenged again"))
            return
        message.headers = [(k, "2 REGISTER" if k == "CSeq" else v) for k, v in message.headers]
        message.add(*answer)
        self._send(message)

    def _invite(self, number: str, serial: int) -> None:
        host, port = self.target
        call_id = f"{sip.new_tag()}@bench"
        uri = f"sip:{number}@{host}:{port}"
        message = Message(method="INVITE", uri=uri)
        self._head(message, f"1390000{serial:04}", uri, call_id, 1)
        message.add("Contact", f"<{self._uri('bench')}>")
        self._describe(message, "recvonly")  # who is to send and does not is taken for dead after a while
        self.calls[call_id] = None
        self._send(message)

    def _in_dialog(self, method: str, call_id: str, answer: Message, cseq: int) -> Message:
        message = Message(method=method, uri=sip.uri_of(answer.get("contact")))
        message.add("Via", self._via())
        message.add("Max-Forwards", "70")
        message.add("From", answer.get("from"))
        message.add("To", answer.get("to"))
        message.add("Call-ID", call_id)
        message.add("CSeq", f"{cseq} {method}")
        return message

    def _head(self, message: Message, user: str, to: str, call_id: str, cseq: int) -> None:
        message.add("Via", self._via())
        message.add("Max-Forwards", "70")
        message.add("From", f"<sip:{user}@{self.target[0]}>;tag={sip.new_tag()}")
        message.add("To", f"<{to}>")
        message.add("Call-ID", call_id)
        message.add("CSeq", f"{cseq} {message.method}")

    def _describe(self, message: Message, direction: str = "sendrecv") -> None:
        port = self.ears.getsockname()[1]
        message.add("Content-Type", "application/sdp")
        lines = ("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0")
        media = (f"m=audio {port} RTP/AVP 8", "a=rtpmap:8 PCMA/8000", f"a={direction}", "")
        message.body = "\r\n".join((*lines, *media)).encode()

    def _uri(self, user: str) -> str:
        return f"sip:{user}@127.0.0.1:{self.wire.getsockname()[1]}"

    def _via(self) -> str:
        return f"SIP/2.0/UDP 127.0.0.1:{self.wire.getsockname()[1]};rport;branch={sip.new_branch()}"

    def _send(self, message: Message) -> None:
        self.wire.sendto(message.encode(), self.target)
