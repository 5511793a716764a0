"""Nodes that decide where the caller goes, unheard."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ivr.nodes.node import NodeModel, NodeName, Value
from ivr.prompt_model import DocumentModel, VariableName


class Condition(DocumentModel):
    """Compares a variable: as numbers for less … at_least, as text otherwise."""

    variable: VariableName
    op: Literal["equals", "differs", "empty", "filled", "less", "at_most", "greater", "at_least"] = "equals"
    value: Value = ""


class Case(DocumentModel):
    """Where to go when a condition holds."""

    when: Condition
    next: NodeName


class Branch(NodeModel):
    """Go to the first case that holds."""

    kind: Literal["branch"]
    cases: Annotated[list[Case], Field(min_length=1, max_length=50)]
    otherwise: NodeName


class SetVariable(NodeModel):
    """Give a variable a value, or another variable's value."""

    kind: Literal["set"]
    variable: VariableName
    value: Value | None = None
    copy_of: VariableName | None = None
    next: NodeName

    @model_validator(mode="after")
    def _one_of_them(self) -> SetVariable:
        if (self.value is None) == (self.copy_of is None):
            raise ValueError("give exactly one of value, copy_of")
        return self
