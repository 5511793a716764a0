"""Which secrets a session has no more use for, told from the flow before it is run (R11.4.3.i).

A variable is needed at a node when some way from there reads it before it is set anew: liveness, found backwards
from every node that reads, over the exits of nodes. Only variables that can hold a secret are looked at. A session
drops the others of its secrets as soon as it is at the node; what it drops, nothing of its flow could have read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from ivr.model import (
    Agent,
    Branch,
    Collect,
    Flow,
    Node,
    NodeName,
    PlaySounds,
    Query,
    Return,
    Say,
    SetVariable,
    SpeakingNode,
    Speech,
    SubFlow,
    Transfer,
)
from ivr.variables import reads_of

#: Nodes that read all that they read when they are entered, and never after it.
_READ_AT_ONCE = (Say, PlaySounds, Query, Transfer, Agent, Branch, SetVariable, SubFlow)


def forgettable(flow: Flow) -> dict[NodeName, frozenset[str]]:
    """For each node the variables that may hold a secret and are not needed any more once it was entered."""
    ways_to: dict[NodeName, list[tuple[NodeName, str]]] = defaultdict(list)
    for name, node in flow.nodes.items():
        for field, target in _ways(flow, node):
            ways_to[target].append((name, field))
    over: dict[NodeName, set[str]] = {name: set() for name in flow.nodes}
    for variable in _may_be_secret(flow):
        needed = _needed_at(flow, variable, ways_to)
        for name in flow.nodes.keys() - needed:
            over[name].add(variable)
    return {name: frozenset(variables) for name, variables in over.items()}


def _needed_at(flow: Flow, variable: str, ways_to: Mapping[NodeName, list[tuple[NodeName, str]]]) -> set[NodeName]:
    """The nodes at which a session still needs the variable."""
    reading = [name for name, node in flow.nodes.items() if variable in _read(flow, node)]
    needed = {name for name in reading if not isinstance(flow.nodes[name], _READ_AT_ONCE)}
    before = set(reading)  # nodes that it has to come to with the variable
    waiting = reading
    while waiting:
        for name, field in ways_to[waiting.pop()]:
            node = flow.nodes[name]
            anew = variable in _set_by(node, field)
            if not anew or isinstance(node, SetVariable):  # which has set it when it was entered
                needed.add(name)
            if anew:
                continue
            if name not in before:
                before.add(name)
                waiting.append(name)
    return needed


def _ways(flow: Flow, node: Node) -> Iterator[tuple[str, NodeName]]:
    yield from flow.ways_of(node)
    if isinstance(node, SpeakingNode) and node.on_error is None and flow.on_error is not None:
        yield "on_error", flow.on_error


def _read(flow: Flow, node: Node) -> set[str]:
    if isinstance(node, Return):
        return set(flow.results)
    read = {variable for _, variable in reads_of(node)}
    if isinstance(node, Collect) and node.valid is not None and node.variable in node.valid.names:
        spoken = {variable for field, variable in reads_of(node) if field != "valid"}
        read -= {node.variable} - spoken  # its condition is on what was just keyed in
    return read


def _set_by(node: Node, field: str) -> set[str]:
    """What surely has a new value on this way from a node."""
    match node:
        case Collect() | SetVariable() if field == "next":
            return {node.variable}
        case Query() if field == "on_found":
            return set(node.results)
        case SubFlow() if field == "next":
            return set(node.results)
        case Speech() if field in ("next", "on_unsure"):
            return {node.variable}
        case _:
            return set()


def _may_be_secret(flow: Flow) -> set[str]:
    """The variables that a secret may come into: keyed in, computed, handed to a sub-flow, or back from one."""
    found = set(flow.parameters)
    for node in flow.nodes.values():
        if isinstance(node, Collect | SetVariable):
            found.add(node.variable)
        elif isinstance(node, SubFlow):
            found.update(node.results)
    return found
