"""The page of compliance names files and tests that exist, and every requirement once."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "compliance.md"
_CODE = re.compile(r"`([^`]+)`")
_PATH = re.compile(r"[\w./-]+/[\w.-]+\.[a-z]+(::\w+)?")
STATES = {"met", "partly", "later"}


def rows() -> list[list[str]]:
    """The cells of every table row but heads and rules."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in cells if row[0] != "id" and set(row[0]) != {"-"}]


def citations() -> list[str]:
    """Every file, or test as ``file::function``, that the page names."""
    found = _CODE.findall(PAGE.read_text(encoding="utf-8"))
    return sorted({text for text in found if _PATH.fullmatch(text)})


@cache
def functions_of(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("citation", citations())
def test_what_the_page_names_exists(citation: str) -> None:
    file, _, function = citation.partition("::")
    assert (ROOT / file).is_file()
    assert not function or function in functions_of(file)


def test_what_is_met_names_code_and_a_test() -> None:
    bare = [row[0] for row in rows() if row[1] != "later" and not (row[3] and "::test_" in row[4])]
    assert bare == []


def test_every_row_has_a_known_state_and_says_what() -> None:
    assert [row[0] for row in rows() if len(row) != 5 or row[1] not in STATES or not row[2]] == []


def test_every_requirement_stands_once() -> None:
    ids = [name.strip() for row in rows() for name in row[0].split(",")]
    assert sorted(ids) == sorted(set(ids))
