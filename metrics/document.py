"""Writes `docs/metrics.md` from the definitions: ``python -m metrics.document``. A test compares the two."""

from __future__ import annotations

from pathlib import Path

from metrics.definitions import DEFINITIONS, REQUIREMENTS
from metrics.families import FAMILIES, Family, Kind
from metrics.indicator import Definition

#: Where the page is, seen from the repository.
PAGE = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"

_HEAD = """# Metrics: what every figure means

Generated from `metrics/definitions.py` and `metrics/families.py` by `python -m metrics.document`; do not edit.

Every figure is read from one fold of the journalled facts (`metrics/fold.py`). Windows slide by the second; a
fact is counted in its own second, however late it comes, and once, however often. Durations are monotonic, so
that setting the clock changes none (R10.6.d). After a restart the fold is rebuilt from the journal's last 24 h.

**Verdicts.** Shares: *pass* when the lower one-sided 95 % confidence bound (Clopper–Pearson) reaches the target;
*fail* when the value misses it and either the upper bound misses it too, or the sample is as large as a pass
without any failure needs; else *insufficient*; below 10 samples always *insufficient*: one failed call of one is
no window of a day. Means and losses: at least 30 samples, then value against target. Nothing measured: *no_data*.
Rows of 10.3.2 are self-reported until mystery calls were made, which then decide. Mystery calls, and agents who
are robots, count in no figure that is self-reported.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, "## Requirements\n", _overview(), "## Definitions\n"]
    parts += [_section(definition) for definition in DEFINITIONS.values()]
    parts += ["## Prometheus\n", _families()]
    return "\n".join(parts)


def _overview() -> str:
    lines = ["| id | 指标 | indicator | target | window | samples needed |", "|---|---|---|---|---|---|"]
    for row in REQUIREMENTS:
        cells = (row.id, row.title_zh, row.title_en, _target(row), row.window, str(row.min_samples))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _section(definition: Definition) -> str:
    facts = {
        "Clause": f"{definition.clause_zh} / {definition.clause_en}",
        "Numerator": definition.numerator,
        "Denominator": definition.denominator,
        "Left out": definition.exclusions,
        "Window": definition.window,
        "Unit": definition.unit.value,
        "Target": _target(definition),
        "Samples needed": str(definition.min_samples) if definition.target is not None else "–",
        "Source": f"{definition.source.value}; decided by {definition.decides.value}",
        "Version": f"{definition.version}, since {definition.since.isoformat()}",
    }
    lines = [f"### {definition.id} · {definition.title_zh} · {definition.title_en}\n"]
    lines += [f"- **{name}**: {text}" for name, text in facts.items()]
    return "\n".join(lines) + "\n"


def _target(definition: Definition) -> str:
    if definition.target is None or definition.comparison is None:
        return "–"
    return f"{definition.comparison.value} {definition.target:g}"


def _families() -> str:
    lines = ["| name | type | labels | meaning | buckets |", "|---|---|---|---|---|"]
    for family in FAMILIES.values():
        labels = ", ".join(family.labels) or "–"
        buckets = " ".join(f"{bound:g}" for bound in family.buckets) or "–"
        lines.append(f"| `{exposed_name(family)}` | {family.kind.value} | {labels} | {family.help} | {buckets} |")
    return "\n".join(lines) + "\n"


def exposed_name(family: Family) -> str:
    """The name as scrapes show it."""
    return f"{family.name}_total" if family.kind is Kind.COUNTER else family.name


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
