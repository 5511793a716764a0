"""Files made from the definitions, and those that use their names."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from metrics.definitions import REQUIREMENTS
from metrics.document import PAGE, page
from metrics.families import FAMILIES, Kind
from metrics.monitoring.boards import boards
from metrics.monitoring.files import DEPLOY, files

_NAME = re.compile(r"\bcc_[a-z0-9_]+\b")
_SUFFIXES = {Kind.COUNTER: ("_total",), Kind.GAUGE: ("",), Kind.HISTOGRAM: ("_bucket", "_sum", "_count")}
EXPOSED = {family.name + suffix for family in FAMILIES.values() for suffix in _SUFFIXES[family.kind]}


def test_the_page_is_what_the_definitions_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m metrics.document"


def rules() -> list[dict[str, object]]:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("name", files())
def test_the_files_for_prometheus_and_grafana_are_what_is_made(name: str) -> None:
    assert (DEPLOY / name).read_text(encoding="utf-8") == files()[name], "run: python -m metrics.monitoring"


def test_every_requirement_has_its_alert() -> None:
    alerts = {
        str(rule["labels"]["requirement"]): rule["expr"]  # type: ignore[index]
        for rule in rules()
        if str(rule.get("alert", "")).startswith("Requirement")
    }
    assert alerts == {row.id: f'cc_compliance_ok{{requirement="{row.id}"}} == 0' for row in REQUIREMENTS}


def test_every_requirement_has_two_alerts_before_its_breach() -> None:
    watched = [str(rule["expr"]) for rule in rules() if str(rule.get("alert", "")).startswith("Budget")]
    for row in REQUIREMENTS:
        named = row.id.replace(".", r"\\.")
        assert len([text for text in watched if re.search(rf'["|]{re.escape(named)}["|]', text)]) == 2


def test_rules_use_names_that_exist() -> None:
    used = {name for rule in rules() for name in _NAME.findall(str(rule["expr"]))}
    assert used
    assert used <= EXPOSED


@pytest.mark.parametrize("name", boards())
def test_boards_use_names_that_exist(name: str) -> None:
    recorded = {str(rule["record"]) for rule in rules() if "record" in rule}
    board = json.loads((DEPLOY / "grafana" / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
    texts = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    texts += [variable["definition"] for variable in board["templating"]["list"]]
    assert {used for text in texts for used in _NAME.findall(text)} <= EXPOSED
    assert {used for text in texts for used in re.findall(r"\bcc:[a-z0-9_:]+", text)} <= recorded


@pytest.mark.parametrize("name", boards())
def test_no_panel_lies_over_another_or_beside_the_board(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in boards()[name]["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_compliance_board_shows_every_requirement() -> None:
    shown = str([panel["targets"] for panel in boards()["compliance"]["panels"]])
    assert all(f'requirement="{row.id}"' in shown for row in REQUIREMENTS)
