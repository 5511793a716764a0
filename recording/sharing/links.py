"""Links to the sound of one recording, for a short time: whoever has one hears that and nothing else.

A media element cannot send a token in a header, and a whole hour is not fetched before its first second sounds. A
link names the recording, who asked for it and until when, signed (HMAC-SHA256) by a key of the installation. The
role is looked at when it is made; each use is audited in the name of who asked for it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from ccplatform.contracts.words import RecordingId
from ccplatform.kernel.clock import Clock
from ccplatform.security.errors import NotAllowed

#: What the key is derived for.
KEY_CONTEXT: Final = "recording-links"
#: A link is no longer than this.
MAX_TOKEN: Final = 600
_TAG_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link says; ``export`` is the number of the export that it fetches, 0: it is for listening."""

    recording: RecordingId
    by: str
    expires: int  # Unix time, seconds
    export: int = 0

    @property
    def expires_at(self) -> datetime:
        """When it ends."""
        return datetime.fromtimestamp(self.expires, UTC)


class Links:
    """Makes and reads links that are good for ``seconds``."""

    def __init__(self, *, key: bytes, clock: Clock, seconds: float) -> None:
        self._key = key
        self._clock = clock
        self._lifetime = timedelta(seconds=seconds)

    def make(self, recording: RecordingId, by: str, export: int = 0) -> tuple[str, Link]:
        """A token for an address, and what it says."""
        expires = int((self._clock.wall() + self._lifetime).timestamp())
        link = Link(recording=recording, by=by, expires=expires, export=export)
        said = msgspec.json.encode(link)
        return base64.urlsafe_b64encode(said + self._tag(said)).decode().rstrip("="), link

    def read(self, token: str) -> Link:
        """What a token says; raises NotAllowed when it is none of ours, or over."""
        try:
            data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise NotAllowed("this is no link to a recording") from None
        said, tag = data[:-_TAG_BYTES], data[-_TAG_BYTES:]
        if not hmac.compare_digest(self._tag(said), tag):
            raise NotAllowed("this is no link to a recording")
        link = msgspec.json.decode(said, type=Link)
        if self._clock.wall().timestamp() >= link.expires:
            raise NotAllowed("the link is over: ask for another")
        return link

    def _tag(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, hashlib.sha256)
