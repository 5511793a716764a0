"""The lexical level of RFC 3261 section 25: tokens, quoted strings, parameter and comma lists.

Everything works by searching for the next delimiter; there is no regular expression, hence no backtracking, and
each function is linear in its input.
"""

from __future__ import annotations

from typing import Final

from gateway.errors import SipParseError

#: Most values that are read from one list header (Via, Route, Contact …).
MAX_LIST_VALUES: Final = 64
#: Most parameters of one value.
MAX_PARAMETERS: Final = 64

_TOKEN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~")
_NO_VALUE_CHARACTERS: Final = {ord(character): None for character in _TOKEN | frozenset("[]:")}
_WORD: Final = _TOKEN | frozenset('()<>:\\"/[]?{}')
_NO_WORD_CHARACTERS: Final = {ord(character): None for character in _WORD | {"@"}}
_UNPRINTABLE: Final = {code: "\ufffd" for code in (*range(32), 127, *range(0xD800, 0xE000))}

#: Names that need no second look.
_COMMON_PARAMETERS: Final = frozenset({"branch", "rport", "received", "tag", "transport", "lr", "expires"})

Parameters = dict[str, str | None]


def is_token(text: str) -> bool:
    """Whether ``text`` is an RFC 3261 token."""
    return _TOKEN.issuperset(text) and bool(text)


def is_call_id(text: str) -> bool:
    """Whether ``text`` is ``word ["@" word]``, with at most one ``@``."""
    return bool(text) and not text.translate(_NO_WORD_CHARACTERS) and text.count("@") <= 1


def readable(text: str) -> str:
    """``text`` for people and databases: control characters and bytes that were not UTF-8 are replaced."""
    return text if text.isascii() and text.isprintable() else text.translate(_UNPRINTABLE)


def closing_quote(text: str, start: int, where: str) -> int:
    """Index of the quote that ends the quoted string beginning at ``start``."""
    at = start + 1
    while True:
        quote = text.find('"', at)
        if quote < 0:
            raise SipParseError("a quoted string does not end", where)
        escape = text.find("\\", at, quote)
        if escape < 0:
            return quote
        at = escape + 2


def unquote(text: str) -> str:
    """The content of a quoted string, escapes resolved; other text is returned as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    out: list[str] = []
    at = 0
    while at < len(inner):
        if inner[at] == "\\" and at + 1 < len(inner):
            at += 1
        out.append(inner[at])
        at += 1
    return "".join(out)


def quote(text: str) -> str:
    """``text`` as a quoted string."""
    return '"' + readable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def split_outside(text: str, delimiter: str, where: str) -> list[str]:
    """Split at ``delimiter`` where it stands neither in a quoted string nor between ``<`` and ``>``."""
    if delimiter not in text:
        return [text.strip()]
    if '"' not in text and "<" not in text:
        return list(map(str.strip, text.split(delimiter)))
    parts: list[str] = []
    start = at = 0
    while at < len(text):
        character = text[at]
        if character == '"':
            at = closing_quote(text, at, where)
        elif character == "<":
            at = text.find(">", at)
            if at < 0:
                raise SipParseError("'<' without '>'", where)
        elif character == delimiter:
            parts.append(text[start:at].strip())
            start = at + 1
        at += 1
    parts.append(text[start:].strip())
    return parts


def split_list(text: str, where: str) -> list[str]:
    """The values of a comma-separated header value."""
    if "," not in text and (only := text.strip()):
        return [only]
    parts = split_outside(text, ",", where)
    if len(parts) > MAX_LIST_VALUES:
        raise SipParseError(f"more than {MAX_LIST_VALUES} values", where)
    if not all(parts):
        raise SipParseError("an empty value in a list", where)
    return parts


def parse_parameters(text: str, where: str, delimiter: str = ";") -> Parameters:
    """``a=b;c;d="e f"`` as a dict: names in lower case, values unquoted, None for a name alone."""
    parameters: Parameters = {}
    for part in split_outside(text, delimiter, where):
        if not part:
            if text.strip():
                raise SipParseError("an empty parameter", where)
            continue
        name, equals, value = part.partition("=")
        if name not in _COMMON_PARAMETERS:
            name = name.strip().lower()
            if not is_token(name):
                raise SipParseError(f"bad parameter name {readable(name)[:40]!r}", where)
        if name in parameters:
            raise SipParseError(f"parameter {name!r} twice", where)
        value = value.strip()
        parameters[name] = (unquote(value) if '"' in value else value) if equals else None
        if len(parameters) > MAX_PARAMETERS:
            raise SipParseError(f"more than {MAX_PARAMETERS} parameters", where)
    return parameters


def write_parameters(parameters: Parameters) -> str:
    """``;a=b;c;d="e f"``: what :func:`parse_parameters` reads; values that are no token or host are quoted."""
    out = []
    for name, value in parameters.items():
        if value is None:
            out.append(f";{name}")
        else:
            out.append(f";{name}={quote(value) if value.translate(_NO_VALUE_CHARACTERS) else value}")
    return "".join(out)


def parse_number(text: str, where: str, limit: int = 2**32 - 1) -> int:
    """A decimal number from 0 to ``limit``."""
    if not (text.isascii() and text.isdigit()) or len(text) > 20:
        raise SipParseError(f"{readable(text)[:40]!r} is not a number", where)
    number = int(text)
    if number > limit:
        raise SipParseError(f"{number} is above {limit}", where)
    return number
