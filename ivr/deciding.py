"""The part of the interpreter that decides unheard: branches, variables, languages, loops, waits."""

from __future__ import annotations

from collections.abc import Mapping

from ivr.branches import holds
from ivr.errors import ExpressionFailed
from ivr.expressions import Expression
from ivr.model import Branch, ChooseLanguage, Loop, NodeName, SetVariable, Wait
from ivr.run import Run
from ivr.session import Phase


def way_of(node: Branch, variables: Mapping[str, str]) -> NodeName:
    """The node that the first case that holds leads to; what cannot be computed does not hold."""
    for case in node.cases:
        try:
            if case.when.holds(variables) if isinstance(case.when, Expression) else holds(case.when, variables):
                return case.next
        except ExpressionFailed:
            continue
    return node.otherwise


def decide(run: Run, node: Branch) -> None:
    """Go the way that its cases tell."""
    run.next = way_of(node, run.cursor.variables)


def set_variable(run: Run, node: SetVariable) -> None:
    """Give the variable its value; what is computed from a secure input is secure."""
    cursor = run.cursor
    run.next = node.next
    secure = False
    if node.expression is not None:
        try:
            value = node.expression.written(cursor.variables)
        except ExpressionFailed:
            run.next = node.on_error
            return
        secure = not cursor.secure.isdisjoint(node.expression.names)
    elif node.copy_of is not None:
        value, secure = cursor.variables.get(node.copy_of, ""), node.copy_of in cursor.secure
    else:
        value = node.value or ""
    cursor.variables[node.variable] = value
    (cursor.secure.add if secure else cursor.secure.discard)(node.variable)


def choose_language(run: Run, node: ChooseLanguage) -> None:
    """He is spoken to in this language from now on."""
    run.cursor.language = run.cursor.variables["language"] = node.language
    run.next = node.next


def go_round(run: Run, node: Loop) -> None:
    """Once more, or on."""
    loops = run.cursor.loops
    loops[run.cursor.node] = begun = loops.get(run.cursor.node, 0) + 1
    if begun <= node.times:
        run.next = node.body
    else:
        del loops[run.cursor.node]
        run.next = node.next


def begin_waiting(run: Run, node: Wait) -> None:
    """He waits; a key that waits already may end it at once."""
    if node.barge_in and run.cursor.keys_ahead:
        run.next = node.next
    else:
        run.cursor.phase, run.cursor.deadline = Phase.WAITING, run.now + node.seconds
