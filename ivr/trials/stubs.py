"""Sub-flows that stand in for real ones in a trial: they give their results at once, or are not there."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.model import Flow, Return, SetVariable
from ivr.trials.script import World

_END = "done"


def with_stubs(flow: Flow, parts: Mapping[str, Flow], world: World) -> dict[str, Flow]:
    """The parts of a flow, those that the world's file stubs in place of the real ones."""
    stubs = {name: _stub(name, flow, stub.results) for name, stub in world.sub_flows.items() if not stub.fails}
    kept = {name: part for name, part in parts.items() if name not in world.sub_flows}
    return {**kept, **stubs}


def _stub(name: str, flow: Flow, results: Mapping[str, str]) -> Flow:
    """A flow that gives these results without a word."""
    steps = [f"stub_{index}" for index in range(len(results))] + [_END]
    sets = {
        step: SetVariable(kind="set", variable=variable, value=value, next=after)
        for (variable, value), step, after in zip(results.items(), steps, steps[1:], strict=False)
    }
    nodes = {**sets, _END: Return(kind="return")}
    return Flow(flow=name, languages=flow.languages, results=tuple(results), start=steps[0], nodes=nodes)
