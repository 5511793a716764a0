"""Measured figures with their goals: a table for people, JSON for programs."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured quantity. Its ``goal`` is met when the p95 (a single value) is not above it."""

    name: str
    unit: str
    samples: int
    p50: float
    p95: float
    largest: float
    goal: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """p95 over goal; 1.0 and less is good. None without a goal, and for one of nothing."""
        return self.p95 / self.goal if self.goal else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is; None without one."""
        return None if self.goal is None else self.p95 <= self.goal


def distribution(
    name: str, seconds: Sequence[float], *, goal_ms: float | None = None, note: str = ""
) -> Figure | None:
    """Durations in seconds as a figure in milliseconds; None without a sample."""
    if not seconds:
        return None
    values = sorted(value * 1000 for value in seconds)
    return Figure(
        name=name,
        unit="ms",
        samples=len(values),
        p50=percentile(values, 0.50),
        p95=percentile(values, 0.95),
        largest=values[-1],
        goal=goal_ms,
        note=note,
    )


def single(name: str, value: float, unit: str, *, goal: float | None = None, note: str = "") -> Figure:
    """A quantity measured once."""
    return Figure(name=name, unit=unit, samples=1, p50=value, p95=value, largest=value, goal=goal, note=note)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Nearest-rank percentile of ordered values."""
    rank = max(1, -(-len(ordered) * round(share * 1000) // 1000))
    return ordered[min(rank, len(ordered)) - 1]


def conditions() -> dict[str, str]:
    """What figures are worth nothing without."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpus": str(os.cpu_count()),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def show(title: str, figures: Sequence[Figure], facts: dict[str, str], problems: Sequence[str] = ()) -> None:
    """Print the table."""
    table = Table(title=title, title_justify="left")
    for column in ("figure", "samples", "p50", "p95", "max", "unit", "goal (p95)", "ratio", "note"):
        table.add_column(column, justify="left" if column in ("figure", "unit", "note") else "right")
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        met = {None: "", True: "met", False: "MISSED"}[figure.met]
        table.add_row(
            figure.name,
            str(figure.samples),
            *(f"{value:.1f}" for value in (figure.p50, figure.p95, figure.largest)),
            figure.unit,
            "" if figure.goal is None else f"{figure.goal:g}",
            f"{ratio} {met}".strip(),
            figure.note,
        )
    console = Console(width=None if os.isatty(1) else 160)
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()))
    for problem in problems:
        console.print(f"problem: {problem}", markup=False)


def write_json(path: Path, figures: Sequence[Figure], facts: dict[str, str], problems: Sequence[str] = ()) -> None:
    """The same as a file."""
    rows = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    document = {"conditions": facts, "figures": rows, "problems": list(problems)}
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def add_phases(parser: argparse.ArgumentParser, known: Sequence[str], *, default: Sequence[str] = ()) -> None:
    """The option ``--only``: the phases to run, in the order named; all of them, or ``default``, without it."""

    def chosen(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(
                f"no such phase: {', '.join(sorted(unknown))}; there are {', '.join(known)}"
            )
        return names

    parser.add_argument(
        "--only", type=chosen, default=",".join(default or known), help="phases, separated by commas"
    )
