"""The AsyncAPI document says what the socket sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest

from cti.asyncapi import FILE, describe, text
from cti.schema import EventProtocol


def references(part: Any) -> Iterator[str]:
    """Every ``$ref`` of a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from references(each)


def test_the_document_in_docs_is_what_the_program_describes() -> None:
    assert FILE.read_text("utf-8") == text(), "run `python -m cti.asyncapi`"


def test_every_reference_leads_somewhere() -> None:
    document = describe()
    named = set(references(document))
    assert named
    for name in named:
        found: Any = document
        for step in name.removeprefix("#/").split("/"):
            assert step in found, name
            found = found[step]


def test_the_messages_are_those_of_the_protocol() -> None:
    fields = EventProtocol.model_fields
    models = {fields["client"].annotation, *get_args(fields["server"].annotation)}
    document = describe()
    payloads = {message["payload"]["$ref"] for message in document["components"]["messages"].values()}
    assert payloads == {f"#/components/schemas/{model.__name__}" for model in models if model is not None}


@pytest.mark.parametrize("name", ["authenticate", "snapshot", "event", "heartbeat"])
def test_a_message_is_known_by_its_type(name: str) -> None:
    document = describe()
    schema = document["components"]["messages"][name]["payload"]["$ref"].rpartition("/")[2]
    assert document["components"]["schemas"][schema]["properties"]["type"]["const"] == name
