"""What control answers a command."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias, get_args

from ccplatform.kernel.codec import Codec


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The command was carried out (and committed, where it must not be lost); ``repeated``: when it came first."""

    result: dict[str, Any] = field(default_factory=dict)
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The command was not carried out. ``code``: not_found, refused words, unavailable; ``where``: the field;
    ``retry_after``: seconds until what is unavailable may be tried again, 0: nobody knows."""

    code: str
    message: str
    where: str = ""
    retry_after: float = 0.0


Answer: TypeAlias = Done | Refused

#: Encodes and decodes answers.
ANSWERS: Codec[Answer] = Codec(get_args(Answer))
