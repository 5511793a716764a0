"""The exposition: names of `interface.md`, parses, bounded labels, buckets at the targets."""

from __future__ import annotations

from collections.abc import Callable, Collection

from prometheus_client.parser import text_string_to_metric_families

from ccplatform.contracts.facts import CallsRefused, KeyAnswered, MediaMoved, RecordingStarted
from ccplatform.contracts.words import (
    FlowOutcome,
    LegId,
    LegRole,
    Outcome,
    QueueId,
    RecordingId,
    RecordingMode,
    ReleaseCause,
)
from metrics.families import FAMILIES
from metrics.model import AnswerLimits
from metrics.prometheus import Exposition, OverloadHealth, WorkerHealth
from metrics.text_format import pieces
from tests.metrics.telling import (
    PSTN,
    SALES,
    Centre,
    agent_answered,
    left_flow,
    measured,
    queue_left,
    queued,
    refused,
    talk_ended,
    wrap_up_ended,
)

#: "Prometheus names" of interface.md.
CONTRACT = {
    "cc_calls_total": {"direction", "trunk", "outcome"},
    "cc_calls_active": set(),
    "cc_call_connect_seconds": set(),
    "cc_dtmf_response_seconds": set(),
    "cc_ivr_query_seconds": set(),
    "cc_ivr_sessions_total": {"outcome"},
    "cc_queue_wait_seconds": {"queue"},
    "cc_queue_waiting": {"queue"},
    "cc_agents": {"state"},
    "cc_contacts_total": {"queue", "outcome"},
    "cc_service_level_ratio": {"queue"},
    "cc_handle_seconds": {"queue"},
    "cc_rtp_loss_ratio": set(),
    "cc_rtp_jitter_seconds": set(),
    "cc_voice_delay_seconds": set(),
    "cc_voice_mos": {"condition"},
    "cc_media_tick_seconds": None,
    "cc_recordings_total": {"mode"},
    "cc_compliance_value": {"requirement"},
    "cc_compliance_target": {"requirement"},
    "cc_compliance_ok": {"requirement"},
    "cc_alarms": {"severity"},
}

OVERLOAD = OverloadHealth(level=2, refused={"ordinary": 7})

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(
    centre: Centre,
    *,
    queues: Callable[[], Collection[str]] | None = None,
    workers: tuple[WorkerHealth, ...] = (),
) -> str:
    exposition = Exposition(queues=queues, workers=lambda: workers, overload=lambda: OVERLOAD)
    exposition.observe(centre.observations)
    return b"".join(pieces(exposition.collect(centre.fold, centre.now, AnswerLimits()))).decode()


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def one_of_everything() -> Centre:
    centre = Centre()
    centre.channels(3)
    contact = centre.arrive()
    centre.voice(contact, seconds=0.08)
    started = RecordingStarted(
        contact=contact, recording=RecordingId("r"), mode=RecordingMode.FULL, queue=SALES, agent=None, seat=None
    )
    centre.tell(
        KeyAnswered(contact=contact, node="menu", response_seconds=3.0),
        left_flow(contact, FlowOutcome.COMPLETED),
        queued(contact),
        queue_left(contact, "answered", 20.0),
        agent_answered(contact, 25.0),
        started,
        talk_ended(contact, 100.0),
        measured(contact, lost=0),
        MediaMoved(contact=contact, leg=LegId("caller"), role=LegRole.CALLER, gap_seconds=0.3),
        refused(ReleaseCause.BUSY),
    )
    centre.end(contact, Outcome.HANDLED, queue=SALES)
    centre.tell(wrap_up_ended(contact, 20.0), queued(centre.arrive()))
    return centre


def test_every_name_of_the_contract_is_there_from_the_first_scrape() -> None:
    names = {family.name for family in text_string_to_metric_families(scrape(Centre()))}
    assert {name.removesuffix("_total") for name in CONTRACT} <= names


def test_labels_are_those_of_the_contract() -> None:
    for name, labels in CONTRACT.items():
        if labels is not None:
            assert set(FAMILIES[name.removesuffix("_total")].labels) == labels


def test_every_help_names_a_requirement() -> None:
    for family in FAMILIES.values():
        assert "R10." in family.help or "R6." in family.help or "D-" in family.help


def test_targets_are_bounds_of_buckets() -> None:
    for name, target in (
        ("cc_call_connect_seconds", 1.0),
        ("cc_dtmf_response_seconds", 3.0),
        ("cc_dtmf_response_seconds", 4.0),
        ("cc_ivr_query_seconds", 8.0),
        ("cc_ivr_query_seconds", 10.0),
        ("cc_agent_wait_seconds", 60.0),
        ("cc_queue_wait_seconds", 20.0),
        ("cc_rtp_loss_ratio", 0.05),
        ("cc_voice_delay_seconds", 0.4),
    ):
        assert target in FAMILIES[name].buckets


