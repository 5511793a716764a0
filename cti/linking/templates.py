"""Addresses with placeholders, which lead from a call to a page of the operator's CRM (R10.1.b).

Pure. Placeholders stand for what a caller may have chosen himself (his name, for instance): they may be in path,
query and fragment, never in what says where the page is, and each value is percent-encoded whole (RFC 3986 section
2.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

#: Longest address, characters.
MAX_URL: Final = 2_000
#: What may stand in braces.
PLACEHOLDERS: Final = frozenset({"caller", "name", "dialled", "queue", "agent", "contact", "call", "account"})

_PLACE: Final = re.compile(r"\{([^{}]*)\}")
#: RFC 3986 section 2, with braces for placeholders; no backslash, which browsers take for a slash.
_LEGAL: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%{}]*")


def check_template(url: str) -> None:
    """Raise ValueError, saying why, for what is no address that a browser may be sent to."""
    if not url or len(url) > MAX_URL:
        raise ValueError(f"an address has 1 to {MAX_URL} characters")
    if not _LEGAL.fullmatch(url):
        raise ValueError("an address has letters, digits and -._~:/?#[]@!$&'()*+,;=% of ASCII only")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"that is no address: {error}") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("an address begins with https:// or http://")
    if not host or "{" in parts.netloc or "}" in parts.netloc:
        raise ValueError("the host is named as it is, without a placeholder")
    if "@" in parts.netloc:
        raise ValueError("an address holds no user and no password")
    for place in _PLACE.findall(url):
        if place not in PLACEHOLDERS:
            raise ValueError(f"there is no placeholder {{{place}}}: there are {', '.join(sorted(PLACEHOLDERS))}")
    if re.search(r"[{}]", _PLACE.sub("", url)):
        raise ValueError("a brace stands alone")


def names(url: str, place: str) -> bool:
    """Whether a template has this placeholder."""
    return place in _PLACE.findall(url)


def filled(url: str, values: Mapping[str, str]) -> str:
    """The address for these values; what has no value is left empty."""
    return _PLACE.sub(lambda place: _encoded(values.get(place[1], "")), url)


def _encoded(value: str) -> str:
    """Whole, and never a step up in a path: browsers take ``..`` for that, however its dots are written."""
    return "" if value.strip(".") == "" else quote(value, safe="")
