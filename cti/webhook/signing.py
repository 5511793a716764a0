"""Signatures of messages: HMAC-SHA256 (RFC 2104) over the time and the body.

So neither can be changed, and an old message cannot be sent again as a new one.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

#: Carries time and signature: ``t=1767600000,v1=<64 hexadecimal digits>``.
HEADER: Final = "X-CCP-Signature"


def signature(secret: bytes, body: bytes, at: int) -> str:
    """The value of the header; ``at`` in seconds since 1970."""
    return f"t={at},v1={hmac.digest(secret, b'%d.' % at + body, hashlib.sha256).hex()}"


def secret_context(number: int) -> str:
    """What the vault derives the secret of this number for."""
    return f"cti-webhook:{number}"
