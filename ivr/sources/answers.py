"""Reading values out of a JSON answer by paths, ``$.accounts[0].balance`` (a part of RFC 9535). Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from ivr.errors import QueryFailed

#: Longest value that becomes a variable, characters; longer ones are cut.
LONGEST_VALUE: Final = 1000

#: What a path looks like.
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_-]{0,63}"
_INDEX: Final = r"\[[0-9]{1,4}\]"
PATH_PATTERN: Final = rf"^\$?(\.?{_NAME}|{_INDEX})(\.{_NAME}|{_INDEX})*$"

_STEP: Final = re.compile(r"\[([0-9]+)\]|([A-Za-z_][A-Za-z0-9_-]*)")


def parsed(body: bytes) -> Any:
    """The JSON of a body; numbers stay as they are written, so that no amount is rounded. Raises QueryFailed."""
    try:
        return json.loads(body, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise QueryFailed("the answer is no JSON") from error


def value_at(document: Any, path: str) -> Any:
    """What is at a path; None where there is nothing."""
    for index, name in _STEP.findall(path.removeprefix("$")):
        if index and isinstance(document, list) and int(index) < len(document):
            document = document[int(index)]
        elif name and isinstance(document, dict):
            document = document.get(name)
        else:
            return None
    return document


def text_at(document: Any, path: str) -> str:
    """A value as text; '' for nothing, and for what is no single value."""
    match value_at(document, path):
        case bool() as flag:
            return "true" if flag else "false"
        case str() as text:
            return text[:LONGEST_VALUE]
        case _:
            return ""
