"""Public holidays that the program ships, as published: ``config/calendars/<name>.toml`` (``cn-2026``)."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

from acd.errors import IllegalSetting

_FOLDER = "calendars"


def shipped() -> tuple[str, ...]:
    """The names of the lists that are there."""
    folder = files("config").joinpath(_FOLDER)
    return tuple(
        sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))
    )


def with_holidays(document: dict[str, Any], subject: str) -> dict[str, Any]:
    """A calendar's document with the days of the lists that its ``holidays`` name; its own days count first.

    Raises IllegalSetting for a list that is not there.
    """
    rest = {name: value for name, value in document.items() if name != "holidays"}
    own = {*rest.get("days", {}), *rest.get("make_up_days", {})}
    days, make_up_days = dict(rest.get("days", {})), dict(rest.get("make_up_days", {}))
    for name in document.get("holidays", ()):
        if name not in shipped():
            raise IllegalSetting(subject, "holidays", name, f"there are {', '.join(shipped())}")
        free, worked = days_of(name)
        days |= {day.isoformat(): [] for day in free if day.isoformat() not in own}
        make_up_days |= {day.isoformat(): 0 for day in worked if day.isoformat() not in own}
    return {**rest, "days": days, "make_up_days": make_up_days}


def years_of(name: str) -> list[int]:
    """The years that a list has days of."""
    free, worked = days_of(name)
    return sorted({day.year for day in (*free, *worked)})


def days_of(name: str) -> tuple[list[date], list[date]]:
    """The free days of a list, and those that are worked in place of others."""
    listed = _read(name)
    free = [day for span in listed["days"] for day in _from_to(span["from"], span["to"])]
    return free, listed["make_up_days"]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("config").joinpath(_FOLDER).joinpath(f"{name}.toml").read_text("utf-8"))


def _from_to(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
