"""Files made from the definitions, and those that use their names."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from metrics.definitions import REQUIREMENTS
from metrics.document import PAGE, page
from metrics.families import FAMILIES, Kind

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
_NAME = re.compile(r"\bcc_[a-z0-9_]+\b")
_SUFFIXES = {Kind.COUNTER: ("_total",), Kind.GAUGE: ("",), Kind.HISTOGRAM: ("_bucket", "_sum", "_count")}
EXPOSED = {family.name + suffix for family in FAMILIES.values() for suffix in _SUFFIXES[family.kind]}


def test_the_page_is_what_the_definitions_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m metrics.document"


def rules() -> list[dict[str, object]]:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_requirement_has_its_alert() -> None:
    alerts = {
        str(rule["labels"]["requirement"]): rule["expr"]  # type: ignore[index]
        for rule in rules()
        if "requirement" in rule.get("labels", {})  # type: ignore[operator]
    }
    assert alerts == {row.id: f'cc_compliance_ok{{requirement="{row.id}"}} == 0' for row in REQUIREMENTS}


def test_rules_use_names_that_exist() -> None:
    used = {name for rule in rules() for name in _NAME.findall(str(rule["expr"]))}
    assert used
    assert used <= EXPOSED


def test_boards_use_names_that_exist() -> None:
    recorded = {str(rule["record"]) for rule in rules() if "record" in rule}
    for name in ("operations", "compliance"):
        board = json.loads((DEPLOY / "grafana" / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
        expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
        assert {used for text in expressions for used in _NAME.findall(text)} <= EXPOSED
        assert {used for text in expressions for used in re.findall(r"\bcc:[a-z0-9_:]+", text)} <= recorded


def test_the_compliance_board_shows_every_requirement() -> None:
    board = (DEPLOY / "grafana" / "dashboards" / "compliance.json").read_text(encoding="utf-8")
    assert all(f'requirement=\\"{row.id}\\"' in board for row in REQUIREMENTS)
