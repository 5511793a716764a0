"""What a flow needs of the centre around it: queues, trunks, queries, other flows, recordings, files of sounds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ivr.checks import Finding, sound_files
from ivr.document import flow_from
from ivr.errors import FlowError, FlowProblem
from ivr.model import Flow, Node, prompts_of
from ivr.numbers import Language
from ivr.together import check_together

#: The fields of nodes that name something of the centre, and those that name other flows.
_NAMES = ("queue", "trunk", "query", "calendar", "bot")
_FLOWS = ("flow", "after_talk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What there is. ``flows`` are the documents of those in service; ``recordings`` are the flow's own: name →
    language → content; ``sounds`` is the directory of files (None: there is none)."""

    queues: Collection[str] = ()
    trunks: Collection[str] = ()
    queries: Collection[str] = ()
    calendars: Collection[str] = ()
    bots: Collection[str] = ()
    flows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recordings: Mapping[str, Mapping[Language, str]] = field(default_factory=dict)
    sounds: Path | None = None

    def named(self, field_name: str) -> Collection[str]:
        """What a field of a node may name."""
        return {
            "queue": self.queues,
            "trunk": self.trunks,
            "query": self.queries,
            "calendar": self.calendars,
            "bot": self.bots,
        }[field_name]


def publishable(document: object, name: str, around: Surroundings) -> Flow:
    """The flow of a document, with the recordings that it plays, if it may be published.

    Raises :class:`FlowError` with every problem. Looks at files: not on an event loop.
    """
    flow = flow_from(document, name)
    findings = [*_misnamed(flow, name), *missing(flow, around), *_together(flow, around)]
    if findings:
        raise FlowError([FlowProblem(file=name, path=path, reason=reason) for path, reason in findings])
    return with_recordings(flow, around.recordings)


def problems_of(document: object, name: str, around: Surroundings) -> list[FlowProblem]:
    """Why a document may not be published; empty: it may be. Not on an event loop."""
    try:
        publishable(document, name, around)
    except FlowError as error:
        return list(error.problems)
    return []


def with_recordings(flow: Flow, recordings: Mapping[str, Mapping[Language, str]]) -> Flow:
    """The flow with the contents of the recordings that its prompts name, as far as there are any."""
    used: dict[str, dict[Language, str]] = {}
    for _, name, language in recordings_of(flow):
        content = recordings.get(name, {}).get(language)
        if content is not None:
            used.setdefault(name, {})[language] = content
    if not used and not flow.recordings:
        return flow
    return flow.model_copy(update={"recordings": used})


def recordings_of(flow: Flow) -> Iterator[tuple[str, str, Language]]:
    """The recordings that a flow's prompts name: path, name, language."""
    for name, node in flow.nodes.items():
        for field_name, prompt in prompts_of(node):
            for language, text in prompt.items():
                for index, part in enumerate(text):
                    if part.recording is not None:
                        yield f"nodes.{name}.{field_name}.{language}.{index}", part.recording, language


def flows_of(flow: Flow) -> set[str]:
    """The other flows that a flow names."""
    return {target for node in flow.nodes.values() for _, target in _named_by(node, _FLOWS)}


def naming(document: Mapping[str, Any], field_name: str, target: str) -> list[str]:
    """The paths at which the nodes of a document, legal or not, name something of the centre."""
    nodes = document.get("nodes")
    return [
        f"nodes.{name}.{field_name}"
        for name, node in (nodes.items() if isinstance(nodes, Mapping) else ())
        if isinstance(node, Mapping) and node.get(field_name) == target
    ]


def missing(flow: Flow, around: Surroundings) -> Iterator[Finding]:
    """What the flow names and the centre has not."""
    for name, node in flow.nodes.items():
        for field_name, target in _named_by(node, _NAMES):
            if target not in around.named(field_name):
                yield f"nodes.{name}.{field_name}", f"there is no {field_name} {target!r}"
        mailbox = getattr(node, "mailbox", None)
        if isinstance(mailbox, str) and mailbox.startswith("queue:") and mailbox[6:] not in around.queues:
            yield f"nodes.{name}.mailbox", f"there is no queue {mailbox[6:]!r}"
    for path, recording, language in recordings_of(flow):
        if language not in around.recordings.get(recording, {}):
            yield path, f"there is no recording {recording!r} in {language}"
    for file in sorted(sound_files(flow)):
        if around.sounds is None or not (around.sounds / file).is_file():
            yield "nodes", f"there is no sound file {str(file)!r}"


def _misnamed(flow: Flow, name: str) -> Iterator[Finding]:
    if flow.flow != name:
        yield "flow", f"it is {flow.flow!r}, but this is the flow {name!r}"


def _together(flow: Flow, around: Surroundings) -> Iterator[Finding]:
    """What is wrong with the flows in service once this one is among them, and was not before."""
    others: dict[str, Flow] = {}
    for name, document in around.flows.items():
        try:
            others[name] = Flow.model_validate(document)
        except ValidationError:  # of another release: control raised an alarm, and no session comes through it
            continue
    before = set(check_together(others))
    for finding in check_together({**others, flow.flow: flow}):
        if finding.flow == flow.flow:
            yield finding.path, finding.reason
        elif finding not in before:
            yield "", f"the flow {finding.flow} would break: {finding.path}: {finding.reason}"


def _named_by(node: Node, fields: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for field_name in fields:
        target = getattr(node, field_name, None)
        if isinstance(target, str) and target:
            yield field_name, target
