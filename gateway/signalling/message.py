"""One SIP message of the trace: masked, with the words that it is searched by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ccplatform.contracts.words import ContactId

#: Only the beginning of a message is searched for its headers: what is above is no call of ours.
_HEAD_CHARACTERS: Final = 8192
_START: Final = re.compile(r"(?:SIP/2\.0 (\d{3}) |([^ ]+) )", re.IGNORECASE)
_HEADERS: Final = re.compile(r"^(call-id|i|cseq|from|f|to|t)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_USER: Final = re.compile(r"(?:sips?:([^@;?>\s]+)@|tel:([^;?>\s]+))", re.IGNORECASE)
_SHORT: Final = {"i": "call-id", "f": "from", "t": "to"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedMessage:
    """A message between us (``local``) and ``remote``, both ``address:port``; ``number`` counts up with time.

    ``method`` is that of CSeq, ``status`` None of a request; ``caller`` and ``called`` are the users of From and
    To.
    """

    number: int
    at: datetime
    outgoing: bool
    transport: str
    local: str
    remote: str
    text: str
    contact: ContactId | None
    method: str
    status: int | None
    call_id: str
    caller: str
    called: str

    @property
    def size(self) -> int:
        """What keeping it costs, bytes, about."""
        return len(self.text) + 1000


def traced_message(
    text: str,
    *,
    number: int,
    at: datetime,
    outgoing: bool,
    transport: str,
    local: str,
    remote: str,
    contact: ContactId | None,
) -> TracedMessage:
    """A masked message with what stands in its headers; what does not stand there is empty."""
    head = text[:_HEAD_CHARACTERS].partition("\r\n\r\n")[0]
    found: dict[str, str] = {}
    for header in _HEADERS.finditer(head):
        name = header[1].lower()
        found.setdefault(_SHORT.get(name, name), header[2].strip())
    start = _START.match(head)
    status = int(start[1]) if start is not None and start[1] else None
    method = found.get("cseq", "").rpartition(" ")[2] or (start[2] if start is not None and start[2] else "")
    return TracedMessage(
        number=number,
        at=at,
        outgoing=outgoing,
        transport=transport,
        local=local,
        remote=remote,
        text=text,
        contact=contact,
        method=method.upper(),
        status=status,
        call_id=found.get("call-id", ""),
        caller=_user(found.get("from", "")),
        called=_user(found.get("to", "")),
    )


def _user(address: str) -> str:
    """The user of the URI in a name-addr; a display name that looks like one comes before ``<``."""
    bracket = address.rfind("<")
    user = _USER.search(address, max(0, bracket))
    return "" if user is None else user[1] or user[2]
