"""What concerns several flows: sub-flows that are not there, recursion, parameters, loops through sub-flows.

Whoever publishes a flow checks all published flows with the new one among them: a change of a sub-flow can break
those that run it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ivr.checks import endless_loops, returns_unasked
from ivr.model import EnterQueueNode, Flow, NodeName, SubFlow

#: How deep sub-flows may run in one another.
MAX_NESTING: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFinding:
    """One thing wrong with a flow among the others: its name, where, and why."""

    flow: str
    path: str
    reason: str


def check_together(flows: Mapping[str, Flow]) -> list[FlowFinding]:
    """Every problem of flows, by name, that each are right by themselves; empty when they may be published."""
    return _Together(flows).findings()


def parts_of(flow: Flow, flows: Mapping[str, Flow]) -> dict[str, Flow]:
    """The sub-flows that a session of a flow may come through; those that are not there are left out."""
    found: dict[str, Flow] = {}
    waiting = [flow]
    while waiting:
        for _, node in _sub_flows(waiting.pop()):
            part = flows.get(node.flow)
            if part is not None and node.flow not in found:
                found[node.flow] = part
                waiting.append(part)
    return found


def _sub_flows(flow: Flow) -> Iterator[tuple[NodeName, SubFlow]]:
    for name, node in flow.nodes.items():
        if isinstance(node, SubFlow):
            yield name, node


def _nesting(flows: Mapping[str, Flow]) -> dict[str, int]:
    """How deep sub-flows nest in each flow; one more than is allowed where it is deeper, or without end."""
    runs = {name: {node.flow for _, node in _sub_flows(flow)} & flows.keys() for name, flow in flows.items()}
    depths = dict.fromkeys(flows, 0)
    for _ in range(MAX_NESTING + 1):
        depths = {name: max((depths[part] + 1 for part in runs[name]), default=0) for name in flows}
    return depths


class _Together:
    def __init__(self, flows: Mapping[str, Flow]) -> None:
        self._flows = flows
        self._depths = _nesting(flows)
        self._keyed: dict[str, bool] = {}

    def findings(self) -> list[FlowFinding]:
        found = [finding for name, flow in self._flows.items() for finding in self._calls(name, flow)]
        for name, flow in self._flows.items():
            if self._depths[name] > MAX_NESTING:
                continue
            for path, reason in endless_loops(flow, self._asks):
                found.append(FlowFinding(flow=name, path=path, reason=reason))
        return found

    def _calls(self, name: str, flow: Flow) -> Iterator[FlowFinding]:
        for node_name, node in flow.nodes.items():
            if isinstance(node, SubFlow):
                for field, reason in self._call(flow, node):
                    yield FlowFinding(flow=name, path=f"nodes.{node_name}.{field}", reason=reason)
            elif isinstance(node, EnterQueueNode) and node.after_talk and node.after_talk not in self._flows:
                reason = f"there is no flow {node.after_talk!r}"
                yield FlowFinding(flow=name, path=f"nodes.{node_name}.after_talk", reason=reason)

    def _call(self, flow: Flow, node: SubFlow) -> Iterator[tuple[str, str]]:
        part = self._flows.get(node.flow)
        if part is None:
            yield "flow", f"there is no flow {node.flow!r}"
            return
        if self._depths[node.flow] >= MAX_NESTING:
            yield "flow", f"sub-flows run in one another without end, or deeper than {MAX_NESTING}"
        for parameter in node.parameters:
            if parameter not in part.parameters:
                yield f"parameters.{parameter}", f"the flow {node.flow!r} has no such parameter"
        for parameter in part.parameters:
            if parameter not in node.parameters and parameter not in part.variables:
                yield "parameters", f"the parameter {parameter!r} of the flow {node.flow!r} is missing"
        for variable, result in node.results.items():
            if result not in part.results:
                yield f"results.{variable}", f"the flow {node.flow!r} has no result {result!r}"
        for language in flow.languages:
            if language not in part.languages:
                yield "flow", f"the flow {node.flow!r} does not speak {language!r}"

    def _asks(self, name: str) -> bool:
        """Whether every way through a sub-flow needs a key of the caller; called where nothing runs itself."""
        if name not in self._keyed:
            flow = self._flows.get(name)
            self._keyed[name] = flow is None or not returns_unasked(flow, self._asks)
        return self._keyed[name]
