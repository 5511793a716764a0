"""What the schema of a flow cannot say: does every way through it lead somewhere, and end.

A loop is allowed only where a caller's key drives it (the choices of a menu, the ``next`` of what he keyed in, a
sub-flow that asks him) or where a ``loop`` node counts it: its ``body`` is gone to so many times, and every circle
over the other ways must hold a key, so that also nested loops run out. All other ways (a silent caller's
fallback, error paths) must run out, so that every session ends by itself. What concerns several flows is in
:mod:`ivr.together`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import TypeAlias

from ivr.model import (
    ChooseLanguage,
    Collect,
    EnterQueueNode,
    Flow,
    Loop,
    Menu,
    Node,
    NodeName,
    PlaySounds,
    Record,
    Return,
    Say,
    Speech,
    SubFlow,
    Survey,
    prompts_of,
)
from ivr.variables import misread

Finding: TypeAlias = tuple[str, str]

#: Most loops that are named of one flow.
MOST_LOOPS = 50

#: Whether every way through a sub-flow needs a key of the caller.
Keyed: TypeAlias = Callable[[str], bool]


def check(flow: Flow) -> list[Finding]:
    """(path, reason) of every problem of a flow that fits the schema; empty when it may be published.

    Sub-flows, which are not known here, are taken to ask the caller for a key.
    """
    missing = list(_missing_nodes(flow))
    findings = [*missing, *_failure_paths(flow), *_languages(flow), *_masks(flow), *misread(flow)]
    if not missing:
        findings += [*_unreachable(flow), *endless_loops(flow, lambda _: True)]
    return findings


def _missing_nodes(flow: Flow) -> Iterator[Finding]:
    shortcuts = [(f"shortcuts.{key}", target) for key, target in flow.shortcuts.items()]
    for path, target in [("start", flow.start), ("on_error", flow.on_error), *shortcuts]:
        if target is not None and target not in flow.nodes:
            yield path, f"there is no node {target!r}"
    for name, node in flow.nodes.items():
        for field, target in flow.ways_of(node):
            own = not (isinstance(node, Menu) and field.startswith("choices.") and field[8:] not in node.choices)
            if own and target not in flow.nodes:
                yield f"nodes.{name}.{field}", f"there is no node {target!r}"


def _failure_paths(flow: Flow) -> Iterator[Finding]:
    if flow.on_error is not None:
        return
    for name, node in flow.nodes.items():
        if isinstance(node, Say | PlaySounds | Menu | Collect | Survey) and node.on_error is None:
            yield f"nodes.{name}.on_error", "a prompt can fail: give on_error here or for the whole flow"


def _languages(flow: Flow) -> Iterator[Finding]:
    for language in flow.speak or ():
        if language not in flow.languages:
            yield "speak", f"{language!r} is not among the flow's languages"
    for name, node in flow.nodes.items():
        for language in (
            (node.speak or ()) if isinstance(node, Say | Menu | Collect | Survey | Speech | Record) else ()
        ):
            if language not in flow.languages:
                yield f"nodes.{name}.speak", f"{language!r} is not among the flow's languages"
        if isinstance(node, ChooseLanguage) and node.language not in flow.languages:
            yield f"nodes.{name}.language", f"{node.language!r} is not among the flow's languages"
        if isinstance(node, Speech) and node.answers is not None:
            for language in flow.languages:
                if language not in node.answers:
                    yield f"nodes.{name}.answers.{language}", "the answers in this language are missing"
        for field, prompt in prompts_of(node):
            for language in flow.languages:
                if language not in prompt:
                    yield f"nodes.{name}.{field}.{language}", "the text in this language is missing"


def _masks(flow: Flow) -> Iterator[Finding]:
    for name, node in flow.nodes.items():
        if not isinstance(node, Collect):
            continue
        for index, mask in enumerate(node.masks or ()):
            fixed = len(mask.removesuffix("*"))
            if fixed > node.length.max or (fixed < node.length.min and not mask.endswith("*")):
                yield f"nodes.{name}.masks.{index}", "no input of the node's length fits"


def _unreachable(flow: Flow) -> Iterator[Finding]:
    seen: set[str] = set()
    waiting = [flow.start] + ([flow.on_error] if flow.on_error else [])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(target for _, target in flow.ways_of(flow.nodes[name]))
    for name in flow.nodes:
        if name not in seen:
            yield f"nodes.{name}", "no way leads to this node"


def endless_loops(flow: Flow, keyed: Keyed) -> Iterator[Finding]:
    """Depth-first search for a way back over exits that need no key; without recursion, documents may be long."""
    done: set[str] = set()
    found = 0
    for root in flow.nodes:
        if root in done:
            continue
        way: dict[str, Iterator[NodeName]] = {root: _uncounted_exits(flow, flow.nodes[root], keyed)}
        while way:
            name = next(reversed(way))
            target = next(way[name], None)
            if target is None:
                done.add(name)
                del way[name]
            elif target in way:
                if found == MOST_LOOPS:
                    return
                found += 1
                steps = [*way]
                circle = [*steps[steps.index(target) :], target]
                shown = circle if len(circle) <= 20 else [*circle[:10], "…", *circle[-9:]]
                yield f"nodes.{target}", f"an endless loop without any key of the caller: {' → '.join(shown)}"
            elif target not in done:
                way[target] = _uncounted_exits(flow, flow.nodes[target], keyed)


def returns_unasked(flow: Flow, keyed: Keyed) -> bool:
    """Whether a sub-flow has a way from its start to a ``return`` that needs no key of the caller."""
    seen: set[str] = set()
    waiting = [flow.start]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if isinstance(flow.nodes[name], Return):
            return True
        waiting.extend(target for _, target in _keyless_exits(flow, flow.nodes[name], keyed))
    return False


def _uncounted_exits(flow: Flow, node: Node, keyed: Keyed) -> Iterator[NodeName]:
    for field, target in _keyless_exits(flow, node, keyed):
        if not (isinstance(node, Loop) and field == "body"):
            yield target


def _keyless_exits(flow: Flow, node: Node, keyed: Keyed) -> Iterator[tuple[str, NodeName]]:
    for field, target in flow.ways_of(node):
        if not _by_key(node, field, keyed):
            yield field, target


def _by_key(node: Node, field: str, keyed: Keyed) -> bool:
    if isinstance(node, Menu | EnterQueueNode):
        return field.startswith("choices.")
    if isinstance(node, SubFlow):
        return field == "next" and keyed(node.flow)
    return isinstance(node, Collect | Survey | Speech) and field in ("next", "on_unsure")


def sound_files(flow: Flow) -> set[PurePosixPath]:
    """The sound files that a flow plays, relative to the directory of sounds."""
    nodes = (node for node in flow.nodes.values() if isinstance(node, PlaySounds))
    return {PurePosixPath(item.file) for node in nodes for item in node.sounds if item.file is not None}