def test_one_call_shows_everywhere() -> None:
    found = samples(
        scrape(
            one_of_everything(),
            workers=(
                WorkerHealth(
                    worker=0,
                    ticks={"p50": 0.001, "p99": 0.002, "max": 0.003},
                    overruns=3,
                    refused={"flood": 2},
                    link_frames={"lost": 4},
                ),
            ),
        )
    )
    call = (("direction", "inbound"), ("outcome", "handled"), ("trunk", "pstn"))
    assert found["cc_calls_total", call] == 1
    assert found["cc_calls_active", ()] == 1
    assert found["cc_overload_level", ()] == 2
    assert found["cc_overload_refused_calls", (("class", "ordinary"),)] == 7
    assert found["cc_call_connect_seconds_bucket", (("le", "0.08"),)] == 1
    assert found["cc_call_connect_seconds_bucket", (("le", "0.05"),)] == 0
    assert found["cc_dtmf_response_seconds_bucket", (("le", "3.0"),)] == 1
    assert found["cc_dtmf_response_seconds_sum", ()] == 3.0
    assert found["cc_ivr_sessions_total", (("outcome", "completed"),)] == 1
    assert found["cc_queue_wait_seconds_count", (("queue", "sales"),)] == 1
    assert found["cc_queue_waiting", (("queue", "sales"),)] == 1
    assert found["cc_service_level_ratio", (("queue", "sales"),)] == 1.0
    assert found["cc_contacts_total", (("outcome", "handled"), ("queue", "sales"))] == 1
    assert found["cc_handle_seconds_sum", (("queue", "sales"),)] == 120.0
    assert found["cc_voice_mos_count", (("condition", "good"),)] == 1
    assert found["cc_recordings_total", (("mode", "full"),)] == 1
    assert found["cc_trunk_channels_in_use", (("trunk", "pstn"),)] == 3
    assert found["cc_media_tick_seconds", (("stat", "p99"), ("worker", "0"))] == 0.002
    assert found["cc_media_gap_seconds_bucket", (("le", "0.5"),)] == 1
    assert found["cc_media_gap_seconds_bucket", (("le", "0.2"),)] == 0
    assert found["cc_media_tick_overruns", (("worker", "0"),)] == 3
    assert found["cc_media_link_frames", (("result", "lost"), ("worker", "0"))] == 4
    assert found["cc_media_refused_packets", (("reason", "flood"), ("worker", "0"))] == 2
    assert found["cc_compliance_value", (("requirement", "R10.3.1.2"),)] == 0.08
    assert found["cc_compliance_target", (("requirement", "R10.3.1.2"),)] == 1.0
    assert found["cc_asa_seconds", ()] == 20.0


def test_ok_is_absent_while_the_sample_is_too_small() -> None:
    centre = Centre()
    centre.voice(centre.arrive(), seconds=2.0)
    ok = ("cc_compliance_ok", (("requirement", "R10.3.1.2"),))
    assert ok not in samples(scrape(centre))
    for _ in range(29):
        centre.voice(centre.arrive(), seconds=2.0)
    assert samples(scrape(centre))[ok] == 0.0
    for _ in range(60):
        centre.voice(centre.arrive(), seconds=0.1)
    assert samples(scrape(centre))[ok] == 1.0


def test_queues_that_are_not_configured_are_other() -> None:
    centre = Centre()
    for queue in ("sales", "made-up", "another"):
        centre.tell(queue_left(centre.arrive(), "answered", 1.0, QueueId(queue)))
    found = samples(scrape(centre, queues=lambda: {"sales"}))
    assert found["cc_queue_wait_seconds_count", (("queue", "other"),)] == 2
    assert found["cc_queue_wait_seconds_count", (("queue", "sales"),)] == 1


def test_while_no_queue_is_known_the_names_of_facts_stand() -> None:
    centre = Centre()
    centre.tell(queue_left(centre.arrive(), "answered", 1.0))
    found = samples(scrape(centre, queues=lambda: ()))
    assert found["cc_queue_wait_seconds_count", (("queue", "sales"),)] == 1


def test_configured_queues_show_before_anybody_waits() -> None:
    found = samples(scrape(Centre(), queues=lambda: {"sales"}))
    assert found["cc_queue_waiting", (("queue", "sales"),)] == 0


def test_mos_comes_from_the_e_model_unless_it_was_measured() -> None:
    centre = Centre()
    centre.tell(measured(centre.arrive(), lost=0, delay=0.05), measured(centre.arrive(), mos=2.0, delay=0.5))
    found = samples(scrape(centre))
    assert abs(found["cc_voice_mos_sum", (("condition", "good"),)] - 4.41) < 0.005
    assert found["cc_voice_mos_sum", (("condition", "bad"),)] == 2.0


def test_calls_refused_unread_count_as_many_as_they_were() -> None:
    centre = Centre()
    centre.tell(
        CallsRefused(trunk=PSTN, source="192.0.2.4", calls=40, cause=ReleaseCause.OVERLOAD, sip_status=503),
        refused(ReleaseCause.OVERLOAD),
    )
    found = samples(scrape(centre))
    assert found["cc_calls_total", (("direction", "inbound"), ("outcome", "refused"), ("trunk", str(PSTN)))] == 41


def test_refused_calls_are_counted_by_their_trunk() -> None:
    centre = Centre()
    centre.tell(refused(ReleaseCause.OVERLOAD), refused(ReleaseCause.BUSY, trunk=None))
    found = samples(scrape(centre))
    for trunk in (str(PSTN), ""):
        assert found["cc_calls_total", (("direction", "inbound"), ("outcome", "refused"), ("trunk", trunk))] == 1
