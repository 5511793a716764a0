"""The page of settings, and the shipped file of defaults, say what the models say."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

import pytest

from ccplatform.app.document import PAGE, page
from ccplatform.app.settings import Settings, load_settings


def test_the_page_is_what_the_models_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m ccplatform.app.document"


def test_every_section_has_its_table() -> None:
    text = page()
    assert [name for name in Settings.model_fields if f"## `{name}`\n" not in text] == []


def test_the_shipped_file_of_defaults_changes_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = tomllib.loads(files("config").joinpath("default.toml").read_text("utf-8"))
    for section, values in shipped.items():
        for name in values:
            monkeypatch.delenv(f"CCP_{section}__{name}".upper(), raising=False)
    loaded = load_settings()
    assert {path: given(loaded, path) for path in paths(shipped)} == {
        path: default(path) for path in paths(shipped)
    }


def paths(data: dict[str, dict[str, Any]]) -> list[tuple[str, str]]:
    return [(section, name) for section, values in data.items() for name in values]


def given(settings: Settings, path: tuple[str, str]) -> Any:
    return getattr(getattr(settings, path[0]), path[1])


def default(path: tuple[str, str]) -> Any:
    section = type(Settings.model_fields[path[0]].get_default())
    return section.model_fields[path[1]].get_default()
