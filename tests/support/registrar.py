"""A registrar of a few lines, so that phones under test tools can register without the platform."""

from __future__ import annotations

import secrets
from types import TracebackType

from tests.support import sip
from tests.support.milestone import Milestone
from tests.support.node import ServerTransaction, SipNode
from tests.support.sip import Address, digest_response, parameters, reply

_REALM = "tests"


class MiniRegistrar:
    """Takes REGISTER with digest; ``users`` are names and passwords, ``algorithms`` what it offers, in order."""

    def __init__(
        self, users: dict[str, str], *, algorithms: tuple[str, ...] = ("MD5",), transport: str = "udp"
    ) -> None:
        self.contacts: dict[str, str] = {}
        self.used_algorithms: list[str] = []
        self._users = users
        self._algorithms = algorithms
        self._nonce = secrets.token_hex(8)
        self._node = SipNode(transport, self._on_request, lambda ack, at: None)
        self._registered: dict[str, Milestone[str]] = {
            user: Milestone(f"registered: {user}", self._story) for user in users
        }

    @property
    def address(self) -> Address:
        return self._node.address

    async def registered(self, user: str, timeout: float = 5.0) -> str:  # noqa: ASYNC109
        """Wait until a user registered; returns the contact's URI."""
        return await self._registered[user].wait(timeout)

    async def __aenter__(self) -> MiniRegistrar:
        await self._node.open("127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._node.close()

    def _story(self) -> str:
        return "received: " + ("; ".join(message.summary for message in self._node.received[-10:]) or "nothing")

    def _on_request(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        if request.method != "REGISTER":
            transaction.answer(405, to_tag=sip.new_tag())
            return
        user = sip.user_of(request.get("to"))
        given = parameters(request.get("authorization"))
        if not given:
            self._challenge(transaction)
        elif not self._right(user, given, request.method):
            transaction.answer(403, to_tag=sip.new_tag())
        else:
            self.used_algorithms.append(given.get("algorithm", "MD5"))
            self._register(transaction, user)

    def _challenge(self, transaction: ServerTransaction) -> None:
        response = reply(transaction.request, 401, to_tag=sip.new_tag())
        for algorithm in self._algorithms:
            response.add(
                "WWW-Authenticate",
                f'Digest realm="{_REALM}", nonce="{self._nonce}", algorithm={algorithm}, qop="auth"',
            )
        transaction.respond(response)

    def _right(self, user: str, given: dict[str, str], method: str) -> bool:
        algorithm = given.get("algorithm", "MD5")
        expected = digest_response(
            algorithm,
            user,
            _REALM,
            self._users.get(user, ""),
            self._nonce,
            method,
            given.get("uri", ""),
            cnonce=given.get("cnonce", ""),
            nc=given.get("nc", "00000001"),
        )
        return user in self._users and algorithm in self._algorithms and given.get("response") == expected

    def _register(self, transaction: ServerTransaction, user: str) -> None:
        request = transaction.request
        contact = request.get("contact")
        response = reply(request, 200, to_tag=sip.new_tag())
        if request.get("expires") == "0" or contact == "*" or ";expires=0" in contact:
            self.contacts.pop(user, None)
        else:
            self.contacts[user] = sip.uri_of(contact)
            response.add("Contact", f"<{sip.uri_of(contact)}>;expires=300")
        transaction.respond(response)
        if user in self.contacts:
            self._registered[user].reach(self.contacts[user])
