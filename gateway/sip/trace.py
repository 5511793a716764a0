"""The signalling trace (R10.4.d): SIP messages of each contact, secrets masked. A pure core.

Messages of a dialog are kept, bounded, until its leg belongs to a contact; from then on every message is a fact.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from msgspec import Struct

from ccplatform.contracts.facts import SipMessageSeen
from ccplatform.contracts.words import ContactId, LegId
from gateway.sip.masking import masked
from gateway.sip.message import SipMessage, SipRequest

#: Messages that are kept of a dialog without a contact, and bytes of all such dialogs together.
MAX_MESSAGES: Final = 32
MAX_WAITING_BYTES: Final = 16 * 1024 * 1024
#: Seconds that messages of a dialog without a contact are kept.
WAITING_SECONDS: Final = 64.0

#: What a kept message costs beside its bytes, roughly.
_OVERHEAD_BYTES: Final = 1024

_UNTRACED: Final = frozenset({"REGISTER", "OPTIONS", "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE"})


class Seen(Struct, frozen=True):
    """A message as it passes, ``data`` on the wire, between two addresses, ``host:port``."""

    message: SipMessage
    data: bytes
    transport: str
    local: str
    remote: str
    outgoing: bool

    def size(self) -> int:
        """What it costs to keep it, bytes."""
        return _OVERHEAD_BYTES + len(self.data)


class SignallingTrace:
    """What was said in each dialog, by Call-ID."""

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._waiting: OrderedDict[str, tuple[float, list[Seen]]] = OrderedDict()
        self._waiting_bytes = 0
        self._owners: dict[str, tuple[ContactId, LegId]] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._owners)

    def seen(self, seen: Seen, now: float) -> SipMessageSeen | None:
        """Take a message; a fact when its dialog belongs to a contact already."""
        self._drop_old(now)
        if not self._enabled:
            return None
        message = seen.message
        if (message.method if isinstance(message, SipRequest) else message.cseq.method) in _UNTRACED:
            return None
        owner = self._owners.get(message.call_id)
        if owner is not None:
            return _fact(seen, owner)
        _, waiting = self._waiting.setdefault(message.call_id, (now, []))
        if len(waiting) < MAX_MESSAGES:
            waiting.append(seen)
            self._waiting_bytes += seen.size()
        self._drop_old(now)  # the newest counts too
        return None

    def _drop_old(self, now: float) -> None:
        while self._waiting:
            call_id, (since, _) = next(iter(self._waiting.items()))
            if self._waiting_bytes <= MAX_WAITING_BYTES and now - since <= WAITING_SECONDS:
                return
            self._take(call_id)

    def contact_of(self, call_id: str) -> str:
        """The contact that a dialog belongs to, '' without one."""
        owner = self._owners.get(call_id)
        return owner[0] if owner is not None else ""

    def adopt(self, call_id: str, contact: ContactId, leg: LegId) -> list[SipMessageSeen]:
        """The dialog belongs to this contact: what was kept of it, as facts."""
        if not self._enabled:
            return []
        self._owners[call_id] = (contact, leg)
        return [_fact(seen, (contact, leg)) for seen in self._take(call_id)]

    def forget(self, call_id: str) -> None:
        """The dialog is gone."""
        self._owners.pop(call_id, None)
        self._take(call_id)

    def _take(self, call_id: str) -> list[Seen]:
        _, waiting = self._waiting.pop(call_id, (0.0, []))
        self._waiting_bytes -= sum(seen.size() for seen in waiting)
        return waiting


def _fact(seen: Seen, owner: tuple[ContactId, LegId]) -> SipMessageSeen:
    contact, leg = owner
    return SipMessageSeen(
        contact=contact,
        leg=leg,
        outgoing=seen.outgoing,
        transport=seen.transport,
        local=seen.local,
        remote=seen.remote,
        text=masked(seen.data),
    )
