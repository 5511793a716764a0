"""One Chinese word for each thing: pages, reports, boards, definitions by the table of `docs/glossary.md`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from metrics.definitions import DEFINITIONS
from metrics.monitoring.boards import boards
from metrics.report_words import WORDS

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web" / "src" / "i18n"


def table() -> list[tuple[list[str], list[str]]]:
    """What is said and what is not, row by row."""
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    part = text.partition("## One word for each thing")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:2] == "| "
    ]
    return [(said.split(", "), others.split(", ")) for said, _, _, others in rows[1:]]


def leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield path + key, str(value)


def pages() -> dict[str, str]:
    """The Chinese words of the pages by their keys."""
    found: dict[str, str] = {}
    for file in WEB.glob("*zh.json"):
        found |= {f"{file.name} {key}": text for key, text in leaves(json.loads(file.read_text(encoding="utf-8")))}
    return found


def texts() -> dict[str, str]:
    """Everything that is looked at, by where it stands."""
    found = pages()
    found |= {f"report {key}": zh for key, (zh, _) in WORDS.items()}
    found |= {
        f"board {name} {panel['title']}": panel["title"] for name, b in boards().items() for panel in b["panels"]
    }
    found |= {f"definition {name}": f"{one.title_zh} {one.clause_zh}" for name, one in DEFINITIONS.items()}
    return found


@pytest.mark.parametrize(("said", "others"), table(), ids=lambda words: words[0])
def test_a_thing_has_one_name(said: list[str], others: list[str]) -> None:
    every = texts()
    assert [place for place, text in every.items() if any(other in text for other in others)] == []
    assert all(any(word in text for text in every.values()) for word in said), "the table names what nobody says"


#: Columns and kinds of reports that a page names too, by the page's key.
SHARED = {
    "queue": (
        "queues.queue",
        "admin.settingKind.queues",
        "admin.reports.kinds.queues",
        "admin.reports.grouping.queue",
    ),
    "agent": ("admin.reports.grouping.agent", "admin.field.agent"),
    "seat": ("agents.seat", "admin.reports.grouping.seat"),
    "trunk": ("admin.reports.kinds.trunks", "admin.reports.grouping.trunk"),
    "direction": ("admin.reports.grouping.direction",),
    "flow": ("admin.reports.grouping.flow",),
    "node": ("admin.reports.grouping.node",),
    "contact": ("admin.reports.grouping.contact",),
    "flows": ("admin.reports.kinds.flows",),
    "contacts": ("admin.reports.kinds.contacts",),
    "surveys": ("admin.surveys.title",),
    "survey": ("admin.surveys.survey",),
    "service_level": ("queues.serviceLevel",),
    "self_service": ("outcome.self_service",),
    "voice_mails": ("messages.title",),
    "completed": ("outcome.completed",),
    "call_backs": ("outcome.call_back",),
    **{
        name: (f"admin.reports.grouping.{name}",)
        for name in ("quarter_hour", "hour", "day", "week", "month", "quarter", "year")
    },
}


@pytest.mark.parametrize("column", SHARED)
def test_reports_name_things_as_the_pages_do(column: str) -> None:
    found = {
        key.replace("admin.zh.json ", "admin.").replace("zh.json ", ""): text for key, text in pages().items()
    }
    report = WORDS[column][0].removesuffix("报表")
    assert {found[key] for key in SHARED[column]} == {report}
