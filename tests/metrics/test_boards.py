"""The boards against the types that Grafana publishes (npm `@grafana/schema`), by the TypeScript compiler.

The types are those of files and of each kind of panel; what they do not know, an object may not have.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from metrics.monitoring.boards import boards
from metrics.monitoring.files import DEPLOY

_TYPES = Path(__file__).with_name("grafana_board.ts")
_MODULES = DEPLOY.parent / "web" / "node_modules"
_SCHEMA = _MODULES / "@grafana" / "schema" / "dist"
_OPTIONS = {
    "strict": True,
    "noEmit": True,
    "skipLibCheck": True,
    "target": "ES2022",
    "lib": ["ES2023"],
    "module": "ESNext",
    "moduleResolution": "Bundler",
    "types": [],
    "paths": {
        "@grafana/schema": [str(_SCHEMA / "types" / "index.d.ts")],
        "@grafana/schema/dist/esm/*": [str(_SCHEMA / "esm" / "*")],
    },
}
Json = dict[str, Any]


def complaints(given: dict[str, Json], directory: Path) -> dict[str, str]:
    """The first complaint about each board that has one, by the board's name."""
    for name, board in given.items():
        text = f'import type {{ Board }} from "{_TYPES.with_suffix("")}";\nexport const board: Board = '
        (directory / f"{name}.ts").write_text(text + json.dumps(board, indent=1), encoding="utf-8")
    project = {"compilerOptions": _OPTIONS, "files": [f"{name}.ts" for name in given]}
    (directory / "tsconfig.json").write_text(json.dumps(project))
    compiler = _MODULES / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        ["node", compiler, "--pretty", "false", "-p", directory],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1, 2), done.stderr
    found: dict[str, str] = {}
    for line in done.stdout.splitlines():
        if ": error " in line:
            file, _, text = line.partition(": error ")
            found.setdefault(Path(file.partition("(")[0]).stem, text)
    assert bool(found) == bool(done.returncode), done.stdout
    return found


def test_every_board_is_one_by_grafanas_own_types(tmp_path: Path) -> None:
    files = (DEPLOY / "grafana" / "dashboards").glob("*.json")
    shipped = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
    assert shipped.keys() == boards().keys()
    assert complaints(shipped, tmp_path) == {}


def _panel(board: Json, kind: str) -> Json:
    return next(panel for panel in board["panels"] if panel["type"] == kind)


def _mappings(board: Json) -> Any:
    return _panel(board, "table")["fieldConfig"]["overrides"][0]["properties"][0]["value"]


#: What is broken → the board that has such a thing, how, and what is said of it.
BROKEN: dict[str, tuple[str, Callable[[Json], Any], str]] = {
    "a kind of panel": ("voice", lambda board: _panel(board, "stat").update(type="statt"), '"statt"'),
    "a place": ("voice", lambda board: _panel(board, "stat").update(gridPos="left"), "'string'"),
    "a misspelt field": ("voice", lambda board: _panel(board, "stat").update(fieldconfig={}), '"fieldconfig"'),
    "an option": ("voice", lambda board: _panel(board, "stat")["options"].update(colorMod="none"), '"colorMod"'),
    "an option's word": (
        "voice",
        lambda board: _panel(board, "stat")["options"].update(colorMode="bright"),
        '"bright"',
    ),
    "an option of another kind": (
        "voice",
        lambda board: _panel(board, "stat")["options"].update(calculate=False),
        'type: "stat"',
    ),
    "a unit": (
        "voice",
        lambda board: _panel(board, "timeseries")["fieldConfig"]["defaults"].update(units="s"),
        '"units"',
    ),
    "a threshold": (
        "voice",
        lambda board: _panel(board, "stat")["fieldConfig"]["defaults"]["thresholds"]["steps"][1].update(value="1"),
        "'string'",
    ),
    "a query": (
        "trunks",
        lambda board: _panel(board, "timeseries")["targets"][0].update(expression="up"),
        '"expression"',
    ),
    "an axis": (
        "voice",
        lambda board: _panel(board, "heatmap")["options"]["yAxis"].update(units="short"),
        '"units"',
    ),
    "a mapping": ("compliance", lambda board: _mappings(board)[1].update(type="specially"), '"specially"'),
    "a cell": (
        "compliance",
        lambda board: _panel(board, "table")["fieldConfig"]["overrides"][0]["properties"][1].update(
            value={"type": "colour-text"}
        ),
        '"colour-text"',
    ),
    "a variable": ("trunks", lambda board: board["templating"]["list"][0].update(type="asked"), '"asked"'),
    "a refresh": ("trunks", lambda board: board["templating"]["list"][0].update(refresh=9), "'9'"),
    "a version": ("operations", lambda board: board.pop("schemaVersion"), "'Board'"),
    "a pace": ("operations", lambda board: board.update(refresh=15), "'number'"),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the compiler says of each broken board, all at once."""
    given = {}
    for number, (name, break_it, _) in enumerate(BROKEN.values()):
        given[f"broken{number}"] = deepcopy(boards()[name])
        break_it(given[f"broken{number}"])
    return complaints(given, tmp_path_factory.mktemp("broken"))


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_board_is_refused(what: str, said: dict[str, str]) -> None:
    number = list(BROKEN).index(what)
    assert BROKEN[what][2] in said.get(f"broken{number}", "it was taken")
