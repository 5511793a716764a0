"""A flow drawn as text: each node with what it says and where it leads, the nearest to the start first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel

from ivr.expressions import Expression
from ivr.model import Branch, Flow, Length, Node, NodeName, prompts_of
from ivr.prompt_model import PromptText

#: Longest line of a drawing.
WIDTH: Final = 100
#: Fields that are drawn in another way, or tell nothing of the way of a caller.
_ELSEWHERE: Final = frozenset(
    {"kind", "note", "prompt", "hint", "hint_silent", "questions", "announcements", "cases"}
)


def draw(flow: Flow) -> str:
    """The drawing; arrows say whether a node stands below (↓), above (↑) or is the same (↺)."""
    order = _by_distance(flow)
    places = {name: place for place, name in enumerate(order)}
    lines = [*_head(flow)]
    for name in order:
        lines += ["", *_node(flow, name, places)]
    return "\n".join(line[:WIDTH] for line in lines)


def _by_distance(flow: Flow) -> list[NodeName]:
    """The start, then what it leads to, and so on; what only a failed prompt leads to comes last."""
    order: dict[NodeName, None] = {}
    for root in (flow.start, flow.on_error):
        waiting = deque([root] if root is not None else [])
        while waiting:
            name = waiting.popleft()
            if name not in order and name in flow.nodes:
                order[name] = None
                waiting.extend(target for _, target in flow.ways_of(flow.nodes[name]))
    return [*order]


def _head(flow: Flow) -> Iterator[str]:
    yield f"{flow.flow}: {flow.title}" if flow.title else flow.flow
    languages = ", ".join(flow.languages)
    yield f"{len(flow.nodes)} nodes, languages {languages}, at most {flow.max_seconds:g} s"
    if flow.parameters or flow.results:
        yield f"sub-flow ({', '.join(flow.parameters)}) → ({', '.join(flow.results)})"
    if flow.shortcuts:
        yield "in every menu: " + ", ".join(f"{key} → {target}" for key, target in flow.shortcuts.items())
    yield f"prompts that fail: → {flow.on_error}" if flow.on_error else "prompts that fail: as each node says"


def _node(flow: Flow, name: NodeName, places: dict[NodeName, int]) -> Iterator[str]:
    node = flow.nodes[name]
    told = " ".join(_facts(node))
    yield f"{'▶' if name == flow.start else '●'} {name}  {node.kind}{'  ' + told if told else ''}"
    for field, prompt in prompts_of(node):
        for language, text in prompt.items():
            yield f"│    {field.removesuffix('.prompt')} {language}: {_written(text)}"
    ways = list(_ways(flow, node))
    for index, (label, target) in enumerate(ways):
        here, there = places[name], places.get(target, -1)
        arrow = "↺" if here == there else "↓" if there > here else "↑"
        yield f"{'└' if index == len(ways) - 1 else '├'}─ {label} {arrow} {target}"


def _facts(node: Node) -> Iterator[str]:
    """What the document says of the node besides prompts and ways."""
    for field in type(node).model_fields:
        if field in _ELSEWHERE or field not in node.model_fields_set:
            continue
        value = getattr(node, field)
        if not _leads(node, field) and value is not None:
            yield f"{field}={_short(value)}"


def _leads(node: Node, field: str) -> bool:
    return field in ("next", "body", "otherwise", "fallback", "choices") or field.startswith("on_")


def _short(value: Any) -> str:
    match value:
        case Expression():
            return value.text
        case dict():
            return "{" + ", ".join(f"{key}: {_short(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(_short(item) for item in value) + "]"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case Length():
            return f"{value.min}-{value.max}"
        case BaseModel():
            return "…"
        case _:
            return str(getattr(value, "value", value))


def _ways(flow: Flow, node: Node) -> Iterator[tuple[str, NodeName]]:
    if isinstance(node, Branch):
        for case in node.cases:
            when = case.when
            told = when.text if isinstance(when, Expression) else f"{when.variable} {when.op} {when.value}".strip()
            yield f"if {told}", case.next
    for field, target in flow.ways_of(node):
        if not field.startswith("cases."):
            yield field.removeprefix("choices."), target


def _written(text: PromptText) -> str:
    return " ".join(part.text if part.text is not None else f"<{part.reading} {part.variable}>" for part in text)
