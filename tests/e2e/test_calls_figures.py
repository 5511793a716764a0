"""Calls become measured values: compliance rows with sample counts, and the Prometheus page."""

from __future__ import annotations

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.centre import Centre, Row
from tests.e2e.rig import is_served
from tests.support.fixtures import MakePhone

#: Rows that a call with a query and an agent brings samples for.
MEASURED = (
    *("R10.3.1.1.a", "R10.3.1.2", "R10.3.1.3.delay", "R10.3.1.3.loss", "R10.3.1.5.a", "R10.3.1.6", "R10.3.1.7"),
    *("R10.3.2.a", "R10.3.2.b", "R10.3.2.c", "R10.3.2.d"),
)
#: Rows that need a busy trunk, or probes.
NOT_MEASURED = ("R10.3.1.1.b", "R10.3.1.4.a", "R10.3.1.4.b", "R10.3.1.4.c", "R10.3.1.5.b")
#: What compares hours, and so has something to say once the clock strikes one between two calls.
OF_HOURS = "R10.3.2.d.hours"
#: The families of interface.md with their labels.
PROMISED = {
    "cc_calls": {"direction", "trunk", "outcome"},
    "cc_calls_active": set(),
    "cc_call_connect_seconds": set(),
    "cc_dtmf_response_seconds": set(),
    "cc_ivr_query_seconds": set(),
    "cc_ivr_sessions": {"outcome"},
    "cc_queue_wait_seconds": {"queue"},
    "cc_queue_waiting": {"queue"},
    "cc_agents": {"state"},
    "cc_contacts": {"queue", "outcome"},
    "cc_service_level_ratio": {"queue"},
    "cc_handle_seconds": {"queue"},
    "cc_rtp_loss_ratio": set(),
    "cc_rtp_jitter_seconds": set(),
    "cc_voice_delay_seconds": set(),
    "cc_media_tick_seconds": set(),
    "cc_recordings": {"mode"},
    "cc_compliance_value": {"requirement"},
    "cc_compliance_target": {"requirement"},
    "cc_alarms": {"severity"},
}
#: Promised families that have no lines before enough samples or probes: their heads stand all the same.
HEADS_ONLY = ("cc_voice_mos", "cc_compliance_ok")


async def test_a_call_with_a_query_and_an_agent_is_measured(centre: Centre, phone: MakePhone) -> None:
    before = {row["id"]: row for row in await centre.items("compliance")}
    await is_served(centre, phone)

    after = await centre.eventually(
        lambda: centre.items("compliance"),
        lambda rows: all(own(row)[1] > own(before[row["id"]])[1] for row in rows if row["id"] in MEASURED),
    )
    for row in after:
        check_row(row, before[row["id"]])
    families = await centre.eventually(
        lambda: families_of(centre), lambda found: all(found[name].samples for name in PROMISED)
    )
    for name, labels in PROMISED.items():
        assert all(labels <= set(sample.labels) for sample in families[name].samples), name
    assert sum(sample.value for sample in families["cc_agents"].samples) == 10
    assert set(HEADS_ONLY) <= set(families)
    counted = {(s.labels["queue"], s.labels["outcome"]): s.value for s in families["cc_contacts"].samples}
    assert counted["support", "handled"] >= 1
    shown = {sample.labels["requirement"] for sample in families["cc_compliance_value"].samples}
    assert set(MEASURED) <= shown
    assert not shown & set(NOT_MEASURED)


async def families_of(centre: Centre) -> dict[str, Metric]:
    """The families of the Prometheus page."""
    return {family.name: family for family in text_string_to_metric_families(await centre.metrics())}


def check_row(row: Row, before: Row) -> None:
    """A row has a value with samples and the good call is none of its failures, or it says that it has no data."""
    assert {"id", "title", "clause", "value", "target", "comparison", "unit", "window"} <= set(row)
    if row["id"] in MEASURED:
        assert row["verdict"] in ("pass", "insufficient", "fail")
        assert row["unit"] != "ratio" or failures(row) <= failures(before), row
    elif row["id"] == OF_HOURS:
        assert row["verdict"] in ("no_data", "insufficient")
    else:
        assert row["id"] in NOT_MEASURED
        assert (row["value"], row["samples"], row["verdict"]) == (None, 0, "no_data")


def failures(row: Row) -> int:
    """How many samples of a share missed."""
    value, samples = own(row)
    return round(samples * (1 - (value or 0))) if row["comparison"] == ">=" else 0


def own(row: Row) -> tuple[float | None, int]:
    """Value and samples of the platform's own facts, also where mystery calls decide."""
    if row["self_reported_samples"] is None:
        return row["value"], row["samples"]
    return row["self_reported_value"], row["self_reported_samples"]
