"""What is different between two documents of a flow: nodes that came, went, and what changed in the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

#: Most changes that are named of a node, or of the flow beside its nodes.
MOST_CHANGES: Final = 200

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A value at a path (``choices.2``); ``before`` or ``after`` is None where there is none."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeChange:
    """A node that is in both; ``kind`` is that of the later one."""

    node: str
    kind: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """From one document to another; nodes are (name, kind)."""

    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]
    changed: tuple[NodeChange, ...]
    fields: tuple[FieldChange, ...]  # of the flow itself: start, languages, variables, recordings…


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Differences:
    """Compare two documents, which need not be legal."""
    old, new = _nodes(before), _nodes(after)
    changed = [
        NodeChange(node=name, kind=_kind(new[name]), fields=tuple(_changes(old[name], new[name])))
        for name in new
        if name in old and old[name] != new[name]
    ]
    return Differences(
        added=tuple((name, _kind(node)) for name, node in new.items() if name not in old),
        removed=tuple((name, _kind(node)) for name, node in old.items() if name not in new),
        changed=tuple(changed),
        fields=tuple(_changes(_beside_nodes(before), _beside_nodes(after))),
    )


def _nodes(document: Mapping[str, Any]) -> dict[str, Any]:
    nodes = document.get("nodes")
    return nodes if isinstance(nodes, dict) else {}


def _beside_nodes(document: Mapping[str, Any]) -> dict[str, Any]:
    """Where nodes stand on a canvas is no difference: no caller notices it."""
    return {name: value for name, value in document.items() if name not in ("nodes", "layout")}


def _kind(node: Any) -> str:
    kind = node.get("kind") if isinstance(node, dict) else None
    return kind if isinstance(kind, str) else ""


def _changes(before: Any, after: Any) -> list[FieldChange]:
    found: list[FieldChange] = []
    for change in _walk(before, after, ""):
        found.append(change)
        if len(found) == MOST_CHANGES:
            break
    return found


def _walk(before: Any, after: Any, path: str) -> Iterator[FieldChange]:
    """Depth is bounded by the documents' own bound."""
    if before == after and type(before) is type(after):
        return
    steps: list[tuple[str, Any, Any]] | None = None
    if isinstance(before, dict) and isinstance(after, dict):
        names = [*after, *(name for name in before if name not in after)]
        steps = [(str(name), before.get(name, _ABSENT), after.get(name, _ABSENT)) for name in names]
    elif isinstance(before, list) and isinstance(after, list):
        steps = [
            (
                str(index),
                before[index] if index < len(before) else _ABSENT,
                after[index] if index < len(after) else _ABSENT,
            )
            for index in range(max(len(before), len(after)))
        ]
    if steps is None:
        yield FieldChange(path=path, before=_shown(before), after=_shown(after))
        return
    for name, old, new in steps:
        yield from _walk(old, new, f"{path}.{name}" if path else name)


def _shown(value: Any) -> Any:
    return None if value is _ABSENT else value
