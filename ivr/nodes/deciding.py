"""Nodes that decide where the caller goes, unheard."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from ivr.expressions import Expression, as_condition
from ivr.nodes.node import FlowName, NodeModel, NodeName, Value
from ivr.numbers import Language
from ivr.prompt_model import DocumentModel, VariableName

#: An expression that is true or not.
ConditionText: TypeAlias = Annotated[Expression, AfterValidator(as_condition)]


class Condition(DocumentModel):
    """Compares a variable: as numbers for less … at_least, as text otherwise."""

    variable: VariableName
    op: Literal["equals", "differs", "empty", "filled", "less", "at_most", "greater", "at_least"] = "equals"
    value: Value = ""


def _form(value: Any) -> str:
    return "(expression)" if isinstance(value, str | Expression) else "(condition)"


class Case(DocumentModel):
    """Where to go when a condition holds: a comparison, or an expression as a text."""

    when: Annotated[
        Annotated[Condition, Tag("(condition)")] | Annotated[ConditionText, Tag("(expression)")],
        Discriminator(_form),
    ]
    next: NodeName


class Branch(NodeModel):
    """Go to the first case that holds; what cannot be computed does not hold."""

    kind: Literal["branch"]
    cases: Annotated[list[Case], Field(min_length=1, max_length=50)]
    otherwise: NodeName


class SetVariable(NodeModel):
    """Give a variable a value, another variable's value, or the value of an expression."""

    kind: Literal["set"]
    variable: VariableName
    value: Value | None = None
    copy_of: VariableName | None = None
    expression: Expression | None = None
    next: NodeName
    on_error: NodeName | None = Field(None, description="where to go when the expression cannot be computed")

    @model_validator(mode="after")
    def _one_of_them(self) -> SetVariable:
        given = [field for field in (self.value, self.copy_of, self.expression) if field is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of value, copy_of, expression")
        if (self.expression is None) != (self.on_error is None):
            raise ValueError("an expression, and it alone, needs on_error")
        return self


class ChooseLanguage(NodeModel):
    """Speak one language from now on, where a node does not say otherwise; sub-flows speak it, too."""

    kind: Literal["language"]
    language: Language
    next: NodeName


class Loop(NodeModel):
    """Go to ``body`` so many times, then to ``next``; the way from ``body`` leads back here."""

    kind: Literal["loop"]
    times: int = Field(ge=1, le=100)
    body: NodeName
    next: NodeName


class Wait(NodeModel):
    """Let the caller wait in silence; keys are kept for the next input, or end it at once."""

    kind: Literal["wait"]
    seconds: float = Field(gt=0, le=600)
    barge_in: bool = Field(False, description="whether a key ends it")
    next: NodeName


class SubFlow(NodeModel):
    """Run another flow as a part of this one, with variables of its own."""

    kind: Literal["sub_flow"]
    flow: FlowName
    parameters: dict[VariableName, VariableName] = Field(
        default_factory=dict, max_length=50, description="the sub-flow's parameter → the variable that fills it"
    )
    results: dict[VariableName, VariableName] = Field(
        default_factory=dict, max_length=50, description="the variable that is set → the sub-flow's result"
    )
    next: NodeName
    on_error: NodeName = Field(description="a prompt of the sub-flow failed, and it has no way for that itself")


class Return(NodeModel):
    """End a sub-flow: the flow that runs it goes on. In a flow that is no part of another, the call ends."""

    kind: Literal["return"]
