"""The part of the interpreter that runs flows in flows.

A sub-flow has variables of its own: what every session is given, its own defaults, and its parameters; back go its
results. What came from a secure input stays secure. Nesting is bounded before publishing (:mod:`ivr.together`).
"""

from __future__ import annotations

from ccplatform.contracts.words import FlowOutcome
from ivr.model import GIVEN_VARIABLES, Return, SubFlow
from ivr.run import Run
from ivr.session import Frame


def enter_sub_flow(run: Run, node: SubFlow) -> None:
    """Let the sub-flow have the caller; the failure path when it is not there."""
    cursor, part = run.cursor, run.parts.get(node.flow)
    if part is None:
        cursor.fault = cursor.fault or "no_such_flow"
        run.next = node.on_error
        return
    outer = cursor.variables
    given = {name: outer[name] for name in GIVEN_VARIABLES if name in outer}
    filled = {parameter: outer.get(variable, "") for parameter, variable in node.parameters.items()}
    secret = {name for name, variable in node.parameters.items() if variable in cursor.secure}
    run.forget(run.at.over)
    cursor.frames.append(
        Frame(flow=cursor.flow, node=cursor.node, variables=outer, secure=cursor.secure, loops=cursor.loops)
    )
    cursor.secure = secret
    cursor.variables, cursor.loops = {**given, **part.flow.variables, **filled}, {}
    run.turn_to(node.flow)
    run.next = part.flow.start


def leave_sub_flow(run: Run, node: Return) -> None:
    """Go on with the flow that runs this one; where none does, the call ends."""
    frame = run.cursor.frames[-1] if run.cursor.frames else None
    if frame is None:
        run.let_go(FlowOutcome.COMPLETED)
        return
    inner, secure = run.cursor.variables, run.cursor.secure
    caller = _back_to(run, frame)
    for variable, result in caller.results.items():
        run.cursor.variables[variable] = inner.get(result, "")
        (run.cursor.secure.add if result in secure else run.cursor.secure.discard)(variable)
    run.next = caller.next


def sub_flow_failed(run: Run) -> bool:
    """The failure path of the flow that runs this one; False where none does."""
    if not run.cursor.frames:
        return False
    run.next = _back_to(run, run.cursor.frames[-1]).on_error
    return True


def _back_to(run: Run, frame: Frame) -> SubFlow:
    cursor = run.cursor
    cursor.frames.pop()
    cursor.node, cursor.variables, cursor.secure, cursor.loops = (
        frame.node,
        frame.variables,
        frame.secure,
        frame.loops,
    )
    if cursor.language:
        cursor.variables["language"] = cursor.language
    run.turn_to(frame.flow)
    run.at = run.plan.steps[frame.node]
    node = run.node
    assert isinstance(node, SubFlow)
    return node
