"""Fields that identify a person."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any


def personal(default: Any = dataclasses.MISSING) -> Any:
    """A field that identifies a person; sealed in the journal."""
    return dataclasses.field(default=default, metadata={"personal": True})


@cache
def personal_fields(cls: type) -> frozenset[str]:
    """Names of the personal fields of a fact class."""
    return frozenset(f.name for f in dataclasses.fields(cls) if f.metadata.get("personal"))
