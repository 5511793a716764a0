"""The text of a scrape: what Prometheus' own parser reads of it is what was put in; pieces are short."""

from __future__ import annotations

import math
import string
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from metrics import text_format
from metrics.families import FAMILIES, Family, Kind
from metrics.text_format import Sample, pieces

#: Names of queues and trunks are free text; what is hard are quotes, backslashes, line ends and other alphabets.
TEXTS = st.text(st.sampled_from(string.ascii_letters + '\\"\n{},= 技能组é\t'), max_size=12)
VALUES = st.one_of(st.floats(), st.integers(0, 2**53).map(float))


@st.composite
def scrapes(draw: st.DrawFn) -> dict[str, list[Sample]]:
    """Some samples of every family."""
    return {name: draw(st.lists(samples_of(family), max_size=2)) for name, family in FAMILIES.items()}


def samples_of(family: Family) -> st.SearchStrategy[Sample]:
    labels = st.tuples(*(TEXTS for _ in family.labels))
    size = len(family.buckets) + 1 if family.kind is Kind.HISTOGRAM else 0
    counts = st.lists(st.integers(0, 2**40), min_size=size, max_size=size).map(tuple)
    return st.builds(Sample, labels, VALUES, counts)


@given(scrapes())
def test_what_is_read_is_what_was_written(scrape: dict[str, list[Sample]]) -> None:
    read = {family.name: family for family in text_string_to_metric_families(b"".join(pieces(scrape)).decode())}
    assert read.keys() == FAMILIES.keys()
    for name, samples in scrape.items():
        family = FAMILIES[name]
        assert (read[name].type, read[name].documentation) == (family.kind.value, family.help)
        found = [(line.name, line.labels, line.value) for line in read[name].samples]
        expected = [line for sample in samples for line in lines(family, sample)]
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert one[:2] == other[:2]
            assert one[2] == other[2] or (math.isnan(one[2]) and math.isnan(other[2]))


def lines(family: Family, sample: Sample) -> list[tuple[str, dict[str, str], float]]:
    """What a sample means, by the format's description."""
    labels = dict(zip(family.labels, sample.labels, strict=True))
    match family.kind:
        case Kind.COUNTER:
            return [(f"{family.name}_total", labels, sample.value)]
        case Kind.GAUGE:
            return [(family.name, labels, sample.value)]
        case Kind.HISTOGRAM:
            bounds = [*map(str, family.buckets), "+Inf"]
            buckets = [
                (f"{family.name}_bucket", {**labels, "le": bound}, float(sum(sample.buckets[: place + 1])))
                for place, bound in enumerate(bounds)
            ]
            count = float(sum(sample.buckets))
            return [
                *buckets,
                (f"{family.name}_count", labels, count),
                (f"{family.name}_sum", labels, sample.value),
            ]


@pytest.fixture(scope="module")
def big() -> dict[str, list[Sample]]:
    """Two hundred queues in every family that tells queues apart."""
    found: dict[str, list[Sample]] = {}
    for name, family in FAMILIES.items():
        counts = (1,) * (len(family.buckets) + 1) if family.kind is Kind.HISTOGRAM else ()
        names = [f"q{number}" for number in range(200 if "queue" in family.labels else 1)]
        found[name] = [Sample((queue,) * len(family.labels), 0.5, counts) for queue in names]
    return found


def test_a_big_scrape_comes_in_pieces_of_some_lines(big: dict[str, list[Sample]]) -> None:
    made = list(pieces(big))
    assert len(made) > 10
    assert max(piece.count(b"\n") for piece in made) <= text_format._PIECE_LINES + 2
    assert all(piece.endswith(b"\n") for piece in made)


def test_promtool_has_nothing_against_it(big: dict[str, list[Sample]]) -> None:
    text = b"".join(pieces(big)).decode()
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if "no help text" in line]
    assert (complaints, "error" in done.stderr) == ([], False), done.stderr
