"""Prometheus' text exposition format (version 0.0.4), made by its own library, in pieces.

A piece takes a fraction of a millisecond, so that an event loop can make them one by one between its other work. A
thread would take turns with the loop at the interpreter's lock, each of them 5 ms long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from metrics.families import FAMILIES, Family, Kind

#: Content type of the text.
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

#: Lines of samples that a piece has at most, but for those of one sample.
_PIECE_LINES: Final = 60
#: ``# HELP`` and ``# TYPE``.
_HEAD_LINES: Final = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """One line's worth: labels and value, or counts per bucket (the last one is +Inf) and sum."""

    labels: tuple[str, ...]
    value: float
    buckets: tuple[int, ...] = ()


def pieces(samples: Mapping[str, Sequence[Sample]]) -> Iterator[bytes]:
    """The text of a scrape: samples by the names of their families (:data:`metrics.families.FAMILIES`)."""
    for name, found in samples.items():
        family = FAMILIES[name]
        count = max(1, _PIECE_LINES // (len(family.buckets) + 3))
        yield _text(family, found[:count])
        for begin in range(count, len(found), count):
            yield _text(family, found[begin : begin + count]).split(b"\n", _HEAD_LINES)[_HEAD_LINES]


def _text(family: Family, samples: Sequence[Sample]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Part(family, samples))
    return generate_latest(registry)


class _Part(Collector):
    def __init__(self, family: Family, samples: Sequence[Sample]) -> None:
        self._family = family
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        yield _metric(self._family, self._samples)


def _metric(family: Family, samples: Sequence[Sample]) -> Metric:
    match family.kind:
        case Kind.COUNTER:
            counter = CounterMetricFamily(family.name, family.help, labels=family.labels)
            for sample in samples:
                counter.add_metric(sample.labels, sample.value)
            return counter
        case Kind.GAUGE:
            gauge = GaugeMetricFamily(family.name, family.help, labels=family.labels)
            for sample in samples:
                gauge.add_metric(sample.labels, sample.value)
            return gauge
        case Kind.HISTOGRAM:
            bounds = (*map(str, family.buckets), "+Inf")
            histogram = HistogramMetricFamily(family.name, family.help, labels=family.labels)
            for sample in samples:
                reached = map(float, accumulate(sample.buckets))
                histogram.add_metric(sample.labels, list(zip(bounds, reached, strict=True)), sample.value)
            return histogram
