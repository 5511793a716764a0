"""The Prometheus exposition: counters and histograms fed by live facts, gauges read from the fold at a scrape.

Counters begin at zero when the process starts, as Prometheus expects; the windows behind the compliance rows
are rebuilt from the journal. A scrape has two halves: :meth:`Exposition.collect` copies figures, at once, and
:func:`metrics.text_format.pieces` makes text of them, piece by piece.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ccplatform.contracts.words import Severity
from metrics.budgets import budgets, short_name
from metrics.compliance import rows
from metrics.day import figures
from metrics.families import FAMILIES, Family
from metrics.fold import Fold
from metrics.lines import Gauge, line_gauges
from metrics.model import OTHER, AnswerLimits, Counted, Observation, Observed, Verdict
from metrics.text_format import Sample

#: Answers which names of a label are configured; None: no list to check against.
Known = Callable[[], Collection[str]] | None

_FIGURE_FAMILIES: Mapping[str, str] = {
    "D-ASA": "cc_asa_seconds",
    "D-AHT": "cc_aht_seconds",
    "D-TALK": "cc_talk_seconds",
    "D-HOLD": "cc_hold_seconds",
    "D-OCC": "cc_occupancy_ratio",
    "D-UTIL": "cc_utilisation_ratio",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerHealth:
    """How a media worker does: its ticks lately in seconds (p50, p99, max), and counts since its start.

    ``refused`` are packets by reason, ``link_frames`` what other workers' frames came to (lost, refused).
    """

    worker: int
    ticks: Mapping[str, float]
    overruns: int
    refused: Mapping[str, int]
    link_frames: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverloadHealth:
    """How far overload control restricts calls (level 0 to 3), and calls that it refused since control began."""

    level: int
    refused: Mapping[str, int]


def _figure_gauge(definition: str, value: float) -> Iterator[Gauge]:
    """The headline of D-SL is told for each queue instead."""
    if definition in _FIGURE_FAMILIES:
        yield _FIGURE_FAMILIES[definition], (), value
    elif definition.startswith("D-SL."):
        yield "cc_service_level_variant_ratio", (definition.removeprefix("D-SL."),), value


class Histogram:
    """Counts per bucket, the last one being +Inf, and the sum."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value; a bucket holds what is at most its bound."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value


