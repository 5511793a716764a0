"""The schema that flow designers work from: its formats, and that the page has words for all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ivr.differences import differences
from ivr.document import flow_from, shipped_flows
from ivr.errors import FlowError
from ivr.model import Flow, exits_of
from ivr.schema import flow_schema

_WORDS = Path(__file__).parents[2] / "web" / "src" / "i18n"
_HIDDEN = {"kind", "nodes", "layout", "recordings"}

_FLOW: dict[str, Any] = {
    "flow": "short",
    "languages": ["en"],
    "start": "tell",
    "on_error": "end",
    "nodes": {
        "tell": {"kind": "say", "prompt": {"en": "Hello"}, "next": "end"},
        "end": {"kind": "hangup"},
    },
}


def _kinds() -> dict[str, dict[str, Any]]:
    schema = flow_schema()
    (nodes,) = schema["properties"]["nodes"]["patternProperties"].values()
    mapping = nodes["discriminator"]["mapping"]
    return {kind: schema["$defs"][name.rpartition("/")[2]] for kind, name in mapping.items()}


def _led(schema: Any, path: str = "") -> Iterator[str]:
    """Paths below a node at which the schema says that a text stands for a node."""
    if schema.get("format") == "node":
        yield path
    if "$ref" in schema:
        yield from _led(flow_schema()["$defs"][schema["$ref"].rpartition("/")[2]], path)
    for name, field in schema.get("properties", {}).items():
        yield from _led(field, f"{path}.{name}" if path else name)
    for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _led(inner, path)
    below = (
        schema.get("items"),
        schema.get("additionalProperties"),
        *schema.get("patternProperties", {}).values(),
    )
    for inner in below:
        if isinstance(inner, dict):
            yield from _led(inner, f"{path}.*")


def test_the_formats_tell_every_exit_of_every_node_of_the_shipped_flows() -> None:
    kinds = _kinds()
    for flow in shipped_flows():
        for node in flow.nodes.values():
            told = set(_led(kinds[node.kind]))
            for path, _ in exits_of(node):
                field, _, rest = path.partition(".")
                pattern = (
                    field if not rest else f"{field}.*" + (f".{rest.partition('.')[2]}" if "." in rest else "")
                )
                assert pattern in told, (node.kind, path)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_has_words_for_every_kind_and_field(language: str) -> None:
    words = json.loads((_WORDS / f"flows.{language}.json").read_text())
    assert not [kind for kind in _kinds() if kind not in words["kinds"] or kind not in words["kindHints"]]
    fields = {name for part in flow_schema()["$defs"].values() for name in part.get("properties", {})}
    shown = (fields | set(flow_schema()["properties"])) - _HIDDEN - {"x", "y"}
    assert not [name for name in sorted(shown) if name not in words["fields"]]


def test_where_nodes_stand_is_kept_and_is_no_difference_for_callers() -> None:
    placed = _FLOW | {"layout": {"tell": {"x": 0, "y": -40}}}
    flow = flow_from(placed, "short")
    assert flow.layout["tell"].y == -40
    assert flow_from(_FLOW, "short").nodes == flow.nodes
    found = differences(_FLOW, placed)
    assert (found.changed, found.fields) == ((), ())


@pytest.mark.parametrize("place", [{"x": 0}, {"x": 0, "y": 1e9}, {"x": "left", "y": 0}, {"x": 0, "y": 0, "z": 0}])
def test_a_place_that_is_none_is_refused_with_its_path(place: dict[str, Any]) -> None:
    with pytest.raises(FlowError) as refused:
        flow_from(_FLOW | {"layout": {"tell": place}}, "short")
    assert all(problem.path.startswith("layout.tell") for problem in refused.value.problems)


def test_the_schema_describes_what_is_read() -> None:
    assert flow_schema()["properties"].keys() == Flow.model_fields.keys()
