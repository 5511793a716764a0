"""The JSON schema of flow documents, for programs that edit them: the flow designer, editors of YAML.

``format`` says what a text stands for (``node``, ``variable``, ``recording``, ``queue``, ``flow``, ``trunk``,
``agent``, ``calendar``, ``key``, ``expression``) and which
objects are a ``prompt``; exits are the texts that stand for nodes.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ivr.model import Flow


@cache
def flow_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of :class:`~ivr.model.Flow`; do not change it."""
    return Flow.model_json_schema()
