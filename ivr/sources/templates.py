"""Templates of requests, ``/accounts/{account}``: a value is put in as a value, whatever it looks like. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from ivr.errors import QueryFailed

#: Longest value that is put into a template, characters.
LONGEST_VALUE: Final = 200

_NAME: Final = re.compile(r"\{([a-z_][a-z0-9_]{0,63})\}")


def names_in(template: str) -> tuple[str, ...]:
    """The parameters of a template; raises ValueError for braces that are none."""
    if re.search(r"[{}]", _NAME.sub("", template)):
        raise ValueError(f"{template!r}: braces hold the name of a parameter, as in {{account}}")
    return tuple(_NAME.findall(template))


def path_of(template: str, values: Mapping[str, str]) -> str:
    """The path of a request; no value makes a step of its own, or leads up. Raises QueryFailed."""

    def put(found: re.Match[str]) -> str:
        value = _value(values, found[1])
        if not value.strip("."):
            raise QueryFailed(f"the parameter {found[1]!r} is empty or only dots: no part of a path")
        return quote(value, safe="")

    return _NAME.sub(put, template)


def query_of(templates: Mapping[str, str], values: Mapping[str, str]) -> str:
    """The query of a request, '' for none."""
    return urlencode(fields_of(templates, values))


def fields_of(templates: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """The fields of a body."""
    return {
        name: _NAME.sub(lambda found: _value(values, found[1]), template) for name, template in templates.items()
    }


def _value(values: Mapping[str, str], name: str) -> str:
    value = values.get(name, "")
    if len(value) > LONGEST_VALUE:
        raise QueryFailed(f"the parameter {name!r} is longer than {LONGEST_VALUE} characters")
    return value.encode(errors="replace").decode()
