"""A browser as a phone: the media are Chromium's own WebRTC, its session descriptions travel in SIP over UDP.

Real browsers do their SIP over WebSocket; what is looked at here is what comes after the offer and the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from playwright.async_api import Page

from tests.support import sip
from tests.support.chromium import PATIENCE_MS, STANDS_OUT, chromium
from tests.support.milestone import PeerError

_SCRIPT: Final = Path(__file__).with_suffix(".js")


@contextlib.asynccontextmanager
async def web_page() -> AsyncIterator[Page]:
    """A page with the script of the web phone."""
    async with chromium() as browser:
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        await page.goto("about:blank")
        for script in (STANDS_OUT, _SCRIPT):
            await page.add_script_tag(path=script)
        yield page


class WebCall:
    """One call of the page to a number: INVITE, ACK, BYE. A context manager: it is over at the end."""

    def __init__(self, page: Page, platform: sip.Address, uri: str, caller: str, hertz: float = 700.0) -> None:
        self._page = page
        self._platform = platform
        self._uri = uri
        self._caller = caller
        self._hertz = hertz
        self._messages: asyncio.Queue[sip.Message] = asyncio.Queue()
        self._tag, self._call_id, self._to = sip.new_tag(), sip.new_tag(), f"<{uri}>"
        self._number = 0
        self.offer = ""
        self.answer = ""

    async def __aenter__(self) -> WebCall:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Inbox(self._messages), remote_addr=self._platform
        )
        await self._page.evaluate("hertz => say(hertz)", self._hertz)
        await self.invite()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._send("BYE")
            await self._final()
        self._transport.close()

    async def invite(self) -> None:
        """Offer what the page says, the first time or again, and give it the answer."""
        self.offer = await self._page.evaluate("offer()")
        self._send("INVITE", self.offer)
        response = await self._final()
        if response.status != 200:
            raise PeerError(f"{response.summary} {response.get('warning')}")
        self._to = response.get("to")
        self._send("ACK")
        self.answer = response.body.decode()
        await self._page.evaluate("sdp => answered(sdp)", self.answer)

    async def _final(self) -> sip.Message:
        async with asyncio.timeout(10):
            while True:
                message = await self._messages.get()
                if message.status >= 200 and message.cseq[0] == self._number:
                    return message

    def _send(self, method: str, body: str = "") -> None:
        host, port = self._transport.get_extra_info("sockname")
        self._number += method != "ACK"
        request = sip.Message(method=method, uri=self._uri, body=body.encode())
        request.add("Via", f"SIP/2.0/UDP {host}:{port};rport;branch={sip.new_branch()}")
        request.add("Max-Forwards", "70")
        request.add("From", f"<sip:{self._caller}@{host}:{port}>;tag={self._tag}")
        request.add("To", self._to)
        request.add("Call-ID", self._call_id)
        request.add("CSeq", f"{self._number} {method}")
        request.add("Contact", f"<sip:{self._caller}@{host}:{port}>")
        if body:
            request.add("Content-Type", "application/sdp")
        self._transport.sendto(request.encode())


class _Inbox(asyncio.DatagramProtocol):
    def __init__(self, messages: asyncio.Queue[sip.Message]) -> None:
        self._messages = messages

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._messages.put_nowait(sip.parse(data))
