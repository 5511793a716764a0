"""The AsyncAPI document (3.0) of the event socket, made from the models that the socket checks and sends."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from cti.schema import Authenticate, EventMessage, HeartbeatMessage, SnapshotMessage

#: Where it is kept; `python -m cti.asyncapi` writes it anew.
FILE: Final = Path(__file__).parents[1] / "docs" / "asyncapi.json"

_CHANNEL: Final = {"$ref": "#/channels/events"}
_CLIENT: Final[dict[str, type[BaseModel]]] = {"authenticate": Authenticate}
_SERVER: Final[dict[str, type[BaseModel]]] = {
    "snapshot": SnapshotMessage,
    "event": EventMessage,
    "heartbeat": HeartbeatMessage,
}


def describe() -> dict[str, Any]:
    """The document; ``receive`` and ``send`` are the server's, as AsyncAPI has it."""
    messages = _CLIENT | _SERVER
    wanted: Any = [
        *((model, "validation") for model in _CLIENT.values()),
        *((model, "serialization") for model in _SERVER.values()),
    ]
    _, definitions = models_json_schema(wanted, ref_template="#/components/schemas/{model}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "ccplatform live events",
            "version": "1",
            "description": "A snapshot, then numbered events. docs/events.md tells how to follow them.",
        },
        "defaultContentType": "application/json",
        "servers": {"node": {"host": "127.0.0.1:8080", "protocol": "ws"}},
        "channels": {
            "events": {
                "address": "/api/v1/events",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": {
            "authenticate": _operation("receive", "First, and again with a fresh token.", _CLIENT),
            "follow": _operation("send", "What the server tells.", _SERVER),
        },
        "components": {
            "messages": {
                name: {
                    "name": name,
                    "summary": (model.__doc__ or "").strip().split("\n")[0],
                    "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
                }
                for name, model in messages.items()
            },
            "schemas": definitions["$defs"],
        },
    }


def _operation(action: str, summary: str, messages: dict[str, type[BaseModel]]) -> dict[str, Any]:
    return {
        "action": action,
        "summary": summary,
        "channel": _CHANNEL,
        "messages": [{"$ref": f"#/channels/events/messages/{name}"} for name in messages],
    }


def text() -> str:
    """As it stands in the file."""
    return json.dumps(describe(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
    sys.exit(0)
