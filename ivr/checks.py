"""What the schema of a flow cannot say: does every way through it lead somewhere, and end.

A loop is allowed only where a caller's key drives it: the choices of a menu and the ``next`` of a collect. All
other ways (a silent caller's fallback, error paths) must run out, so that every session ends by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from ivr.model import (
    GIVEN_VARIABLES,
    MESSAGE_VARIABLES,
    QUEUE_VARIABLES,
    Branch,
    CallBack,
    Collect,
    EnterQueueNode,
    Flow,
    Menu,
    Messages,
    Node,
    NodeName,
    PlaySounds,
    Query,
    Record,
    Say,
    SetVariable,
    Transfer,
    exits_of,
    prompts_of,
)
from ivr.model import Agent as AgentNode

Finding = tuple[str, str]


def check(flow: Flow) -> list[Finding]:
    """(path, reason) of every problem of a flow that fits the schema; empty when it may be published."""
    missing = list(_missing_nodes(flow))
    findings = missing + list(_failure_paths(flow)) + list(_languages(flow)) + list(_variables(flow))
    if not missing:
        findings += [*_unreachable(flow), *_loops(flow)]
    return findings


def _missing_nodes(flow: Flow) -> Iterator[Finding]:
    for path, target in [("start", flow.start), ("on_error", flow.on_error)]:
        if target is not None and target not in flow.nodes:
            yield path, f"there is no node {target!r}"
    for name, node in flow.nodes.items():
        for field, target in exits_of(node):
            if target not in flow.nodes:
                yield f"nodes.{name}.{field}", f"there is no node {target!r}"


def _failure_paths(flow: Flow) -> Iterator[Finding]:
    if flow.on_error is not None:
        return
    for name, node in flow.nodes.items():
        if isinstance(node, Say | PlaySounds | Menu | Collect) and node.on_error is None:
            yield f"nodes.{name}.on_error", "a prompt can fail: give on_error here or for the whole flow"


def _languages(flow: Flow) -> Iterator[Finding]:
    for language in flow.speak or ():
        if language not in flow.languages:
            yield "speak", f"{language!r} is not among the flow's languages"
    for name, node in flow.nodes.items():
        for language in (node.speak or ()) if isinstance(node, Say | Menu | Collect | Record) else ():
            if language not in flow.languages:
                yield f"nodes.{name}.speak", f"{language!r} is not among the flow's languages"
        for field, prompt in prompts_of(node):
            for language in flow.languages:
                if language not in prompt:
                    yield f"nodes.{name}.{field}.{language}", "the text in this language is missing"


def _variables(flow: Flow) -> Iterator[Finding]:
    known = GIVEN_VARIABLES | QUEUE_VARIABLES | flow.variables.keys()
    for node in flow.nodes.values():
        match node:
            case Collect() | SetVariable():
                known |= {node.variable}
            case Query():
                known |= node.results.keys()
            case Messages():
                known |= MESSAGE_VARIABLES
            case _:
                pass
    for name, node in flow.nodes.items():
        for field, variable in _reads(node):
            if variable not in known:
                yield f"nodes.{name}.{field}", f"nothing sets the variable {variable!r}"


def _reads(node: Node) -> Iterator[tuple[str, str]]:
    for field, prompt in prompts_of(node):
        for language, text in prompt.items():
            for index, part in enumerate(text):
                if part.variable is not None:
                    yield f"{field}.{language}.{index}", part.variable
    match node:
        case Query():
            yield from ((f"parameters.{key}", variable) for key, variable in node.parameters.items())
        case Branch():
            yield from ((f"cases.{n}.when", case.when.variable) for n, case in enumerate(node.cases))
        case SetVariable() if node.copy_of is not None:
            yield "copy_of", node.copy_of
        case Transfer() | CallBack() if node.number_of is not None:
            yield "number_of", node.number_of
        case Record() if node.mailbox_of is not None:
            yield "mailbox_of", node.mailbox_of
        case AgentNode() if node.agent_of is not None and node.pin_of is not None:
            yield "agent_of", node.agent_of
            yield "pin_of", node.pin_of
        case _:
            pass


def _unreachable(flow: Flow) -> Iterator[Finding]:
    seen: set[str] = set()
    waiting = [flow.start] + ([flow.on_error] if flow.on_error else [])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(target for _, target in exits_of(flow.nodes[name]))
    for name in flow.nodes:
        if name not in seen:
            yield f"nodes.{name}", "no way leads to this node"


def _loops(flow: Flow) -> Iterator[Finding]:
    """Depth-first search for a way back over exits that need no key; without recursion, documents may be long."""
    done: set[str] = set()
    for root in flow.nodes:
        if root in done:
            continue
        way: dict[str, Iterator[NodeName]] = {root: _keyless_exits(flow.nodes[root])}
        while way:
            name = next(reversed(way))
            target = next(way[name], None)
            if target is None:
                done.add(name)
                del way[name]
            elif target in way:
                steps = [*way]
                circle = " → ".join([*steps[steps.index(target) :], target])
                yield f"nodes.{target}", f"an endless loop without any key of the caller: {circle}"
            elif target not in done:
                way[target] = _keyless_exits(flow.nodes[target])


def _keyless_exits(node: Node) -> Iterator[NodeName]:
    for field, target in exits_of(node):
        by_key = (isinstance(node, Menu | EnterQueueNode) and field.startswith("choices.")) or (
            isinstance(node, Collect) and field == "next"
        )
        if not by_key:
            yield target


def sound_files(flow: Flow) -> set[PurePosixPath]:
    """The sound files that a flow plays, relative to the directory of sounds."""
    nodes = (node for node in flow.nodes.values() if isinstance(node, PlaySounds))
    return {PurePosixPath(item.file) for node in nodes for item in node.sounds if item.file is not None}