class Exposition:
    """What Prometheus sees. ``queues`` and ``trunks`` name the configured ones; unknown names become 'other'.
    ``agents`` names everybody, so that those who never signed in count as signed out.

    As long as they name none (the list has not arrived yet), the names of facts stand; the fold bounds them.
    """

    def __init__(
        self,
        *,
        queues: Known = None,
        trunks: Known = None,
        agents: Known = None,
        workers: Callable[[], Sequence[WorkerHealth]] | None = None,
        overload: Callable[[], OverloadHealth | None] | None = None,
        alarms: Callable[[], Mapping[Severity, int]] | None = None,
        lines: Callable[[], Mapping[str, Any]] | None = None,
        messages: Callable[[], Mapping[str, int]] | None = None,
    ) -> None:
        self._known = {"queue": queues, "trunk": trunks}
        self._agents = agents
        self._workers = workers
        self._overload = overload
        self._alarms = alarms
        self._lines = lines
        self._messages = messages
        self._counters: dict[str, dict[tuple[str, ...], int]] = {}
        self._histograms: dict[str, dict[tuple[str, ...], Histogram]] = {}

    def observe(self, observations: Iterable[Observation]) -> None:
        """Count what a live fact showed."""
        for observation in observations:
            family = FAMILIES[observation.metric]
            labels = self._bounded(family, observation.labels)
            match observation:
                case Counted():
                    counts = self._counters.setdefault(family.name, {})
                    counts[labels] = counts.get(labels, 0) + observation.amount
                case Observed():
                    self._histogram(family, labels).observe(observation.value)

    def collect(self, fold: Fold, now: int, limits: AnswerLimits) -> dict[str, list[Sample]]:
        """Copy every figure at ``now`` (seconds since the epoch); family name → samples."""
        samples: dict[str, list[Sample]] = {name: [] for name in FAMILIES}
        for name, counts in self._counters.items():
            samples[name] = [Sample(labels, count) for labels, count in counts.items()]
        for name, histograms in self._histograms.items():
            samples[name] = [Sample(labels, h.total, tuple(h.counts)) for labels, h in histograms.items()]
        for name, labels, value in self._gauges(fold, now, limits):
            samples[name].append(Sample(labels, value))
        return samples

    def _gauges(self, fold: Fold, now: int, limits: AnswerLimits) -> Iterator[Gauge]:
        yield "cc_calls_active", (), fold.contacts.active
        for state, count in fold.agents.by_state(self._agents() if self._agents is not None else ()).items():
            yield "cc_agents", (state.value,), count
        for severity, count in (self._alarms or fold.alarms.by_severity)().items():
            yield "cc_alarms", (severity.value,), count
        for figure in figures(fold, now, limits):
            if figure.value is not None:
                yield from _figure_gauge(figure.definition_id, figure.value)
        yield from self._queue_gauges(fold, now, limits)
        yield from _trunk_gauges(fold, now)
        yield from _compliance_gauges(fold, now)
        overload = self._overload() if self._overload is not None else None
        if overload is not None:
            yield "cc_overload_level", (), overload.level
            for kind, calls in overload.refused.items():
                yield "cc_overload_refused_calls", (kind,), calls
        for worker in self._workers() if self._workers is not None else ():
            yield from _worker_gauges(worker)
        for queue, messages in self._messages().items() if self._messages is not None else ():
            yield "cc_voice_messages_waiting", (queue,), messages
        yield from line_gauges(self._lines() if self._lines is not None else {})

    def _queue_gauges(self, fold: Fold, now: int, limits: AnswerLimits) -> Iterator[Gauge]:
        known = self._known["queue"]
        waiting = dict.fromkeys(known() if known is not None else (), 0) | fold.contacts.waiting
        for queue, count in waiting.items():
            yield "cc_queue_waiting", (queue,), count
        for queue, day in fold.queues.day(now).items():
            level = day.service_level(limits.of(queue))
            if level is not None:
                yield "cc_service_level_ratio", (queue,), level

    def _histogram(self, family: Family, labels: tuple[str, ...]) -> Histogram:
        histograms = self._histograms.setdefault(family.name, {})
        histogram = histograms.get(labels)
        if histogram is None:
            histogram = histograms[labels] = Histogram(family.buckets)
        return histogram

    def _bounded(self, family: Family, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Label values with every unknown queue or trunk as 'other'; '' says there is none."""
        if not labels:
            return labels
        return tuple(self._bound(name, value) for name, value in zip(family.labels, labels, strict=True))

    def _bound(self, name: str, value: str) -> str:
        known = self._known.get(name)
        names = known() if known is not None else ()
        return value if not names or not value or value in names else OTHER


def _trunk_gauges(fold: Fold, now: int) -> Iterator[Gauge]:
    for name, trunk in fold.access.trunks.items():
        channels, load = trunk.level.current, trunk.load(now)
        if channels is not None:
            yield "cc_trunk_channels_in_use", (name,), channels[0]
            yield "cc_trunk_channels", (name,), channels[1]
        if load is not None:
            yield "cc_trunk_load_erlang", (name,), load


def _compliance_gauges(fold: Fold, now: int) -> Iterator[Gauge]:
    for row in rows(fold, now):
        labels = (row.definition.id,)
        if row.definition.target is not None:
            yield "cc_compliance_target", labels, row.definition.target
        yield "cc_compliance_samples", labels, row.measurement.samples
        if row.measurement.value is not None:
            yield "cc_compliance_value", labels, row.measurement.value
        if row.verdict in (Verdict.PASS, Verdict.FAIL):
            yield "cc_compliance_ok", labels, float(row.verdict is Verdict.PASS)
    for budget in budgets(fold, now):
        if budget.left is not None:
            yield "cc_compliance_budget_left", (budget.requirement,), budget.left
        for burn in budget.burns:
            if burn.burn is not None:
                yield "cc_compliance_burn", (budget.requirement, short_name(burn.window)), burn.burn


def _worker_gauges(health: WorkerHealth) -> Iterator[Gauge]:
    worker = str(health.worker)
    yield "cc_media_tick_overruns", (worker,), health.overruns
    for name, values in (
        ("cc_media_tick_seconds", health.ticks),
        ("cc_media_refused_packets", health.refused),
        ("cc_media_link_frames", health.link_frames),
    ):
        for label, value in values.items():
            yield name, (worker, label), value
