"""Prometheus' text exposition format (version 0.0.4), written in pieces.

A piece takes a fraction of a millisecond, so that an event loop can make them one by one between its other work. A
thread would take turns with the loop at the interpreter's lock, each of them 5 ms long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from metrics.families import FAMILIES, Family, Kind

#: Content type of the text.
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

#: Lines after which a piece ends.
_PIECE_LINES: Final = 400
_LABEL: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})
_SPECIAL: Final = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One line's worth: labels and value, or counts per bucket (the last one is +Inf) and sum."""

    labels: tuple[str, ...]
    value: float
    buckets: tuple[int, ...] = ()


def pieces(samples: Mapping[str, Sequence[Sample]]) -> Iterator[str]:
    """The text of a scrape: samples by the names of their families (:data:`metrics.families.FAMILIES`)."""
    lines: list[str] = []
    for name, found in samples.items():
        family = FAMILIES[name]
        lines += _head(family)
        for sample in found:
            lines += _lines(family, sample)
            if len(lines) >= _PIECE_LINES:
                yield _joined(lines)
                lines.clear()
    yield _joined(lines)


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _head(family: Family) -> tuple[str, str]:
    name = _name(family)
    return f"# HELP {name} {family.help.translate(_HELP)}", f"# TYPE {name} {family.kind}"


def _name(family: Family) -> str:
    return f"{family.name}_total" if family.kind is Kind.COUNTER else family.name


def _lines(family: Family, sample: Sample) -> Iterable[str]:
    pairs = sorted(zip(family.labels, sample.labels, strict=True))
    labels = ",".join(f'{name}="{value.translate(_LABEL)}"' for name, value in pairs)
    if family.kind is not Kind.HISTOGRAM:
        return (f"{_name(family)}{_braced(labels)} {_number(sample.value)}",)
    return _histogram(family, labels, sample)


def _histogram(family: Family, labels: str, sample: Sample) -> list[str]:
    begin = f"{family.name}_bucket{{{labels}," if labels else f"{family.name}_bucket{{"
    bounds = (*map(_number, family.buckets), "+Inf")
    reached = list(accumulate(sample.buckets))
    lines = [f'{begin}le="{bound}"}} {count}.0' for bound, count in zip(bounds, reached, strict=True)]
    labels = _braced(labels)
    return [
        *lines,
        f"{family.name}_count{labels} {reached[-1]}.0",
        f"{family.name}_sum{labels} {_number(sample.value)}",
    ]


def _braced(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


def _number(value: float) -> str:
    text = repr(float(value))
    return _SPECIAL.get(text, text)
