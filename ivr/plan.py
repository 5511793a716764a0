"""A flow made ready once for all the sessions that run it: what steps need of its nodes, without asking models.

Sessions come to nodes a hundred thousand times a second; a document's models are made to be checked, not for that.
What never changes of a prompt is composed once for each way in which it is spoken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ccplatform.contracts.words import FlowId
from ivr.forgetting import forgettable
from ivr.model import Collect, Flow, Node, NodeName, PlaySounds, Say, Speech, prompts_of
from ivr.numbers import Language
from ivr.prompts import Composer


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A node as sessions come to it; ``prompts`` are its own by the names of their fields, ``over`` the variables
    that are needed no more once it was entered, should they be secret."""

    node: Node
    kind: str
    secure: bool
    delivers: bool
    takes_keys: bool
    spoken: tuple[Language, ...]
    by_choice: Mapping[str, tuple[Language, ...]]
    prompts: Mapping[str, Composer]
    over: frozenset[str]

    def languages(self, chosen: str) -> tuple[Language, ...]:
        """The languages in which it speaks to a caller who chose one, or none."""
        return self.by_choice.get(chosen, self.spoken)


class Plan:
    """A flow in one version, ready to be run."""

    __slots__ = ("asks_securely", "flow", "name", "steps")

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.name = FlowId(flow.flow)
        over = forgettable(flow)
        self.steps: Mapping[NodeName, Step] = {
            name: _step(flow, node, over[name]) for name, node in flow.nodes.items()
        }
        self.asks_securely = any(step.secure for step in self.steps.values())


def _step(flow: Flow, node: Node, over: frozenset[str]) -> Step:
    return Step(
        node=node,
        kind=node.kind,
        secure=isinstance(node, Collect) and node.secure,
        delivers=isinstance(node, Say | PlaySounds) and node.delivers,
        takes_keys=not isinstance(node, Speech) or bool(node.keys),
        spoken=flow.spoken_languages(node),
        by_choice={language: flow.spoken_languages(node, language) for language in flow.languages},
        prompts={field: Composer(prompt, flow.recordings) for field, prompt in prompts_of(node)},
        over=over,
    )
