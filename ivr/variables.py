"""Which variables a flow sets, and which it reads."""

from __future__ import annotations

from collections.abc import Iterator

from ivr.expressions import Expression
from ivr.model import (
    GIVEN_VARIABLES,
    MESSAGE_VARIABLES,
    QUEUE_VARIABLES,
    Agent,
    Bot,
    Branch,
    CallBack,
    Case,
    Collect,
    Flow,
    Messages,
    Node,
    Query,
    Record,
    SetVariable,
    Speech,
    SubFlow,
    Transfer,
    prompts_of,
)


def misread(flow: Flow) -> Iterator[tuple[str, str]]:
    """(path, reason) wherever a variable is read that nothing sets."""
    known = GIVEN_VARIABLES | QUEUE_VARIABLES | flow.variables.keys() | set(flow.parameters)
    for node in flow.nodes.values():
        known |= _sets(node)
    for index, variable in enumerate(flow.results):
        if variable not in known:
            yield f"results.{index}", f"nothing sets the variable {variable!r}"
    for name, node in flow.nodes.items():
        for field, variable in reads_of(node):
            if variable not in known:
                yield f"nodes.{name}.{field}", f"nothing sets the variable {variable!r}"
    yield from _told(flow)


def _told(flow: Flow) -> Iterator[tuple[str, str]]:
    """Where a secret would be told to others, or recorded."""
    secret = _secrets(flow)
    for name, node in flow.nodes.items():
        if isinstance(node, Collect | SetVariable) and node.variable in secret & GIVEN_VARIABLES:
            reason = f"{node.variable!r} is in facts: a secure input needs a variable of its own"
            yield f"nodes.{name}.variable", reason
        for index, variable in enumerate(node.variables if isinstance(node, Bot) else ()):
            if variable in secret:
                yield f"nodes.{name}.variables.{index}", f"{variable!r} is a secure input, which no bot is told"
        for field in _NAMING[type(node)] if isinstance(node, Transfer | CallBack | Record) else ():
            if (variable := getattr(node, field)) in secret:
                yield f"nodes.{name}.{field}", f"{variable!r} is a secure input, which would be recorded"


def _secrets(flow: Flow) -> set[str]:
    """The variables of secure inputs, and what is copied or computed from them."""
    secret = {node.variable for node in flow.nodes.values() if isinstance(node, Collect) and node.secure}
    made = [node for node in flow.nodes.values() if isinstance(node, SetVariable)]
    while True:
        more = {node.variable for node in made if secret & {variable for _, variable in reads_of(node)}} - secret
        if not more:
            return secret
        secret |= more


def _sets(node: Node) -> set[str]:
    match node:
        case Collect() | SetVariable():
            return {node.variable}
        case Query() | SubFlow():
            return set(node.results)
        case Bot():
            return {*node.results, *filter(None, (node.outcome,))}
        case Speech():
            return {name for name in (node.variable, node.confidence, node.alternative) if name is not None}
        case Messages():
            return set(MESSAGE_VARIABLES)
        case _:
            return set()


def reads_of(node: Node) -> Iterator[tuple[str, str]]:
    """(field, variable) of every variable that a node reads."""
    yield from _spoken(node)
    match node:
        case Query() | SubFlow():
            yield from ((f"parameters.{key}", variable) for key, variable in node.parameters.items())
        case Collect() if node.valid is not None:
            yield from (("valid", variable) for variable in sorted(node.valid.names))
        case Bot():
            yield from ((f"variables.{index}", variable) for index, variable in enumerate(node.variables))
        case Branch():
            for index, case in enumerate(node.cases):
                yield from ((f"cases.{index}.when", variable) for variable in _compared(case))
        case SetVariable() if node.expression is not None:
            yield from (("expression", variable) for variable in sorted(node.expression.names))
        case _:
            for field in _NAMING.get(type(node), ()):
                if (variable := getattr(node, field)) is not None:
                    yield field, variable


_NAMING: dict[type[Node], tuple[str, ...]] = {
    SetVariable: ("copy_of",),
    Transfer: ("number_of", "agent_of"),
    CallBack: ("number_of",),
    Record: ("mailbox_of",),
    Agent: ("agent_of", "pin_of"),
}


def _spoken(node: Node) -> Iterator[tuple[str, str]]:
    for field, prompt in prompts_of(node):
        for language, text in prompt.items():
            for index, part in enumerate(text):
                if part.variable is not None:
                    yield f"{field}.{language}.{index}", part.variable


def _compared(case: Case) -> list[str]:
    when = case.when
    return sorted(when.names) if isinstance(when, Expression) else [when.variable]
