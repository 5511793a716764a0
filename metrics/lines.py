"""How what control needs of others does, as it tells from time to time: gauges without a fold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

#: Name, labels, value.
Gauge = tuple[str, tuple[str, ...], float]
_CLOCK: Final = {
    "offset": "cc_clock_offset_seconds",
    "synchronised": "cc_clock_synchronised",
    "most_error": "cc_clock_most_error_seconds",
}


def line_gauges(health: Mapping[str, Any]) -> Iterator[Gauge]:
    """``health`` are the clock (``{name: value}``) and two parts of control's health, {} without one: ``access``
    (``{trunks: {name: state}, bans}``)
    and ``ivr`` (``{sources: {name: whether}, voices: {engine: whether}, recognisers: {language: whether},
    bots: {name: state}}``)."""
    yield from _access(health.get("access", {}))
    yield from _ivr(health.get("ivr", {}))
    for name, value in health.get("clock", {}).items():
        yield _CLOCK[name], (), value


def _ivr(health: Mapping[str, Any]) -> Iterator[Gauge]:
    for source, serves in health.get("sources", {}).items():
        yield "cc_data_source_up", (source,), float(serves)
    for engine, works in health.get("voices", {}).items():
        yield "cc_voice_up", (engine,), float(works)
    for language, works in health.get("recognisers", {}).items():
        yield "cc_recogniser_up", (language,), float(works)
    for name, bot in health.get("bots", {}).items():
        yield "cc_bot_up", (name,), float(bot["up"])
        yield "cc_bot_talks", (name,), bot["talks"]
        yield "cc_bot_failures", (name,), bot["failures"]


def _access(health: Mapping[str, Any]) -> Iterator[Gauge]:
    for name, trunk in health.get("trunks", {}).items():
        states = [target["state"] for target in trunk["targets"]]
        serves = not states or any(state != "down" for state in states)
        yield "cc_trunk_in_service", (name,), float(trunk["state"] == "active" and serves)
        if trunk["registration"] is not None:
            yield "cc_trunk_registered", (name,), float(trunk["registration"]["state"] == "registered")
        for target in trunk["targets"]:
            labels = (name, f"{target['transport']} {target['address']}")
            if target["state"] != "unknown":
                yield "cc_trunk_server_up", labels, float(target["state"] == "up")
            if target["round_trip_seconds"] is not None:
                yield "cc_trunk_server_round_trip_seconds", labels, target["round_trip_seconds"]
    bans = health.get("bans")
    if bans is not None:
        yield "cc_sip_banned_sources", (), len(bans["active"])
        yield "cc_sip_dropped_messages", (), bans["dropped"]
        for fault, count in bans["imposed"].items():
            yield "cc_sip_bans", (fault,), count
