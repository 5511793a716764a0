"""The files below `deploy/` that are made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import yaml

from metrics.monitoring.boards import boards
from metrics.monitoring.rules import groups

#: Where they are, seen from the repository.
DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"

_HEAD: Final = """\
# Made by `python -m metrics.monitoring`; do not edit. Recording rules recompute indicators from counters and
# histograms, beside the platform's own windows; alert rules follow its verdicts, one for each requirement.
# Ids are those of docs/metrics.md.
"""


def files() -> dict[str, str]:
    """Path below `deploy/` → text."""
    rules = yaml.safe_dump({"groups": groups()}, sort_keys=False, allow_unicode=True, width=1000)
    made = {"prometheus/rules.yml": _HEAD + rules}
    for name, board in boards().items():
        made[f"grafana/dashboards/{name}.json"] = json.dumps(board, ensure_ascii=False, indent=1) + "\n"
    return made
