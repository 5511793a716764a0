"""What the commands of the command line share: options, settings given by flags, and how they fail."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Configuration file (TOML).")]
DataDirOption = Annotated[Path | None, typer.Option("--data-dir", help="Directory of all data.")]
DemoOption = Annotated[bool, typer.Option("--demo", help="Start the demo centre.")]


def flags(*given: tuple[str, str, Any]) -> dict[str, dict[str, Any]]:
    """Settings (section, name, value) that were given; None was not."""
    flags: dict[str, dict[str, Any]] = {}
    for section, name, value in given:
        if value is not None:
            flags.setdefault(section, {})[name] = value
    return flags


def fail(message: str, code: int) -> NoReturn:
    """Say why on the error output, and exit."""
    print(message, file=sys.stderr)
    sys.exit(code)
